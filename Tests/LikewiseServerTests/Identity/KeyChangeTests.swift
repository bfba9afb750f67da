// Keys that come, go and change while the server runs.

import Foundation
import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Logging
import NIOHTTP1
import NIOPosix
import Testing

@Suite("Keys that change")
struct KeyChangeTests {
    /// Stands still until told otherwise: however slow the machine is, no time goes by between two checks.
    private let clock = SimulatedClock()

    private func authenticator(_ url: String) async throws -> Authenticator {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let tokens = IdentityOptions.Tokens(keys: url, rules: TokenIssuer.rules)
        return try await Authenticator(
            IdentityOptions(tokens: tokens), clock: clock, group: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    /// Moments of tokens are the clock's.
    private func token(_ issuer: TokenIssuer, prefix: String = "") async throws -> [UInt8] {
        let claims = TokenIssuer.claims(now: Double(clock.milliseconds()) / 1_000)
        let header = #"{"alg":"ES256","kid":"\#(prefix)key-ES256"}"#
        return Array(try await issuer.token(header: header, claims: claims, .es256).utf8)
    }

    @Test("A key that is not known is asked for at the issuer's address, at most once in 30 s, and then holds")
    func rotation() async throws {
        let (first, second) = (try TokenIssuer(), try TokenIssuer())
        try await KeySetServer.run(.keys(try first.keySet([.es256]))) { server in
            let authenticator = try await authenticator(server.url)
            let old = try await token(first)
            #expect(await authenticator.check(old) != nil && server.requests == 1)
            server.answer(.keys(try second.keySet([.es256], prefix: "new-")))
            let new = try await token(second, prefix: "new-")
            #expect(await authenticator.check(new) == nil && server.requests == 1, "too soon after the first fetch")
            clock.advance(milliseconds: 31_000)
            // Many at once make one fetch.
            await withTaskGroup(of: Bool.self) { tasks in
                for _ in 0..<16 { tasks.addTask { await authenticator.check(new) != nil } }
                for await holds in tasks { #expect(holds) }
            }
            #expect(server.requests == 2)
            #expect(await authenticator.check(old) == nil, "the key was withdrawn, and the cache with it")
            #expect(await authenticator.check(try await token(second, prefix: "made-up-")) == nil)
            #expect(server.requests == 2, "a made-up key makes no fetch")
        }
    }

    @Test("An issuer that fails, in whatever way, leaves the keys as they are", arguments: 0..<4)
    func outage(_ way: Int) async throws {
        let issuer = try TokenIssuer.shared.get()
        try await KeySetServer.run(.keys(try issuer.keySet([.es256]))) { server in
            let authenticator = try await authenticator(server.url)
            let modes: [KeySetServer.Mode] = [
                .status(.internalServerError), .endless, .redirect(server.url + "/other"), .keys("{\"keys\":[]}"),
            ]
            server.answer(modes[way])
            clock.advance(milliseconds: 31_000)
            #expect(await authenticator.check(try await token(issuer, prefix: "other-")) == nil)
            #expect(server.requests == 2)
            #expect(await authenticator.check(try await token(issuer)) != nil)
            // It is tried again when it may be.
            server.answer(.keys(try issuer.keySet([.es256], prefix: "other-")))
            clock.advance(milliseconds: 31_000)
            #expect(await authenticator.check(try await token(issuer, prefix: "other-")) != nil)
        }
    }

    @Test("An issuer that does not answer is given up in bounded time, and then keys that are known still hold")
    func slow() async throws {
        let issuer = try TokenIssuer.shared.get()
        try await KeySetServer.run(.keys(try issuer.keySet([.es256]))) { server in
            let authenticator = try await authenticator(server.url)
            server.answer(.silent)
            clock.advance(milliseconds: 31_000)
            let began = ContinuousClock.now
            #expect(await authenticator.check(try await token(issuer, prefix: "other-")) == nil)
            #expect(ContinuousClock.now - began < .seconds(60))
            #expect(await authenticator.check(try await token(issuer)) != nil)
        }
    }

    @Test("A server begins while its issuer is away, and takes tokens once it is back")
    func awayAtStart() async throws {
        let issuer = try TokenIssuer.shared.get()
        try await KeySetServer.run(.status(.serviceUnavailable)) { server in
            let authenticator = try await authenticator(server.url)
            #expect(await authenticator.check(try await token(issuer)) == nil)
            server.answer(.keys(try issuer.keySet([.es256])))
            clock.advance(milliseconds: 31_000)
            #expect(await authenticator.check(try await token(issuer)) != nil)
        }
    }

    @Test("A key that is made or revoked while the server runs is taken or refused within seconds")
    func keyFile() async throws {
        let bed = try IdentityBed()
        let kept = try bed.key(.likesWrite)
        try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            func status(_ key: String) throws -> Int {
                try connection.ask(IdentityRouteTests.like("v", "ann").bearing(key)).status
            }
            func wait(_ key: String, until holds: Bool) throws {
                let began = ContinuousClock.now
                while try (status(key) != 401) != holds {
                    try #require(ContinuousClock.now - began < .seconds(60), "the file was not read again")
                }
            }
            #expect(try status(kept) == 200)
            let made = try bed.key(.likesWrite)
            try wait(made, until: true)
            // A file that is of no use changes nothing.
            let file = IdentityFile(bed.apiKeyPath, maxBytes: APIKeySet.maxBytes)
            let sound = try file.contents()
            try file.update { _ in (Array("no keys".utf8), ()) }
            #expect(try status(made) == 409)
            try file.update { _ in
                var keys = try APIKeySet(sound)
                _ = keys.remove(String(made.dropFirst(3).prefix(12)))
                return (try keys.encoded(), ())
            }
            try wait(made, until: false)
            #expect(try status(kept) == 409)
        }
    }

    @Test("A file that is not there, or is of no use, stops the start and says what is wrong")
    func unsoundAtStart() async throws {
        let bed = try IdentityBed()
        for (keys, words) in [("short", "at least 32 bytes"), (nil, "No such file")] {
            try? FileManager.default.removeItem(atPath: bed.keySetPath)
            if let keys { try Data(keys.utf8).write(to: URL(filePath: bed.keySetPath)) }
            let problem = await #expect(throws: IdentityProblem.self) {
                _ = try await Authenticator(
                    try #require(bed.options.identity), clock: clock, group: MultiThreadedEventLoopGroup.singleton,
                    logger: Logger(label: "test"))
            }
            #expect(problem?.description.contains(words) == true, "\(problem?.description ?? "")")
        }
    }
}
