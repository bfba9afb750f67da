// RESP, the protocol of Redis (https://redis.io/docs/latest/develop/reference/protocol-spec/), as far as a like needs it:
// commands are arrays of bulk strings, answers are one of four simple kinds.

/// Answers of Redis.
package enum Redis {
    /// An answer to one command.
    package enum Answer: Equatable {
        case text(String)
        case number(Int)
        case none
        case error(String)
    }

    /// The first answer in `input`, taken out of it; nil while it is incomplete.
    package static func takeAnswer(from input: inout ReplyBuffer) -> Answer? {
        let rest = input.rest
        guard let newline = rest.firstIndex(of: UInt8(ascii: "\n")), let kind = rest.first else { return nil }
        let line = String(decoding: rest[(rest.startIndex + 1)..<max(rest.startIndex + 1, newline - 1)], as: UTF8.self)
        let lineBytes = newline - rest.startIndex + 1
        switch kind {
        case UInt8(ascii: "$"):
            guard let count = Int(line), count >= 0 else { break }
            guard rest.count >= lineBytes + count + 2 else { return nil }
            let text = String(decoding: rest[(newline + 1)..<(newline + 1 + count)], as: UTF8.self)
            input.drop(lineBytes + count + 2)
            return .text(text)
        case UInt8(ascii: "+"):
            input.drop(lineBytes)
            return .text(line)
        case UInt8(ascii: ":"):
            input.drop(lineBytes)
            return Int(line).map { .number($0) } ?? .error("a number was expected, not '\(line)'")
        default: break
        }
        input.drop(lineBytes)
        return kind == UInt8(ascii: "$") && line == "-1" ? Answer.none : .error(line)
    }
}

/// A like by two commands: `SET NX` of the user's key and, if it was new, `INCR` of the count, or the event log instead.
package struct RedisCaller: CallerProtocol {
    /// What follows a user's first like.
    package enum Next: Sendable {
        /// `INCR` of the content's count.
        case increment
        /// An event in the log.
        case handOn
    }

    private let next: Next
    private var isIncrementing = false

    package init(next: Next) { self.next = next }

    /// The key of the count.
    package static let countKey = "likes:\(LoadNames.content)"

    package mutating func begin(user: Int, output: inout [UInt8]) {
        isIncrementing = false
        RedisCommand.append(
            ["SET", "liked:\(LoadNames.content):\(LoadNames.user(user))", "1", "NX"], to: &output)
    }

    package mutating func receive(_ input: inout ReplyBuffer, output: inout [UInt8]) -> CallerProgress {
        guard let answer = Redis.takeAnswer(from: &input) else { return .waiting }
        switch answer {
        case .text where !isIncrementing:
            if next == .handOn { return .handedOn }
            isIncrementing = true
            RedisCommand.append(["INCR", Self.countKey], to: &output)
            return .waiting
        case .none where !isIncrementing: return .alreadyLiked
        case .number where isIncrementing: return .counted
        case .error(let sentence): return .refused("redis: \(sentence)")
        default: return .refused("redis: an answer that does not fit: \(answer)")
        }
    }
}
