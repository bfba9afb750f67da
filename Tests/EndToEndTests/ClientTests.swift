import Foundation
import LikewiseAPI
import LikewiseClient
import LikewiseTestSupport
import Testing

/// Runs `body` with a server and a client of it; the server is stopped at the end in any case.
func withClient<Result>(
    _ flags: [String] = [], token: (@Sendable () async throws -> String)? = nil,
    _ body: (LikewiseClient, ServerProcess) async throws -> Result
) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "likewise-e2e-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try ServerProcess(dataFolder: folder, flags)
    defer { server.process.kill9() }
    let url = "http://127.0.0.1:\(server.port)"
    return try await body(LikewiseClient(LikewiseClient.Configuration(url: url, token: token)), server)
}

@Suite("The client and the binary", .timeLimit(.minutes(2)))
struct ClientTests {
    @Test("Likes, reactions, unlikes and what is read of them are what the server holds")
    func calls() async throws {
        try await withClient { client, _ in
            let first = try await client.like("c", by: "ann", contentType: "video")
            #expect(first.changed && first.reaction == "like" && first.count == 1 && first.reactions == ["like": 1])
            #expect(try await client.like("c", by: "ann").changed == false)
            let love = try await client.react(to: "c", with: "love", by: "ann")
            #expect(love.changed && love.count == 1 && love.reactions == ["love": 1])
            try await client.like("c", by: "bob")
            let count = try await client.count(of: "c", user: "ann")
            #expect(count.count == 2 && count.reaction == "love" && count.display == "2" && !count.isApproximate)
            let held = try await client.status(of: "ann", on: "c")
            let now = UInt64(Date().timeIntervalSince1970 * 1000)
            #expect(held.isLiked && held.reaction == "love")
            #expect(held.sinceMilliseconds.map { now - 60_000..<now + 60_000 ~= $0 } == true)
            let back = try await client.unlike("c", by: "ann")
            #expect(back.changed && !back.isLiked && back.count == 1)
            #expect(try await client.unlike("c", by: "ann").changed == false)
            let none = try await client.status(of: "ann", on: "c")
            #expect(!none.isLiked && none.sinceMilliseconds == nil)
            #expect(try await client.counts(of: ["c", "nobody's", "c"]).map(\.count) == [1, 0, 1])
            #expect(try await client.top(window: .minute).map(\.contentID) == ["c"])
            let error = await #expect(throws: LikewiseError.self) {
                try await client.react(to: "c", with: "no such", by: "ann")
            }
            #expect(
                error?.status == 400 && error?.code == .invalidRequest && error?.mayHaveTakenEffect == false
            )
        }
    }

    @Test("Ids that may be taken for something else on their way arrive as they are")
    func unusualIDs() async throws {
        try await withClient { client, _ in
            for id in ContractTables.unusualIDs {
                let result = try await client.like(id, by: id)
                #expect(result.changed && result.contentID == id && result.userID == id, "\(id)")
                #expect(try await client.status(of: id, on: id).isLiked, "\(id)")
                #expect(try await client.count(of: id, user: id).reaction == "like", "\(id)")
                var likers: [String] = []
                for try await liker in client.likes(ofContent: id) { likers.append(liker.userID) }
                #expect(likers == [id])
                for try await update in client.live(of: id) {
                    #expect(update.contentID == id)
                    break
                }
                #expect(try await client.unlike(id, by: id).changed, "\(id)")
            }
        }
    }

    @Test("Lists are whole, newest first, whatever the pages' size", arguments: [1, 7, 1_000])
    func lists(pageSize: Int) async throws {
        try await withClient { client, _ in
            for i in 0..<25 { try await client.like("c\(i)", by: "ann") }
            var contents: [String] = []
            for try await like in client.likes(ofUser: "ann", pageSize: pageSize) { contents.append(like.contentID) }
            #expect(contents == (0..<25).reversed().map { "c\($0)" })
        }
    }

    @Test("Many tasks at once leave what their changes add up to", arguments: SeededRandom.seeds(2))
    func atOnce(seed: UInt64) async throws {
        try await withClient { client, _ in
            // Each task owns a user, so that it knows what every answer must be.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for user in 0..<16 {
                    group.addTask {
                        var random = SeededRandom(seed: seed &+ UInt64(user))
                        var held: [Int: String] = [:]
                        for _ in 0..<60 {
                            let content = random.below(5)
                            let wanted = random.pick([nil, "like", "love", "wow"])
                            let result =
                                if let wanted {
                                    try await client.react(to: "c\(content)", with: wanted, by: "u\(user)")
                                } else {
                                    try await client.unlike("c\(content)", by: "u\(user)")
                                }
                            #expect(result.changed == (held[content] != wanted), "LIKEWISE_SEED=\(seed)")
                            #expect(result.reaction == wanted, "LIKEWISE_SEED=\(seed)")
                            held[content] = wanted
                            let read = try await client.count(of: "c\(content)", user: "u\(user)")
                            #expect(read.reaction == wanted, "LIKEWISE_SEED=\(seed)")
                        }
                        for content in 0..<5 {
                            let status = try await client.status(of: "u\(user)", on: "c\(content)")
                            #expect(status.reaction == held[content], "LIKEWISE_SEED=\(seed)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            for content in 0..<5 {
                var holders: [String: UInt64] = [:]
                for try await liker in client.likes(ofContent: "c\(content)", pageSize: 3) {
                    holders[liker.reaction, default: 0] += 1
                }
                let count = try await client.count(of: "c\(content)")
                #expect(
                    count.reactions == holders && count.count == holders.values.reduce(0, +), "LIKEWISE_SEED=\(seed)")
            }
        }
    }

    @Test("Bulk intake counts each intent once, and names what it does not take")
    func bulk() async throws {
        try await withClient { client, _ in
            var intents = (0..<1_000).map { Intent.like("c", by: "u\($0)") }
            intents[10].userID = ""
            intents[20].reaction = "no such"
            for exact in [true, false] {
                let result = try await client.send(intents, exactTotals: exact)
                #expect(result.accepted == 998 && result.changed == (exact ? 998 : 0))
                #expect(result.rejectedCount == 2 && result.rejected.map(\.index) == [10, 20])
                #expect(result.rejected.allSatisfy { $0.code == "invalid_request" })
            }
            #expect(try await client.count(of: "c").count == 998)
        }
    }

    @Test("A backend's key is sent, and one that does not hold is refused with the server's code")
    func identity() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "likewise-e2e-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/keys.json"
        let made = try Binary.run(["keys", "make", "--api-keys", path, "--name", "web", "--scopes", "likes:write"])
        let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try await withClient(["--api-keys", path], token: { key }) { client, server in
            let result = try await client.like("c", by: "ann")
            #expect(result.changed)
            let url = "http://127.0.0.1:\(server.port)"
            for token in [nil, "lw_unknown"] {
                var configuration = LikewiseClient.Configuration(url: url)
                if let token { configuration.token = { token } }
                let stranger = LikewiseClient(configuration)
                let error = await #expect(throws: LikewiseError.self) { try await stranger.like("c", by: "ann") }
                #expect(error?.status == 401 && error?.code == .unauthenticated)
            }
        }
    }

    @Test("A live stream tells the count at once and then each change, and ends with the server by a reconnection")
    func live() async throws {
        try await withClient { client, _ in
            try await client.like("a", by: "ann")
            var seen: [UInt64] = []
            for try await update in client.live(of: "a", "b") {
                guard case .count(let count) = update, count.contentID == "a" else { continue }
                seen.append(count.count)
                if count.count == 3 { break }
                try await client.like("a", by: "u\(count.count)")
            }
            #expect(seen == [1, 2, 3])
        }
    }

    @Test("A control shows a tap at once, and in the end what the server and others made of it")
    func control() async throws {
        try await withClient { client, _ in
            try await client.like("c", by: "bob")
            let control = LikeControl(client, contentID: "c", userID: "ann")
            let following = Task { try await control.follow() }
            defer { following.cancel() }
            func wait(_ found: (OptimisticLike.Shown) -> Bool) async {
                for await shown in await control.updates() where found(shown) { return }
            }
            await wait { $0.count == 1 }
            await control.tap("love")
            let shown = await control.shown
            #expect(shown.reaction == "love" && shown.count == 2 && shown.isPending)
            await wait { !$0.isPending }
            #expect(try await client.status(of: "ann", on: "c").reaction == "love")
            try await client.like("c", by: "cid")
            await wait { $0.count == 3 && $0.reaction == "love" }
            for _ in 0..<9 { await control.tap("love") }
            await wait { !$0.isPending && $0.reaction == nil && $0.count == 2 }
            #expect(try await client.status(of: "ann", on: "c").isLiked == false)
            await control.set("no such")
            await wait { !$0.isPending && $0.reaction == nil }
            #expect(await (control.lastError as? LikewiseError)?.status == 400)
        }
    }
}

@Suite("The example of README.md")
struct ReadmeClientTests {
    @Test("The example is the code that is tested, and does what it says")
    func example() async throws {
        let source = try String(
            contentsOf: Binary.root.appending(path: "Tests/EndToEndTests/ReadmeClientExample.swift"), encoding: .utf8)
        let readme = try String(contentsOf: Binary.root.appending(path: "README.md"), encoding: .utf8)
        let parts = source.components(separatedBy: ["// README.md begins\n", "// README.md ends\n"])
        #expect(parts.count == 3)
        #expect(readme.contains("```swift\n\(parts[1])```\n"), "README.md has another example than the one that is run")
        let count = try await withClient { _, server in try await likeAndFollow("http://127.0.0.1:\(server.port)") }
        #expect(count == 2)
    }
}

extension String {
    /// The parts between separators, which are each there once, in order.
    fileprivate func components(separatedBy separators: [String]) -> [String] {
        separators.reduce([self]) { parts, separator in
            parts.dropLast() + (parts.last ?? "").components(separatedBy: separator)
        }
    }
}
