import HummingbirdCore
import NIOCore

/// One caller's stream of counts. It is followed until the last reference goes.
final class LiveStream: Sendable {
    /// How far the caller has been told, by content.
    struct Progress {
        /// Sequences of the changes that he was told of last.
        var seen: [UInt64]
        /// Whether he was told that it is gone.
        var isGone: [Bool]
    }

    /// Milliseconds after which a client whose connection was lost comes again, spread so that not all come at once.
    private static let retryMilliseconds: ClosedRange<UInt64> = 1_000...3_000

    let contents: [[UInt8]]
    let seesPrivate: Bool
    private let counts: LiveCounts
    private let number: UInt64
    private let first: [UInt8]
    private let seen: [UInt64]
    private let wakes: AsyncStream<LiveCounts.Wake>

    init(
        _ counts: LiveCounts, number: UInt64, contents: [[UInt8]], seesPrivate: Bool, first: [UInt8], seen: [UInt64],
        wakes: AsyncStream<LiveCounts.Wake>
    ) {
        (self.counts, self.number, self.contents, self.seesPrivate) = (counts, number, contents, seesPrivate)
        (self.first, self.seen, self.wakes) = (first, seen, wakes)
    }

    deinit { counts.close(number, contents) }

    /// Writes events until the server stops or the connection ends; the next is taken when the last could be written.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        let span = LiveStream.retryMilliseconds
        // Fibonacci hashing of the stream's number: even, and without a random source.
        let spread = (number &* 0x9e37_79b9_7f4a_7c15) >> 32 % (span.upperBound - span.lowerBound)
        try await writer.write(ByteBuffer(bytes: Array("retry: \(span.lowerBound + spread)\n\n".utf8) + first))
        var progress = Progress(seen: seen, isGone: seen.map { _ in false })
        for await wake in wakes {
            let events = counts.news(of: self, &progress)
            if !events.isEmpty {
                try await writer.write(ByteBuffer(bytes: events))
            } else if wake == .beat {
                try await writer.write(ByteBuffer(string: ":\n\n"))
            }
        }
        try await writer.finish(nil)
    }
}
