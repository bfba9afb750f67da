import Foundation
import Testing
import likewise

@Suite("What the benchmarks share")
struct BenchHarnessTests {
    private let machine = BenchMachine(processor: "A \"fast\" one", cores: 2, memory: 1 << 30, kernel: "6.1")

    // MARK: Report lines

    @Test("A report is one line of JSON with figure, bar, rounds, percentiles, settings and machine")
    func reportLine() throws {
        var report = BenchReport("bulk", "one content", rounds: [3_000_000.4, 1_000_000, 2_000_000], unit: "likes/s")
        report.bar = .atLeast(1_000_000)
        var latencies = Latencies()
        for i in 1...1000 { latencies.record(nanoseconds: UInt64(i) * 1_000_000) }
        report.latencies = latencies.summary
        report.details = [BenchField("ratio", 6.25)]
        report.settings = [BenchField("connections", 4), BenchField("sync", "always")]
        let line = report.line(machine: machine)
        #expect(!line.contains("\n"))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["bench"] as? String == "bulk")
        #expect(object["case"] as? String == "one content")
        #expect(object["figure"] as? Double == 2_000_000)
        #expect(object["unit"] as? String == "likes/s")
        #expect(object["met"] as? Bool == true)
        #expect((object["bar"] as? [String: Double]) == ["at_least": 1_000_000])
        #expect(object["rounds"] as? [Double] == [3_000_000, 1_000_000, 2_000_000])
        #expect(object["ratio"] as? Double == 6.25)
        let latency = try #require(object["latency"] as? [String: Any])
        #expect(latency["count"] as? Int == 1000)
        let p99 = try #require(latency["p99"] as? Double)
        #expect(abs(p99 - 990) < 1)
        let settings = try #require(object["settings"] as? [String: Any])
        #expect(settings["connections"] as? Int == 4)
        let described = try #require(object["machine"] as? [String: Any])
        #expect(described["processor"] as? String == "A \"fast\" one")
        #expect(described["memory_bytes"] as? Int == 1 << 30)
    }

    @Test(
        "Numbers are whole from 1,000 on, have three decimals below, and are null where they are none",
        arguments: [
            (1234.5678, "1235"), (0.12345, "0.123"), (2, "2"), (-1.5, "-1.5"), (.nan, "null"), (.infinity, "null"),
            (4e15, "4000000000000000"),
        ] as [(Double, String)])
    func numbers(value: Double, json: String) { #expect(BenchValue.number(value).json == json) }

    @Test("Texts are escaped as JSON asks")
    func texts() { #expect(BenchValue.text("a\"b\\c\n\u{1}é").json == "\"a\\\"b\\\\c\\u000a\\u0001é\"") }

    @Test(
        "The median is the middle value, or the mean of the two middle ones",
        arguments: [([5, 1, 3], 3), ([4, 1, 3, 2], 2.5), ([7], 7)] as [([Double], Double)])
    func median(values: [Double], median: Double) { #expect(BenchReport.median(values) == median) }

    @Test("A bar is met at its bound, and not beyond it")
    func bars() {
        #expect(BenchReport.Bar.atLeast(10).isMet(by: 10))
        #expect(!BenchReport.Bar.atLeast(10).isMet(by: 9.9))
        #expect(BenchReport.Bar.atMost(10).isMet(by: 10))
        #expect(!BenchReport.Bar.atMost(10).isMet(by: 10.1))
        #expect(!BenchReport.Bar.atMost(10).isMet(by: .nan))
    }

    // MARK: Machine

    @Test("The machine's facts are read from the texts of /proc")
    func machineFacts() {
        let machine = BenchMachine(
            cpuinfo: "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nprocessor\t: 1\nmodel name\t: Other\n",
            meminfo: "MemFree:  1 kB\nMemTotal:       2048 kB\n", kernel: "6.1.0\n", cores: 2)
        #expect(
            machine
                == BenchMachine(processor: "Some CPU @ 2.00GHz", cores: 2, memory: 2 << 20, kernel: "6.1.0"))
        #expect(BenchMachine(cpuinfo: "", meminfo: "", kernel: "", cores: 1).processor == "unknown")
    }

    // MARK: Progress

    @Test("What is left is told from what is done, and not before anything is")
    func estimate() {
        #expect(ProgressEstimate.left(done: 0, of: 10, elapsed: .seconds(5)) == nil)
        #expect(ProgressEstimate.left(done: 2, of: 10, elapsed: .seconds(5)) == .seconds(20))
        #expect(ProgressEstimate.left(done: 12, of: 10, elapsed: .seconds(5)) == .zero)
        #expect(
            ProgressEstimate.text("bulk", "round 2 of 5", done: 1, of: 4, elapsed: .seconds(60))
                == "bulk: 25 %, about 3 min 0 s left: round 2 of 5")
        #expect(
            ProgressEstimate.text("bulk", "round 1 of 5", done: 0, of: 4, elapsed: .seconds(60))
                == "bulk: 0 %, no estimate yet: round 1 of 5")
    }

    @Test(
        "On a terminal a bar stands in front, which is full at the end and not beyond it",
        arguments: [
            (0, "...................."), (0.04, "...................."), (0.5, "##########.........."),
            (0.99, "###################."), (1, "####################"), (7, "####################"),
            (-1, "...................."),
        ] as [(Double, String)])
    func bar(share: Double, places: String) {
        #expect(ProgressEstimate.bar(share) == "[\(places)]")
        let line = ProgressEstimate.line("replay", "7", done: share, of: 1, elapsed: .seconds(1))
        #expect(line.hasPrefix("[\(places)] replay: "))
    }

    @Test(
        "Times are told in the two largest units",
        arguments: [
            (.seconds(45), "45 s"), (.milliseconds(1600), "2 s"), (.seconds(200), "3 min 20 s"),
            (.seconds(7500), "2 h 5 min"),
        ]
            as [(Duration, String)])
    func words(duration: Duration, words: String) { #expect(ProgressEstimate.words(duration) == words) }

    // MARK: Open loop

    @Test("Requests of an open loop are due at a steady rate from the start, whatever happens in between")
    func schedule() {
        let schedule = OpenLoopSchedule(rate: 1000, seconds: 2, start: 5_000_000_000)
        #expect(schedule.count == 2000)
        #expect(schedule.due(0) == 5_000_000_000)
        #expect(schedule.due(1999) == 5_000_000_000 + 1_999_000_000)
        #expect(schedule.end == schedule.due(1999))
        #expect(schedule.dueCount(at: 4_999_999_999) == 0)
        #expect(schedule.dueCount(at: 5_000_000_000) == 1)
        #expect(schedule.dueCount(at: 5_000_999_999) == 1)
        #expect(schedule.dueCount(at: 5_001_000_000) == 2)
        #expect(schedule.dueCount(at: 60_000_000_000) == 2000)
    }

    @Test(
        "At any rate, what is due at a request's time is that request and those before it",
        arguments: [3.0, 997, 31_415.9])
    func scheduleRounding(rate: Double) {
        let schedule = OpenLoopSchedule(rate: rate, seconds: 7, start: 123)
        for i in 0..<schedule.count {
            #expect(schedule.dueCount(at: schedule.due(i)) == i + 1)
            if i > 0 { #expect(schedule.dueCount(at: schedule.due(i) - 1) == i) }
        }
    }

    @Test("A latency beyond what the histogram holds counts as the longest it holds")
    func longLatencies() {
        var latencies = Latencies()
        latencies.record(nanoseconds: .max)
        #expect(latencies.summary.max > 99_000)
        #expect(Latencies().summary.max == 0)
    }

    // MARK: Answers of HTTP

    @Test(
        "A head is read as far as a generator needs it",
        arguments: [
            ("HTTP/1.1 503 No\r\ncontent-length: 12\r\nRetry-After: 1\r\n\r\nbody", 503, 12, 4),
            ("HTTP/1.1 204 None\r\nContent-Type: x\r\n\r\n", 204, 0, 0),
            ("HTTP/1.1 200 OK\nCONTENT-LENGTH:7\n\n", 200, 7, 0), ("hello there, you\r\n\r\n", 0, 0, 0),
        ])
    func heads(text: String, status: Int, bodyBytes: Int, behind: Int) {
        let bytes = Array(text.utf8)
        let head = bytes.withUnsafeBytes { HTTPHead(scanning: $0) }
        #expect(head?.status == status)
        #expect(head?.bodyBytes == bodyBytes)
        #expect(head?.headBytes == bytes.count - behind)
        // Until its last byte has arrived there is none.
        let short = bytes.dropLast(behind + 1).withUnsafeBytes { HTTPHead(scanning: $0) }
        #expect(short == nil)
    }

    // MARK: Loads

    @Test("A template's requests differ in their number alone, which goes up by one")
    func template() {
        var template = RequestTemplate("POST", "/v1/likes", body: #"{"user_id":"user_#"}"#)
        let first = String(decoding: template.bytes, as: UTF8.self)
        #expect(first.hasPrefix("POST /v1/likes HTTP/1.1\r\n"))
        #expect(first.contains("Content-Length: 29\r\n"))
        #expect(first.hasSuffix("\r\n\r\n{\"user_id\":\"user_0000000000\"}"))
        for _ in 0..<1099 { template.advance() }
        let later = String(decoding: template.bytes, as: UTF8.self)
        #expect(later == first.replacingOccurrences(of: "0000000000", with: "0000001099"))
        var constant = RequestTemplate("GET", "/health/live")
        let bytes = constant.bytes
        constant.advance()
        #expect(constant.bytes == bytes)
    }

    @Test("A ledger's rate is told for each ten million rows, up to the commit that reaches them")
    func ledgerSpans() {
        var spans = LedgerSpans(likes: 25_000_000)
        #expect(spans.committed(9_999_999, seconds: 10) == nil)
        #expect(spans.ratio == nil)
        let first = spans.committed(12_000_000, seconds: 20)
        #expect(first?.rows == 0..<12_000_000)
        #expect(first?.rate == 600_000)
        #expect(spans.committed(15_000_000, seconds: 30) == nil)
        let second = spans.committed(20_000_000, seconds: 40)
        #expect(second?.rows == 12_000_000..<20_000_000)
        #expect(second?.rate == 400_000)
        let last = spans.committed(25_000_000, seconds: 60)
        #expect(last?.rows == 20_000_000..<25_000_000)
        #expect(last?.rate == 250_000)
        #expect(spans.ratio == 250_000.0 / 600_000)
    }

    // MARK: Command line

    @Test(
        "Wrong arguments are named with what to do",
        arguments: [
            (["engin"], "there is no suite 'engin'; did you mean 'engine'?"),
            (["engine", "x"], "there is no suite 'x'; the suites are engine, bulk, http, "),
            ([], "the argument <suite> is missing"),
            (
                ["engine", "--without", "redis,mysql"],
                "--without"
            ), (["all", "--rounds", "0"], "a whole number from 1 to 100"),
        ])
    func badArguments(arguments: [String], message: String) {
        let error = #expect(throws: SettingsError.self) { try resolve(BenchSettings.self, arguments) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("Several suites may be named at once")
    func severalSuites() throws {
        let settings = try resolve(BenchSettings.self, ["engine", "all", "--without", "redis"])
        #expect(settings.arguments == ["engine", "all"])
        #expect(settings.without == ["redis"])
        #expect(settings.likes == nil)
    }
}
