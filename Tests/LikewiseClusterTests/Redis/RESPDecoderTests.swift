import LikewiseCluster
import LikewiseTestSupport
import NIOCore
import Testing

struct RESPDecoderTests {
    private static func decode(_ pieces: [[UInt8]]) throws -> [RedisValue] {
        var decoder = RESPDecoder()
        var values: [RedisValue] = []
        for piece in pieces {
            decoder.append(ByteBuffer(bytes: piece))
            while let value = try decoder.next() { values.append(value) }
        }
        return values
    }

    private static func blob(_ text: String) -> RedisValue { .blob(ByteBuffer(string: text)) }

    @Test(
        arguments: [
            ("+OK\r\n", RedisValue.simple(ByteBuffer(string: "OK"))),
            ("+\r\n", .simple(ByteBuffer())),
            ("-MOVED 1 a:2\r\n", .error(code: "MOVED", words: "1 a:2")),
            ("-ERR\r\n", .error(code: "ERR", words: "")),
            (":-9223372036854775808\r\n", .integer(.min)),
            (":9223372036854775807\r\n", .integer(.max)),
            ("$5\r\na\r\nbc\r\n", .blob(ByteBuffer(string: "a\r\nbc"))),
            ("$0\r\n\r\n", .blob(ByteBuffer())),
            ("$-1\r\n", .null), ("*-1\r\n", .null), ("_\r\n", .null),
            ("#t\r\n", .boolean(true)), ("#f\r\n", .boolean(false)),
            (",1.5\r\n", .double(1.5)), (",-inf\r\n", .double(-.infinity)),
            ("(123456789012345678901\r\n", .bigNumber(ByteBuffer(string: "123456789012345678901"))),
            ("=7\r\ntxt:abc\r\n", .blob(ByteBuffer(string: "abc"))),
            ("!9\r\nERR a\r\nbc\r\n", .error(code: "ERR", words: "a\r\nbc")),
            ("*0\r\n", .array([])), ("%0\r\n", .map([])),
            ("*2\r\n*1\r\n:1\r\n~1\r\n:2\r\n", .array([.array([.integer(1)]), .set([.integer(2)])])),
            ("%1\r\n+a\r\n:1\r\n", .map([.simple(ByteBuffer(string: "a")), .integer(1)])),
            (">1\r\n:1\r\n", .push([.integer(1)])),
            ("|1\r\n+k\r\n:1\r\n*1\r\n|0\r\n:2\r\n", .array([.integer(2)])),
        ])
    func `every kind of answer is understood, wherever it is split`(text: String, value: RedisValue) throws {
        let bytes = Array(text.utf8)
        for split in 0...bytes.count {
            #expect(try Self.decode([Array(bytes[..<split]), Array(bytes[split...])]) == [value])
        }
        #expect(try Self.decode(bytes.map { [$0] }) == [value])
    }

    @Test(
        arguments: [
            ("?1\r\n", RESPError.unknownType(UInt8(ascii: "?"))), (":\r\n", .badNumber), (":1a\r\n", .badNumber),
            (":9223372036854775808\r\n", .badNumber), ("$-2\r\n", .badNumber), ("+a\nb\r\n", .badLineEnd),
            ("$1\r\nabc", .badLineEnd), ("#x\r\n", .badNumber), (",x\r\n", .badNumber), ("_x\r\n", .badNumber),
            ("$8388609\r\n", .tooLarge(.blob)), ("*1048577\r\n", .tooLarge(.elements)),
            ("%-1\r\n", .badNumber), ("\r\n", .badLineEnd),
            (String(repeating: "*1\r\n", count: 17), .tooLarge(.depth)),
            ("+" + String(repeating: "a", count: 70_000), .tooLarge(.line)),
        ])
    func `what is no RESP or too large is refused`(text: String, error: RESPError) {
        #expect(throws: error) { try Self.decode([Array(text.utf8)]) }
    }

    @Test func `an answer whose parts add up to too much is refused`() {
        var limits = RESPLimits()
        limits.messageBytes = 100
        var decoder = RESPDecoder(limits: limits)
        decoder.append(ByteBuffer(string: "*20\r\n" + String(repeating: "$4\r\nabcd\r\n", count: 20)))
        #expect(throws: RESPError.tooLarge(.message)) { try decoder.next() }
    }

    @Test(arguments: SeededRandom.seeds(40))
    func `in random pieces the same comes out as from a naive decoder, or an error from both`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            var bytes: [UInt8] = []
            for _ in 0..<random.within(1...6) { Self.append(&random, depth: 0, to: &bytes) }
            if random.chance(oneIn: 3) {
                bytes[random.below(bytes.count)] = random.pick(Array("$*:%~\r\n019-_#,(=!|>x".utf8))
            }
            var pieces: [[UInt8]] = []
            var at = 0
            while at < bytes.count {
                let end = min(bytes.count, at + random.within(1...(random.chance(oneIn: 2) ? 3 : 40)))
                pieces.append(Array(bytes[at..<end]))
                at = end
            }
            let naive = NaiveDecoder.decode(bytes)
            var decoder = RESPDecoder()
            var values: [RedisValue] = []
            var hasFailed = false
            for piece in pieces where !hasFailed {
                decoder.append(ByteBuffer(bytes: piece))
                do {
                    while let value = try decoder.next() { values.append(value) }
                } catch {
                    hasFailed = true
                }
            }
            #expect(values == naive.values, "seed \(seed)")
            #expect(
                hasFailed == naive.hasFailed, "seed \(seed): \(String(decoding: bytes, as: UTF8.self).debugDescription)"
            )
        }
    }

    private static func append(_ random: inout SeededRandom, depth: Int, to bytes: inout [UInt8]) {
        func line(_ text: String) { bytes += "\(text)\r\n".utf8 }
        switch random.below(depth < 3 ? 15 : 10) {
        case 0: line("+" + (random.chance(oneIn: 2) ? "OK" : ""))
        case 1: line("-ERR wrong")
        case 2: line(":\(Int64(truncatingIfNeeded: random.next()))")
        case 3, 4:
            let text = random.bytes(random.below(20))
            line("$\(text.count)")
            bytes += text
            line("")
        case 5: line(random.pick(["$-1", "*-1", "_"]))
        case 6: line(random.chance(oneIn: 2) ? "#t" : "#f")
        case 7: line(",\(random.below(1000)).25")
        case 8: line("(12345678901234567890")
        case 9: line("=6\r\ntxt:ab")
        case 10, 11, 12, 13:
            let count = random.below(4)
            line("\(random.pick(["*", "~", ">"]))\(count)")
            for _ in 0..<count { append(&random, depth: depth + 1, to: &bytes) }
        default:
            let count = random.below(3)
            line("\(random.pick(["%", "|"]))\(count)")
            for _ in 0..<(2 * count) { append(&random, depth: depth + 1, to: &bytes) }
        }
    }
}

/// Reads whole answers from whole bytes, by recursion.
private struct NaiveDecoder {
    private enum Stop: Error { case incomplete, bad }
    private var rest: ArraySlice<UInt8>

    static func decode(_ bytes: [UInt8]) -> (values: [RedisValue], hasFailed: Bool) {
        var decoder = NaiveDecoder(rest: bytes[...])
        var values: [RedisValue] = []
        while true {
            do {
                if let value = try decoder.value(depth: 0) { values.append(value) }
            } catch {
                return (values, error as? Stop == .bad)
            }
        }
    }

    private mutating func line() throws -> String {
        guard let end = rest.firstIndex(of: 10) else { throw Stop.incomplete }
        let line = rest[..<end]
        guard line.last == 13, line.count > 1 else { throw Stop.bad }
        rest = rest[(end + 1)...]
        // One scalar a byte.
        return String(String.UnicodeScalarView(line.dropLast().map { Unicode.Scalar($0) }))
    }

    private mutating func blob(_ length: Int) throws -> [UInt8] {
        guard length <= 8 << 20 else { throw Stop.bad }
        guard rest.count >= length + 2 else { throw Stop.incomplete }
        let text = Array(rest.prefix(length))
        guard rest.dropFirst(length).prefix(2).elementsEqual([13, 10]) else { throw Stop.bad }
        rest = rest.dropFirst(length + 2)
        return text
    }

    private func number(_ text: Substring) throws -> Int {
        guard let number = Int(text) else { throw Stop.bad }
        return number
    }

    /// nil for an attribute.
    private mutating func value(depth: Int) throws -> RedisValue? {
        let line = try line()
        let body = line.dropFirst()
        let bytes = body.unicodeScalars.map { UInt8($0.value) }
        switch line.first {
        case "+": return .simple(ByteBuffer(bytes: bytes))
        case "-": return Self.error(bytes)
        case ":": return .integer(Int64(try number(body)))
        case "_":
            guard body.isEmpty else { throw Stop.bad }
            return .null
        case "#":
            guard body == "t" || body == "f" else { throw Stop.bad }
            return .boolean(body == "t")
        case ",":
            guard let number = Double(String(decoding: bytes, as: UTF8.self)) else { throw Stop.bad }
            return .double(number)
        case "(": return .bigNumber(ByteBuffer(bytes: bytes))
        case "$", "=", "!":
            let length = try number(body)
            if length == -1, line.first == "$" { return .null }
            guard length >= 0 else { throw Stop.bad }
            let text = try blob(length)
            if line.first == "!" { return Self.error(text) }
            return .blob(ByteBuffer(bytes: line.first == "=" && length >= 4 ? Array(text.dropFirst(4)) : text))
        case "*", "~", ">", "%", "|": return try aggregate(line, try number(body), depth: depth)
        default: throw Stop.bad
        }
    }

    private mutating func aggregate(_ line: String, _ count: Int, depth: Int) throws -> RedisValue? {
        if count == -1, line.first == "*" { return .null }
        let isPaired = line.first == "%" || line.first == "|"
        guard count >= 0, count <= (isPaired ? 1 << 19 : 1 << 20), depth < 16 else { throw Stop.bad }
        var elements: [RedisValue] = []
        while elements.count < count * (isPaired ? 2 : 1) {
            if let element = try value(depth: depth + 1) { elements.append(element) }
        }
        switch line.first {
        case "*": return .array(elements)
        case "~": return .set(elements)
        case ">": return .push(elements)
        case "%": return .map(elements)
        default: return nil
        }
    }

    private static func error(_ bytes: [UInt8]) -> RedisValue {
        let parts = bytes.split(separator: 32, maxSplits: 1, omittingEmptySubsequences: false)
        return .error(
            code: String(decoding: parts[0], as: UTF8.self),
            words: parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "")
    }
}
