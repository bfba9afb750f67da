// PostgreSQL's protocol 3.0 (https://www.postgresql.org/docs/current/protocol.html), as far as a like needs it: trust
// instead of a password, one prepared statement, text parameters, no rows on the hot path.

/// Messages of PostgreSQL.
package enum Postgres {
    /// A like as one statement, which is one transaction: the row of the user, and the count if that row is new. This is
    /// kinder to the server than BEGIN, INSERT, UPDATE, COMMIT, which hold the hot row for a round trip more.
    package static let like = """
        with liked as (insert into likes(content_id, user_id) values ($1, $2) on conflict do nothing returning 1) \
        update videos set like_count = like_count + 1 where id = $1 and exists (select from liked)
        """

    /// A message from the server: its type and its content.
    package struct Message: Equatable {
        package var type: UInt8
        package var content: [UInt8]

        package init(type: UInt8, content: [UInt8]) {
            self.type = type
            self.content = content
        }

        /// What an ErrorResponse says to people: its field M.
        package var errorText: String {
            let fields = content.split(separator: 0)
            let text = fields.first { $0.first == UInt8(ascii: "M") }?.dropFirst()
            return String(decoding: text ?? [], as: UTF8.self)
        }

        /// The first column of a DataRow as text; nil where it is null or missing.
        package var firstColumn: String? {
            guard content.count >= 6, content[2] & 0x80 == 0 else { return nil }
            let length = content[2..<6].reduce(0) { $0 << 8 | Int($1) }
            return String(decoding: content[6...].prefix(length), as: UTF8.self)
        }
    }

    /// The first message of a connection.
    package static func appendStartup(user: String, database: String, to output: inout [UInt8]) {
        var content: [UInt8] = [0, 3, 0, 0]
        for word in ["user", user, "database", database] { appendText(word, to: &content) }
        content.append(0)
        appendNumber(content.count + 4, to: &output)
        output.append(contentsOf: content)
    }

    /// Prepares `sql` under the name `like`.
    package static func appendPrepare(_ sql: String, to output: inout [UInt8]) {
        append("P", to: &output) { content in
            appendText("like", to: &content)
            appendText(sql, to: &content)
            content.append(contentsOf: [0, 0])
        }
        append("S", to: &output) { _ in }
    }

    /// Runs the prepared statement in a transaction of its own.
    package static func appendRun(_ parameters: [String], to output: inout [UInt8]) {
        append("B", to: &output) { content in
            content.append(0)
            appendText("like", to: &content)
            content.append(contentsOf: [0, 0, 0, UInt8(parameters.count)])
            for parameter in parameters {
                appendNumber(parameter.utf8.count, to: &content)
                content.append(contentsOf: parameter.utf8)
            }
            content.append(contentsOf: [0, 0])
        }
        append("E", to: &output) { $0.append(contentsOf: [0, 0, 0, 0, 0]) }
        append("S", to: &output) { _ in }
    }

    /// A simple query.
    package static func appendQuery(_ sql: String, to output: inout [UInt8]) {
        append("Q", to: &output) { appendText(sql, to: &$0) }
    }

    /// The first message in `input`, taken out of it; nil while it is incomplete.
    package static func takeMessage(from input: inout ReplyBuffer) -> Message? {
        let rest = input.rest
        guard rest.count >= 5, let type = rest.first else { return nil }
        let length = rest.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length >= 4, rest.count >= 1 + length else { return nil }
        let message = Message(type: type, content: Array(rest.dropFirst(5).prefix(length - 4)))
        input.drop(1 + length)
        return message
    }

    private static func append(_ type: Character, to output: inout [UInt8], _ fill: (inout [UInt8]) -> Void) {
        var content: [UInt8] = []
        fill(&content)
        output.append(type.asciiValue ?? 0)
        appendNumber(content.count + 4, to: &output)
        output.append(contentsOf: content)
    }

    private static func appendText(_ text: String, to output: inout [UInt8]) {
        output.append(contentsOf: text.utf8)
        output.append(0)
    }

    private static func appendNumber(_ number: Int, to output: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(number).bigEndian) { output.append(contentsOf: $0) }
    }
}

/// A like by one prepared statement.
package struct PostgresCaller: CallerProtocol {
    private var changed = false
    private var problem: String?

    package init() {}

    package mutating func begin(user: Int, output: inout [UInt8]) {
        changed = false
        problem = nil
        Postgres.appendRun([LoadNames.content, LoadNames.user(user)], to: &output)
    }

    package mutating func receive(_ input: inout ReplyBuffer, output: inout [UInt8]) -> CallerProgress {
        while let message = Postgres.takeMessage(from: &input) {
            switch message.type {
            case UInt8(ascii: "C"): changed = message.content.starts(with: "UPDATE 1".utf8)
            case UInt8(ascii: "E"): problem = message.errorText
            case UInt8(ascii: "Z"):
                if let problem { return .refused("postgres: \(problem)") }
                return changed ? .counted : .alreadyLiked
            default: break
            }
        }
        return .waiting
    }
}
