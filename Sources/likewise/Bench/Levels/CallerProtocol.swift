// What a caller says to a server, and what it makes of the answers: pure, so that a test needs no server.

/// Bytes that have arrived on a connection and were not understood yet.
package struct ReplyBuffer {
    private(set) var bytes: [UInt8] = []
    private var start = 0

    package init() {}

    /// What is left to understand.
    package var rest: ArraySlice<UInt8> { bytes[start...] }

    /// Adds what has arrived.
    package mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Passes over the first `count` bytes of the rest.
    package mutating func drop(_ count: Int) {
        precondition(count <= bytes.count - start, "\(count) bytes dropped of \(bytes.count - start)")
        start += count
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        }
    }

    /// Forgets all, as when the connection is made anew.
    package mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        start = 0
    }
}

/// How far a like has come.
package enum CallerProgress: Equatable {
    /// More bytes have to arrive; what is in the output has to be sent.
    case waiting
    /// Acknowledged: the user's first like.
    case counted
    /// Acknowledged: this user had liked already.
    case alreadyLiked
    /// Given to the level's event log, which acknowledges it.
    case handedOn
    /// The server said something that ends the measurement.
    case refused(String)
}

/// One caller's side of a connection, with one like at a time.
package protocol CallerProtocol {
    /// Appends to `output` what asks for the like of `user`.
    mutating func begin(user: Int, output: inout [UInt8])
    /// Takes what has arrived, as far as it is complete, and appends to `output` what is to be said next.
    mutating func receive(_ input: inout ReplyBuffer, output: inout [UInt8]) -> CallerProgress
}

/// The likes of the load: one hot content, every user different.
package enum LoadNames {
    /// The content that all like.
    package static let content = "video_abc"

    /// The name of user `number`.
    package static func user(_ number: Int) -> String { "user_\(number)" }
}
