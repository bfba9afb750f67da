// Bulk intake over an engine without HTTP: however a body is cut, it says the same.

import LikewiseCore
import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Logging
import Testing

@Suite("Bulk intake, as its body arrives")
struct BulkIntakeTests {
    /// Runs `test` over an engine of its own.
    private func withAPI(
        lines: Int = 100_000, shards: Int = 2, _ test: (API, Engine) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        var options = EngineOptions(dataDirectory: folder.path)
        options.shards = shards
        options.segmentBytes = 1 << 20
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let clock = SystemClock()
        let engine = try Engine(
            options, disk: PosixDisk(), clock: clock, ledger: SimulatedLedger(), seed: 7, logger: logger)
        var limits = API.Limits()
        limits.bulkLines = lines
        let store = IdempotencyStore(IdempotencyStore.Options(), restoring: [])
        let api = API(
            service: LikeService(engine: engine, idempotency: store, clock: clock), limits: limits,
            timings: RouteTimings(), metricsPage: { [] }, isStopping: { false })
        let result: Result<Void, any Error>
        do { result = .success(try await test(api, engine)) } catch { result = .failure(error) }
        try await onThread { engine.stop() }
        withExtendedLifetime(folder) {}
        try result.get()
    }

    /// The answer to a body that arrives in `parts`.
    private func answer(_ api: API, _ parts: [ArraySlice<UInt8>]) async -> String {
        let intake = BulkIntake(api, for: .trusted())
        for part in parts where !intake.isEnded {
            part.withUnsafeBytes { intake.take($0) }
            await intake.handOver()
        }
        do throws(APIProblem) {
            return String(decoding: try await intake.finish().body, as: UTF8.self)
        } catch {
            return String(decoding: error.response.body, as: UTF8.self)
        }
    }

    private func cut(_ body: [UInt8], at place: Int) -> [ArraySlice<UInt8>] { [body[..<place], body[place...]] }

    private static func body(_ name: String) -> [UInt8] {
        let lines = [
            #"{"content_id":"\#(name)","user_id":"ann","action":"like"}"#,
            #"{"content_id":"\#(name)","user_id":"bob","action":"like"}"#,
            #"{"content_id":"\#(name)","user_id":"b\u00f6b","action":"like"}"#,
            #"{"content_id":"\#(name)","user_id":"zoé","action":"like"}"#, "", "  ",
            #"{"content_id":"\#(name)","user_id":"","action":"like"}"#,
            #"{"content_id":"\#(name)","user_id":"ann","action":"unlike"}"#,
            #"{ "action": "like", "user_id": "carl", "content_id": "\#(name)", "reaction": "love" }"#,
            #"{ "action": "like", "user_id": "dora", "content_id": "\#(name)2", "reaction": "love" }"#,
            #"{"content_id":"\#(name)","user_id":"bob","action":"like","content_type":"video"}"#, "nonsense",
            #"{"content_id":"\#(name)","user_id":"eve","action":"like"} "#,
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    @Test("A body that is cut in two anywhere says the same as the whole one")
    func cutAnywhere() async throws {
        try await withAPI { api, engine in
            let whole = await answer(api, [BulkIntakeTests.body("c9999")[...]])
            #expect(whole.hasPrefix(#"{"accepted":9,"changed":8,"unchanged":1,"rejected":[{"line":7,"#), "\(whole)")
            for place in 0...BulkIntakeTests.body("c9999").count {
                let body = BulkIntakeTests.body("c\(1_000 + place)")
                #expect(await answer(api, cut(body, at: place)) == whole, "\(place)")
                let total = Array("c\(1_000 + place)".utf8).withUnsafeBytes { engine.published($0)?.tally.total }
                #expect(total == 5, "\(place)")
            }
        }
    }

    @Test("A body that arrives byte by byte says the same as the whole one")
    func bytes() async throws {
        try await withAPI(shards: 1) { api, _ in
            let whole = await answer(api, [BulkIntakeTests.body("c1")[...]])
            let body = BulkIntakeTests.body("c2")
            #expect(await answer(api, body.indices.map { body[$0...$0] }) == whole)
        }
    }

    @Test("A line written as the one before is judged as it would be alone", arguments: [1, 2, 3])
    func template(_ seed: UInt64) async throws {
        try await withAPI(shards: 1) { api, _ in
            var random = SeededRandom(seed: seed)
            let odd: [UInt8] = Array("\"\\{}:, \u{1}\u{7f}a".utf8) + [0x80, 0xff, 0xc3]
            let first = Array("\(#"{"content_id":"a","user_id":"u","action":"like"}"#)\n".utf8)
            let others = Array("\(#"{"user_id":"x","action":"like","content_id":"a"}"#)\n".utf8)
            for round in 0..<400 {
                var line = Array(#"{"content_id":"a\#(round)","user_id":"user_\#(round)","action":"like"}"#.utf8)
                for _ in 0..<random.within(0...2) {
                    line[random.within(0...line.count - 1)] = odd[random.within(0...odd.count - 1)]
                }
                let alone = await answer(api, [(others + line)[...]])
                let behind = await answer(api, [(first + line)[...]])
                let isTaken = alone.hasPrefix(#"{"accepted":2"#)
                #expect(behind.hasPrefix(#"{"accepted":2"#) == isTaken, "\(String(decoding: line, as: UTF8.self))")
            }
        }
    }

    @Test("Lines beyond the limit take no effect, and the answer tells how many before them did")
    func lineLimit() async throws {
        try await withAPI(lines: 9_000, shards: 1) { api, engine in
            let line = { (i: Int) in #"{"content_id":"a","user_id":"u\#(i)","action":"like"}"# + "\n" }
            let body = Array((0..<9_001).map(line).joined().utf8)
            let parts = stride(from: 0, to: body.count, by: 50_000).map { body[$0..<min(body.count, $0 + 50_000)] }
            let text = await answer(api, parts)
            let taken = 2 * IntentGroup.limit
            #expect(text.contains(#""code":"body_too_large""#) && text.contains(#""accepted":\#(taken)"#), "\(text)")
            #expect(Array("a".utf8).withUnsafeBytes { engine.published($0)?.tally.total } == UInt64(taken))
            let again = await answer(api, [Array((0..<9_000).map(line).joined().utf8)[...]])
            #expect(again.hasPrefix(#"{"accepted":9000,"changed":\#(9_000 - taken),"#), "\(again)")
        }
    }

    @Test("A line that is too long is rejected, wherever it is cut, and those around it count")
    func longLine() async throws {
        try await withAPI(shards: 1) { api, _ in
            for length in [BulkIntake.maxLineBytes - 49, BulkIntake.maxLineBytes + 1, 3 * BulkIntake.maxLineBytes] {
                let padding = String(repeating: " ", count: length)
                let good = #"{"content_id":"a","user_id":"u","action":"like"}"#
                let body = Array("\(good)\n\(good)\(padding)\n\(good)\n".utf8)
                let whole = await answer(api, [body[...]])
                let isTooLong = length + good.utf8.count > BulkIntake.maxLineBytes
                #expect(whole.contains(#""accepted":\#(isTooLong ? 2 : 3),"#), "\(whole)")
                for place in stride(from: 0, through: body.count, by: 997) {
                    let text = await answer(api, cut(body, at: place))
                    #expect(text.contains(#""accepted":\#(isTooLong ? 2 : 3),"#), "\(place): \(text)")
                }
            }
        }
    }

    @Test("No more groups are at a shard than there is room for, and those that wait go on in turn")
    func window() async {
        let window = BulkWindow(groups: 2)
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<5 { tasks.addTask { await window.enter() } }
            for _ in 0..<2 { await tasks.next() }
            while window.waiting < 3 { await Task.yield() }
            for waiting in [2, 1, 0] {
                window.leave()
                await tasks.next()
                #expect(window.waiting == waiting)
            }
        }
        #expect(window.waiting == 0)
    }
}
