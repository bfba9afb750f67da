// Clients that like and unlike through pipelined connections and keep account of what they know. A like that was
// answered is known; of one that was not, because the server was killed, either outcome is right, but nothing else is.

import Glibc

/// A user and a content.
struct Pair: Hashable, Sendable {
    var user: String
    var content: String
}

/// What a client knows of a pair.
struct Knowledge: Sendable {
    /// What the last answer said.
    var liked = false
    /// What requests without an answer asked for, in the order in which they were sent.
    var unanswered: [Bool] = []

    /// Whether the server may say so.
    func allows(_ state: Bool) -> Bool { state == liked || unanswered.contains(state) }
}

/// What one client did until its connection ended.
struct Account: Sendable {
    var pairs: [Pair: Knowledge] = [:]
    var answers = 0
    /// Answers that cannot be, in words.
    var wrong: [String] = []
    /// How the connection ended.
    var end: HTTPConnection.Failure?
}

/// A client: a connection that keeps `depth` requests on their way until the server goes.
struct LoadClient: Sendable {
    var number: Int
    var port: UInt16
    var depth = 16
    var users = 60
    var contents = 5
    var seed: UInt64
    /// What earlier clients of this number knew; nothing may be unanswered in it.
    var known: [Pair: Knowledge] = [:]

    /// Likes and unlikes until the server closes the connection, and reports every answer to `answered`.
    func run(_ answered: @Sendable (Int) -> Void) throws -> Account {
        var account = Account(pairs: known)
        var random = Random(seed: seed &* 31 &+ UInt64(number))
        do throws(HTTPConnection.Failure) {
            let http: HTTPConnection
            do { http = try HTTPConnection(port: port) } catch { throw .closed }
            while true {
                let asked = (0..<depth).map { _ in ask(&random, &account) }
                try send(asked, http)
                for (pair, wanted) in asked { try take(http, pair, wanted, &account, answered) }
            }
        } catch {
            account.end = error
        }
        return account
    }

    /// Draws a pair and asks for the other state than what it will be in once all before is answered.
    private func ask(_ random: inout Random, _ account: inout Account) -> (Pair, Bool) {
        let pair = Pair(user: "user_\(number)_\(random.below(users))", content: "content_\(random.below(contents))")
        var knowledge = account.pairs[pair] ?? Knowledge()
        let wanted = !(knowledge.unanswered.last ?? knowledge.liked)
        knowledge.unanswered.append(wanted)
        account.pairs[pair] = knowledge
        return (pair, wanted)
    }

    private func send(_ asked: [(Pair, Bool)], _ http: HTTPConnection) throws(HTTPConnection.Failure) {
        do {
            try http.send(
                asked.map { pair, wanted in
                    try HTTPCall(
                        wanted ? "POST" : "DELETE", Target.likes,
                        ["content_id": .string(pair.content), "user_id": .string(pair.user)])
                })
        } catch {
            // Part of it may have arrived, and answers to it may still come.
            guard let failure = error as? HTTPConnection.Failure, failure == .closed else { throw .timedOut }
        }
    }

    private func take(
        _ http: HTTPConnection, _ pair: Pair, _ wanted: Bool, _ account: inout Account,
        _ answered: @Sendable (Int) -> Void
    ) throws(HTTPConnection.Failure) {
        let answer: HTTPAnswer
        do { answer = try http.receive() } catch {
            throw error as? HTTPConnection.Failure ?? .malformed("\(error)")
        }
        account.answers += 1
        var knowledge = account.pairs[pair] ?? Knowledge()
        if !knowledge.unanswered.isEmpty { knowledge.unanswered.removeFirst() }
        switch answer.status {
        case 200:
            knowledge.liked = wanted
            if answer.json["liked"] != .bool(wanted) { account.wrong.append("\(wanted) \(pair): \(answer.text)") }
        case 503 where answer.json["code"] == "shutting_down":
            // Nothing was changed, so that what follows on this connection may find the state it asks for.
            break
        case 409 where account.wrong.isEmpty && wanted && knowledge.liked: break
        case 404 where account.wrong.isEmpty && !wanted && !knowledge.liked: break
        default: account.wrong.append("\(answer.status) for \(wanted) \(pair): \(answer.text)")
        }
        account.pairs[pair] = knowledge
        answered(1)
    }
}

/// What the server says of pairs and contents, read through one connection.
struct Audit {
    var http: HTTPConnection

    /// Whether each pair is liked, in the order given.
    func states(_ pairs: [Pair]) throws -> [Bool] {
        var states: [Bool] = []
        for start in stride(from: 0, to: pairs.count, by: 64) {
            let part = pairs[start..<min(pairs.count, start + 64)]
            try http.send(part.map { try HTTPCall("GET", Target.count($0.content, user: $0.user)) })
            for _ in part { states.append(try http.receive().json["liked"] == true) }
        }
        return states
    }

    /// The count of each content, in the order given.
    func counts(_ contents: [String]) throws -> [Int?] {
        try contents.map { try http.answer("GET", Target.count($0)).json["count"]?.int }
    }

    /// Holds what clients know against what the server says; what does not fit, in words. Afterwards nothing is unsure.
    func settle(_ pairs: inout [Pair: Knowledge]) throws -> [String] {
        var wrong: [String] = []
        let order = Array(pairs.keys)
        var counts: [String: Int] = [:]
        for (pair, state) in zip(order, try states(order)) {
            guard let knowledge = pairs[pair] else { continue }
            if !knowledge.allows(state) {
                wrong.append("\(pair) is \(state), where \(knowledge.liked) was answered, then \(knowledge.unanswered)")
            }
            pairs[pair] = Knowledge(liked: state)
            counts[pair.content, default: 0] += state ? 1 : 0
        }
        for (content, count) in zip(counts.keys, try self.counts(Array(counts.keys))) where count != counts[content] {
            wrong.append("\(content) counts \(count ?? -1), where \(counts[content] ?? 0) users like it")
        }
        return wrong
    }
}
