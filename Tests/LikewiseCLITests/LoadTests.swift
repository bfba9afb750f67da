import Foundation
import Testing
import likewise

@Suite("The load of likewise load")
struct LoadTests {
    private static func mix(reads: Int = 80, unlikes: Int = 10, seed: UInt64 = 1) -> MixedTraffic.Mix {
        MixedTraffic.Mix(contents: 100, users: 1_000, skew: 1, reads: reads, unlikes: unlikes, seed: seed)
    }

    /// The first `count` requests.
    private static func requests(_ mix: MixedTraffic.Mix, _ count: Int, token: String? = nil) -> [(
        kind: Int, text: String
    )] {
        var traffic = MixedTraffic(mix, host: "127.0.0.1:8080", token: token)
        return (0..<count).map { _ in
            defer { traffic.advance() }
            return (traffic.kind, String(decoding: traffic.bytes, as: UTF8.self))
        }
    }

    @Test("Requests are of the contract, and each one's length is right")
    func form() throws {
        for (kind, text) in Self.requests(Self.mix(reads: 30, unlikes: 50), 200, token: "key") {
            let parts = text.components(separatedBy: "\r\n\r\n")
            #expect(parts.count == 2)
            #expect(parts[0].contains("\r\nHost: 127.0.0.1:8080") && parts[0].contains("\r\nAuthorization: Bearer key"))
            if kind == 2 {
                #expect(parts[0].hasPrefix("GET /v1/likes/count/load_000000") && parts[1].isEmpty)
            } else {
                #expect(parts[0].hasPrefix(kind == 0 ? "POST /v1/likes " : "DELETE /v1/likes "))
                #expect(parts[0].contains("Content-Length: \(parts[1].utf8.count)"))
                let json = try JSONSerialization.jsonObject(with: Data(parts[1].utf8)) as? [String: String]
                #expect(json?["content_id"]?.hasPrefix("load_") == true && json?["user_id"]?.hasPrefix("user_") == true)
                #expect(json?.count == 2)
            }
        }
    }

    @Test("The mix is what was asked for, and Zipf's law makes the first content the most frequent")
    func shares() {
        let requests = Self.requests(Self.mix(), 20_000)
        let byKind = Dictionary(grouping: requests, by: \.kind).mapValues(\.count)
        #expect(abs((byKind[2] ?? 0) - 16_000) < 400)
        #expect(abs((byKind[1] ?? 0) - 400) < 120)
        // Of 100 contents the first has 1 in 5.19.
        let first = requests.count { $0.text.contains("load_00000001") }
        #expect(abs(first - 3_855) < 400)
        #expect(Self.requests(Self.mix(reads: 100), 100).allSatisfy { $0.kind == 2 })
        #expect(Self.requests(Self.mix(reads: 0, unlikes: 0), 100).allSatisfy { $0.kind == 0 })
    }

    @Test("The same seed draws the same, another one another")
    func seeds() {
        func texts(_ seed: UInt64) -> [String] { Self.requests(Self.mix(seed: seed), 50).map(\.text) }
        #expect(texts(1) == texts(1))
        #expect(texts(1) != texts(2))
    }

    @Test(
        "Without skew all are alike, and with much of it nearly all is the first",
        arguments: [(0.0, 0.1), (1.0, 0.341), (5.0, 0.964)])
    func skew(skew: Double, share: Double) {
        let zipf = ZipfSampler(count: 10, skew: skew)
        var random = SystemRandomNumberGenerator()
        let first = (0..<20_000).count { _ in zipf.sample(&random) == 1 }
        #expect(abs(Double(first) / 20_000 - share) < 0.03)
    }

    @Test("Figures tell requests by call and status, and what failed")
    func figures() throws {
        var result = LoadResult(kinds: 3)
        for i in 1...90 { result.record(0, status: 200, nanoseconds: UInt64(i) * 1_000_000) }
        for _ in 0..<9 { result.record(0, status: 409, nanoseconds: 1_000_000) }
        result.record(0, status: 503, nanoseconds: 1_000_000)
        result.record(1, status: 404, nanoseconds: 1_000_000)
        result.record(2, status: 404, nanoseconds: 1_000_000)
        result.record(lost: 2)
        result.seconds = 2
        let figures = LoadFigures(result, settings: [BenchField("seed", 1)])
        #expect(figures.requests == 103 && figures.failed == 3)
        let table = figures.table.joined(separator: "\n")
        #expect(table.contains("like: 200: 90, 409: 9, 503: 1") && table.contains("count: no answer: 1, 404: 1"))
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(figures.json.utf8)) as? [String: Any])
        #expect(!figures.json.contains("\n"))
        #expect(json["requests"] as? Int == 103 && json["failed"] as? Int == 3)
        #expect(json["requests_a_second"] as? Double == 51.5)
        let like = try #require((json["calls"] as? [String: Any])?["like"] as? [String: Any])
        #expect((like["statuses"] as? [String: Int]) == ["200": 90, "409": 9, "503": 1])
        let latency = try #require(like["latency"] as? [String: Any])
        #expect(abs((latency["p50"] as? Double ?? 0) - 40) < 1)
        #expect(latency["count"] as? Int == 100)
    }

    @Test(
        "Wrong arguments are named with what to do",
        arguments: [
            ([], "the argument <url> is missing"), (["localhost:8080"], "is no http:// address"),
            (["https://localhost"], "without TLS"), (["http://h:1", "--skew", "x"], "a number from 0 to 5"),
            (["http://h:1", "--skew", "-1"], "a number from 0 to 5"), (["http://h:1", "--reads", "101"], "0 to 100"),
            (["http://h:1", "--conections", "3"], "--connections"),
        ])
    func badArguments(arguments: [String], message: String) {
        let error = #expect(throws: SettingsError.self) { try resolve(LoadSettings.self, arguments) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
