import Foundation
import LikewiseTestSupport
import Testing

/// What is cached, for how long, and what never is. The contract: `public, max-age=5, stale-while-revalidate=10`.
@Suite("Counts cached by nginx and Varnish", .timeLimit(.minutes(3)))
struct EdgeCacheTests {
    /// What a count is fresh for, and for how long after that an old one may be given while a new one is fetched.
    private static let (fresh, stale) = (Duration.seconds(5), Duration.seconds(10))
    /// The caches count in whole seconds, and the machine is busy.
    private static let slack = Duration.seconds(3)

    private func like(_ http: HTTPConnection, _ content: String, _ user: String) throws -> HTTPAnswer {
        try http.answer("POST", Target.likes, ["content_id": .string(content), "user_id": .string(user)])
    }

    @Test(
        "Of many readers of 100 contents, less than one a content and second reaches the node",
        arguments: EdgeKind.allCases)
    func collapsed(kind: EdgeKind) throws {
        let (contents, readers, seconds) = (100, 16, 7)
        try withEdge(kind) { server, edge in
            let port = edge.port
            let deadline = ContinuousClock.now + .seconds(seconds)
            let reads = try Crew(readers) { number -> Int in
                let http = try HTTPConnection(port: port)
                let calls = try (0..<contents).map {
                    try HTTPCall("GET", Target.count("c\(($0 + number * 7) % contents)"))
                }
                var count = 0
                while ContinuousClock.now < deadline {
                    // Sixteen at a time, so that they do not wait for each other's way.
                    for start in stride(from: 0, to: contents, by: 16) {
                        let some = Array(calls[start..<min(start + 16, contents)])
                        try http.send(some)
                        for _ in some { if try http.receive().status == 200 { count += 1 } }
                    }
                }
                return count
            }.finish().reduce(0, +)
            let reached = try server.answered("count")
            #expect(reads > contents * seconds * 4, "\(reads) reads prove little")
            #expect(reached >= contents && reached < contents * seconds, "\(reached) of \(reads) reads")
            #expect(reached <= 3 * contents, "more than one a content and 5 s: \(reached)")
        }
    }

    @Test("Personal reads, credentials, queries and writes reach the node every time", arguments: EdgeKind.allCases)
    func passed(kind: EdgeKind) throws {
        try withEdge(kind) { server, edge in
            let http = try edge.connect()
            let times = 20
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 0])
            let first = try server.answered("count")
            for number in 0..<times {
                expect(try like(http, "c", "u\(number)"), 200)
                // Each sees what the like before has changed.
                let count: [String: JSON] = ["count": .integer(Int64(number + 1)), "liked": true]
                let mine = try http.answer("GET", Target.count("c", user: "u\(number)"))
                expect(mine, 200, count)
                expectNoStore(mine)
                #expect(mine.header("x-cache") == nil || mine.header("x-cache") == "MISS")
                expect(try http.answer("GET", "/v1/likes/c?x=1&user_id=u\(number)"), 200, count)
                expect(try http.answer("GET", "/v1/likes/count/c?user%5Fid=u\(number)"), 200, count)
                expect(
                    try http.answer("GET", Target.count("c"), headers: [("authorization", "Bearer x")]), 200,
                    ["count": .integer(Int64(number + 1))])
                expect(try http.answer("GET", Target.count("c") + "?y"), 200, ["count": .integer(Int64(number + 1))])
                expect(try http.answer("POST", Target.counts, ["content_ids": ["c"]]), 200)
            }
            #expect(try server.answered("count") == first + 5 * times)
            #expect(try server.answered("like") == times)
            #expect(try server.answered("count_batch") == times)
            for number in 0..<times {
                let user: JSON = .string("u\(number)")
                expect(try http.answer("DELETE", Target.likes, ["content_id": "c", "user_id": user]), 200)
                expect(try http.answer("PUT", Target.like("u", "c\(number)")), 200, ["changed": true])
                expect(try http.answer("GET", Target.like("u", "c\(number)")), 200, ["liked": true])
            }
            #expect(try server.answered("unlike") == times)
            #expect(try server.answered("hold") == times)
            #expect(try server.answered("status") == times)
        }
    }

    @Test("What was answered to somebody with credentials is not kept for others", arguments: EdgeKind.allCases)
    func credentials(kind: EdgeKind) throws {
        // A node as it may be one day: an owner sees the count of his private content, and others that there is none.
        let node = try MadeUpNode { head in
            guard head.lowercased().contains("authorization: bearer owner") else {
                return .json(404, #"{"status":404}"#)
            }
            return .answer(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: public, max-age=5\r\n"
                    + "content-length: 11\r\nconnection: close\r\n\r\n{\"count\":7}")
        }
        defer { node.stop() }
        let edge = try EdgeProcess(kind, nodes: (node.port, node.port))
        defer { edge.stop() }
        let http = try edge.connect()
        for _ in 0..<3 {
            let owner = try http.answer("GET", Target.count("c"), headers: [("authorization", "Bearer owner")])
            #expect(owner.status == 200)
            #expect(try http.answer("GET", Target.count("c")).status == 404)
            let other = try http.answer("GET", Target.count("c"), headers: [("authorization", "Bearer other")])
            #expect(other.status == 404)
        }
        // A cookie is no credential here: it does not reach the node, so no answer can depend on it.
        _ = try http.answer("GET", Target.count("c"), headers: [("cookie", "session=1")])
        #expect(node.heads("GET").allSatisfy { !$0.lowercased().contains("cookie") })
    }

    @Test(
        "A count that is read all the time changes within the time that it is fresh for", arguments: EdgeKind.allCases)
    func freshness(kind: EdgeKind) throws {
        try withEdge(kind) { _, edge in
            let http = try edge.connect()
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 0])
            let begin = ContinuousClock.now
            expect(try like(http, "c", "ann"), 200, ["count": 1])
            let changed = RedisPoll.until(seconds: 15) {
                (try? http.answer("GET", Target.count("c")).json["count"]) == 1
            }
            let took = ContinuousClock.now - begin
            #expect(changed && took < Self.fresh + Self.slack, "\(took)")
            #expect(took > Self.fresh - .seconds(2), "it was not cached: \(took)")
        }
    }

    @Test(
        "Without an answer of the node, old counts are given at once, as long as the contract says; then a problem",
        arguments: EdgeKind.allCases)
    func trouble(kind: EdgeKind) throws {
        let troubles = [Trouble.slow, .down]
        // Side by side, since each takes as long as the contract says.
        let seen = try Crew(troubles.count) { number in
            try withEdge(kind) { server, edge in try self.watch(troubles[number], server, edge) }
        }.finish()
        for (trouble, seen) in zip(troubles, seen) {
            #expect(seen.slowest < .seconds(1), "\(trouble): an old count took \(seen.slowest)")
            let end = Self.fresh + Self.stale
            #expect(seen.last > end - .seconds(2), "\(trouble): the last old count came after \(seen.last)")
            #expect(seen.last < end + .seconds(2), "\(trouble): an old count came after \(seen.last)")
            let answer = try #require(seen.problem, "\(trouble): there was no problem")
            let (status, code) = answer.status == 504 ? (504, "gateway_timeout") : (502, "bad_gateway")
            expectProblem(answer, status, code, "\(trouble)")
            expectNoStore(answer)
            #expect(answer.header("retry-after") == "1")
        }
    }

    /// What a reader sees of a node in trouble.
    private struct Sight: Sendable {
        /// When the last old count was asked for, since the first one.
        var last = Duration.zero
        var slowest = Duration.zero
        var problem: HTTPAnswer?
    }

    private func watch(_ trouble: Trouble, _ server: ServerProcess, _ edge: EdgeProcess) throws -> Sight {
        expect(try like(try edge.connect(), "c", "ann"), 200)
        expect(try edge.connect().answer("GET", Target.count("c")), 200, ["count": 1])
        let begin = ContinuousClock.now
        trouble.strike(server)
        var sight = Sight()
        _ = RedisPoll.until(seconds: 40) {
            let asked = ContinuousClock.now
            // A connection for each: on a kept one, nginx takes the next call when the fetch that the last one began is
            // over.
            let answer: HTTPAnswer
            do { answer = try edge.connect().answer("GET", Target.count("c")) } catch {
                Issue.record("\(trouble): \(error) after \(asked - begin)\n\(edge.log)")
                return true
            }
            guard answer.status == 200, answer.json["count"] == 1 else {
                sight.problem = answer
                return true
            }
            sight.last = asked - begin
            sight.slowest = max(sight.slowest, ContinuousClock.now - asked)
            return false
        }
        return sight
    }

    /// What a node suffers.
    enum Trouble: String, Sendable, CustomTestStringConvertible {
        /// It is stopped in its tracks: connections are made, and nothing is answered.
        case slow
        case down

        var testDescription: String { rawValue }

        func strike(_ server: ServerProcess) {
            switch self {
            case .slow: server.process.signal(SIGSTOP)
            case .down: server.process.kill9()
            }
        }
    }
}
