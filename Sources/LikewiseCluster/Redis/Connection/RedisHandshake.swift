// What is said on a new connection before the first command: which protocol, who we are, and whether the server is what
// we take it for. A pure state machine: answers in, what to send next out.

/// Why a server does not do.
package enum RedisHandshakeError: Error, Hashable {
    /// It refused one of our words.
    case refused(code: String, words: String)
    /// It is a replica where a master is needed.
    case notMaster
    /// Its answer to ROLE makes no sense.
    case badRole
}

/// What was said and answered so far on one new connection.
package struct RedisHandshake: Sendable {
    /// What else is asked.
    package enum Purpose: Sendable {
        /// A server of a fixed address or of a cluster: nothing.
        case node
        /// A server that a sentinel named: that it is a master.
        case master
        /// A sentinel: that it tells when the master changes.
        case sentinel
    }

    /// What to do after an answer.
    package enum Step {
        /// Send this; `isLast`: nothing more is to be waited for.
        case send([UInt8], isLast: Bool)
        /// Ready for commands.
        case ready
        /// The server does not do: close the connection.
        case failed(RedisHandshakeError)
    }

    private enum State {
        case hello, auth, role
    }

    private let username: String?
    private let password: String?
    private let purpose: Purpose
    private var state = State.hello

    /// A handshake of which nothing was said. `username` nil: the default user; `password` nil: no authentication.
    package init(username: String?, password: String?, purpose: Purpose) {
        self.username = username
        self.password = password
        self.purpose = purpose
    }

    /// The first bytes.
    package var greeting: [UInt8] {
        var words = ["HELLO", "3"]
        if let password { words += ["AUTH", username ?? "default", password] }
        words += ["SETNAME", "likewise"]
        return RedisCommand(words.map { Array($0.utf8) }).bytes
    }

    /// Takes the answer to what was sent last.
    package mutating func take(_ answer: RedisValue) -> Step {
        switch state {
        case .hello: takeHello(answer)
        case .auth: takeAuth(answer)
        case .role: takeRole(answer)
        }
    }

    private mutating func takeHello(_ answer: RedisValue) -> Step {
        guard case .error(let code, let words) = answer else { return greeted(speaksRESP3: true) }
        // Redis before 6 does not know HELLO, and a proxy may know no RESP3: both are spoken to in RESP2.
        guard code == "ERR" || code == "NOPROTO" else { return .failed(.refused(code: code, words: words)) }
        guard let password else { return greeted(speaksRESP3: false) }
        state = .auth
        let words2 = ["AUTH"] + (username.map { [$0] } ?? []) + [password]
        return .send(RedisCommand(words2.map { Array($0.utf8) }).bytes, isLast: false)
    }

    private mutating func takeAuth(_ answer: RedisValue) -> Step {
        if case .error(let code, let words) = answer { return .failed(.refused(code: code, words: words)) }
        return greeted(speaksRESP3: false)
    }

    private mutating func greeted(speaksRESP3: Bool) -> Step {
        switch purpose {
        case .node: return .ready
        case .master:
            state = .role
            return .send(RedisCommand("ROLE").bytes, isLast: false)
        case .sentinel:
            // In RESP2 a subscribed connection takes no other commands; there the periodic question has to do.
            return speaksRESP3 ? .send(RedisCommand("SUBSCRIBE", "+switch-master").bytes, isLast: true) : .ready
        }
    }

    private func takeRole(_ answer: RedisValue) -> Step {
        if case .error(let code, let words) = answer { return .failed(.refused(code: code, words: words)) }
        guard let role = answer.elements?.first?.text else { return .failed(.badRole) }
        return role == "master" ? .ready : .failed(.notMaster)
    }
}
