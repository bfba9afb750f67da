// `likewise abuse`: shows, releases and rejects likes that are held back, by the calls of a running server.

import ArgumentParser

struct Abuse: SettingsCommand {
    typealias Table = AbuseSettings

    static let configuration = settingsConfiguration(abstract: "See, release and reject likes that are held back.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<AbuseSettings>) async throws {
        let words = settings.arguments
        do {
            let key = try settings.keyFile.map { try AdminClient.key(in: $0, setting: "--key-file") } ?? settings.key
            let server = AdminClient(url: settings.url, key: key)
            switch words[0] {
            case "list": try await list(settings, server)
            case "show": try await show(content: words[1], user: words[2], server)
            default: try await settle(words[0], content: words[1], user: words.count > 2 ? words[2] : nil, server)
            }
        } catch let failure as AdminClient.Failure {
            throw Failure.exit("\(failure)")
        }
    }

    private struct Like: Decodable {
        var contentId: String
        var userId: String
        var reaction: String
        var since: String

        /// A line with tabs between its fields: ids have no control characters.
        var line: String { "\(since)\t\(reaction)\t\(contentId)\t\(userId)" }
    }

    private struct Page: Decodable {
        var held: [Like]
        var nextCursor: String?
    }

    private struct Settled: Decodable {
        var changed: Int
        var unchanged: Int
        var more: Bool
    }

    /// Likes asked for at a time.
    private static let page = 1_000

    private func list(_ settings: Settings<AbuseSettings>, _ server: AdminClient) async throws {
        var left = settings.limit
        var cursor: String?
        repeat {
            var query = ["limit": "\(min(left, Abuse.page))"]
            query["content_id"] = settings.contentID
            query["user_id"] = settings.userID
            query["cursor"] = cursor
            let page: Page = try await server.get(["v1", "admin", "held"], query: query)
            for like in page.held { print(like.line) }
            left -= page.held.count
            cursor = page.nextCursor
        } while cursor != nil && left > 0
        if cursor != nil {
            LogSink.standardError.write(Array("there are more: raise --limit, or name a content or a user\n".utf8))
        }
    }

    private func show(content: String, user: String, _ server: AdminClient) async throws {
        let like: Like = try await server.get(["v1", "admin", "held", content, user], query: [:])
        print(like.line)
    }

    private func settle(_ action: String, content: String, user: String?, _ server: AdminClient) async throws {
        var changed = 0
        while true {
            var body = ["content_id": content]
            body["user_id"] = user
            let settled: Settled = try await server.post(["v1", "admin", "held", action], body: body)
            changed += settled.changed
            if !settled.more || settled.changed == 0 { break }
        }
        print("\(["release": "released", "reject": "rejected"][action] ?? "held back") \(changed)")
        if let user, changed == 0 {
            throw Failure.exit(
                "nothing to \(action) of \(user) on \(content): likewise abuse list shows what is held back")
        }
    }
}
