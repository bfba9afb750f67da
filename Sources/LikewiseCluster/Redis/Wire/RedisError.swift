/// Why a command has no answer. Redis holds nothing that cannot be thrown away, so a caller goes on without it.
package enum RedisError: Error, Hashable, Sendable {
    /// Too many commands are on their way already. The command was not sent.
    case overloaded
    /// There is nobody to send to. The command was not sent.
    case unavailable(Reason)
    /// Sent, and no answer within the command's time: unknown whether it took effect.
    case timeout
    /// Sent, and the connection ended before the answer: unknown whether it took effect.
    case connectionLost
    /// Redis answered with an error: its first word, and the rest. The command had no effect.
    case refused(code: String, words: String)
    /// The answer is not of the kind that the command gives.
    case unexpectedAnswer

    /// Why a command was not sent.
    package enum Reason: Hashable, Sendable {
        /// No connection to the node at the moment; one is being made in the background.
        case notConnected
        /// The node failed several times in a row and is left alone for a while.
        case breakerOpen
        /// No master is known for the key.
        case noMaster
        /// The client was shut down.
        case shutDown
    }

    /// Whether the command may have taken effect all the same.
    package var mayHaveTakenEffect: Bool {
        switch self {
        case .timeout, .connectionLost, .unexpectedAnswer: true
        case .overloaded, .unavailable, .refused: false
        }
    }
}
