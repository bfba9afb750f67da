import Foundation
import Glibc
import Logging
import Testing
import likewise

@Suite("Log lines")
struct LoggingTests {
    private static let time = LogTime(seconds: 1_793_282_986, milliseconds: 38)

    /// What a logger writes to a pipe in `body`.
    private func written(
        _ format: LogFormat, level: Logger.Level = .trace, provider: Logger.MetadataProvider? = nil,
        _ body: (Logger) -> Void
    ) throws -> [String] {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let reading = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        let sink = LogSink(descriptor: ends[1])
        let logger = Logger(label: "likewise.test") { label in
            var handler = LineLogHandler(label: label, format: format, level: level, sink: sink, now: { Self.time })
            handler.metadataProvider = provider
            return handler
        }
        body(logger)
        close(ends[1])
        let all = String(decoding: try reading.readToEnd() ?? Data(), as: UTF8.self)
        return all.split(separator: "\n").map(String.init)
    }

    private func object(_ line: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test("A text line has time, level, message and sorted fields, and no colour off a terminal")
    func text() throws {
        let lines = try written(.text) { logger in
            logger.info("Server started", metadata: ["port": "8080", "host": "::1", "note": "two words", "empty": ""])
            logger.warning("slow")
        }
        #expect(
            lines == [
                #"2026-10-29T14:09:46.038Z info     Server started empty="" host=::1 note="two words" port=8080"#,
                "2026-10-29T14:09:46.038Z warning  slow",
            ])
    }

    @Test(
        "Nothing that is logged can start a line of its own or reach the terminal as an escape",
        arguments: LogFormat.allCases)
    func injection(format: LogFormat) throws {
        let evil = "a\n2026 info forged\r\u{1b}[2J\u{2028}\"\\\u{7f}\u{85}"
        let lines = try written(format) { $0.error("\(evil)", metadata: ["k\n": "\(evil)"]) }
        #expect(lines.count == 1)
        #expect(lines[0].unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
    }

    @Test("A JSON line is one object whose texts come back as they were")
    func json() throws {
        let evil = "a\"b\\c\nd\u{1}é👍\u{2028}"
        let lines = try written(.json) { logger in
            logger.notice(
                "\(evil)",
                metadata: [
                    "text": "\(evil)", "list": ["1", "2"], "map": ["b": "2", "a": ["c": "d"]],
                    "count": .stringConvertible(42),
                    "share": .stringConvertible(0.5), "on": .stringConvertible(true), "level": "clash",
                    "nan": .stringConvertible(Double.nan),
                ])
        }
        try #require(lines.count == 1)
        let object = try object(lines[0])
        #expect(object["time"] as? String == "2026-10-29T14:09:46.038Z")
        #expect(object["level"] as? String == "notice")
        #expect(object["logger"] as? String == "likewise.test")
        #expect(object["message"] as? String == evil)
        #expect(object["text"] as? String == evil)
        #expect(object["list"] as? [String] == ["1", "2"])
        #expect((object["map"] as? [String: Any])?["b"] as? String == "2")
        #expect(object["level_"] as? String == "clash")
        #expect(object["nan"] as? String == "nan")
        #expect(
            lines[0].contains(#""count":42"#) && lines[0].contains(#""share":0.5"#) && lines[0].contains(#""on":true"#))
    }

    @Test("The call's metadata wins over the provider's, and that over the logger's; an error is a field")
    func metadata() throws {
        struct Broken: Error {}
        let provider = Logger.MetadataProvider { ["a": "provider", "b": "provider"] }
        let lines = try written(.text, provider: provider) { logger in
            var logger = logger
            logger[metadataKey: "a"] = "logger"
            logger[metadataKey: "b"] = "logger"
            logger[metadataKey: "c"] = "logger"
            logger.error("broken", error: Broken(), metadata: ["a": "call"])
        }
        #expect(lines.first?.hasSuffix("broken a=call b=provider c=logger error=Broken()") == true, "\(lines)")
    }

    @Test("What is below the level is not written")
    func level() throws {
        let lines = try written(.text, level: .warning) { logger in
            logger.info("no")
            logger.warning("yes")
        }
        #expect(lines.count == 1)
    }

    @Test("Every level of swift-log is a value of log-level, with the same name")
    func levels() {
        #expect(LogLevel.allCases.map(\.level) == Logger.Level.allCases)
        #expect(LogLevel.allCases.map(\.rawValue) == Logger.Level.allCases.map(\.rawValue))
    }

    @Test(
        "Times are RFC 3339 in UTC",
        arguments: [
            (0, 0, "1970-01-01T00:00:00.000Z"), (951_782_399, 999, "2000-02-28T23:59:59.999Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.001Z"), (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
            (-1, 5, "1969-12-31T23:59:59.005Z"), (1_709_164_800, 0, "2024-02-29T00:00:00.000Z"),
        ])
    func times(seconds: Int, milliseconds: Int, text: String) {
        #expect(LogTime(seconds: seconds, milliseconds: milliseconds).rfc3339 == text)
    }

    @Test("Lines from many threads come out whole, one write each, longer than a pipe takes at once too")
    func concurrent() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        // A writer that must not wait, as a process that shares the pipe may have set it.
        #expect(fcntl(writing, F_SETFL, O_NONBLOCK) == 0)
        let sink = LogSink(descriptor: writing)
        let long = String(repeating: "x", count: 100_000)
        let writer = Thread {
            DispatchQueue.concurrentPerform(iterations: 4) { index in
                for _ in 0..<5 { sink.write(Array("\(index)\(long)\n".utf8)) }
            }
            close(writing)
        }
        writer.start()
        let handle = FileHandle(fileDescriptor: reading, closeOnDealloc: true)
        let lines = try String(decoding: handle.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 20)
        #expect(lines.allSatisfy { $0.utf8.count == 100_001 && $0.dropFirst().allSatisfy { $0 == "x" } })
    }
}
