/// Whether the client of a stream keeps pace: with the rest of its request, as far as that is asked for, and with taking
/// the answer. Logic only; times are nanoseconds of a clock that only rises.
package struct StreamPace {
    /// Bytes of a body that must come within the read timeout.
    private static let timedBytes = 64 << 10

    private let readTimeout: UInt64
    private let unsentTimeout: UInt64
    /// The client's time for the bytes that are timed, but for what runs since `askedAt`.
    private var used: UInt64 = 0
    private var askedAt: UInt64?
    private var passed = 0
    private var hasEnded = false
    /// Parts of the answer that are not with the kernel.
    private var unsent = 0
    private var unsentSince: UInt64 = 0

    /// - Parameters:
    ///   - readTimeout: for each 64 KiB of a request.
    ///   - unsentTimeout: for a part of the answer to be taken, while others are not either.
    package init(readTimeout: UInt64, unsentTimeout: UInt64) {
        self.readTimeout = readTimeout
        self.unsentTimeout = unsentTimeout
    }

    /// More of the request is wanted: from now on it is the client's time.
    package mutating func asked(at now: UInt64) {
        if askedAt == nil, !hasEnded { askedAt = now }
    }

    /// So many bytes of the request came. Until more is asked for, it is not the client's time.
    package mutating func received(_ bytes: Int, at now: UInt64) {
        if let askedAt { used += now &- askedAt }
        askedAt = nil
        passed += bytes
        guard passed >= StreamPace.timedBytes else { return }
        passed = 0
        used = 0
    }

    /// The request is whole.
    package mutating func requestEnded() {
        hasEnded = true
        askedAt = nil
        used = 0
    }

    /// A part of the answer was written.
    package mutating func wrote(at now: UInt64) {
        if unsent == 0 { unsentSince = now }
        unsent += 1
    }

    /// The client's side has taken a part of the answer, or never will.
    package mutating func sent(at now: UInt64) {
        unsent -= 1
        unsentSince = now
    }

    /// Whether the client has had its time.
    package func isOver(at now: UInt64) -> Bool {
        let waited = used + (askedAt.map { now &- $0 } ?? 0)
        return waited > readTimeout || unsent > 0 && now &- unsentSince > unsentTimeout
    }
}
