// The bytes of one log line. What callers send can reach a message (an id, a path), so control characters never get out
// as they are: nobody can forge a second line or send escapes to the terminal of whoever reads the log.

import Logging

/// One event, ready to be written.
struct LogLine {
    let time: LogTime
    let level: Logger.Level
    let label: String
    let message: String
    let fields: [(key: String, value: Logger.Metadata.Value)]

    /// `2026-11-21T22:09:46.538Z info    message key=value key="two words"` and a line feed.
    func text(coloured: Bool) -> [UInt8] {
        var line = time.rfc3339 + " "
        let name = level.rawValue.padding(to: 8)
        line += coloured ? "\u{1b}[\(Self.colour(level))m\(name)\u{1b}[0m " : name + " "
        line += Self.escaped(message)
        for (key, value) in fields {
            let key = Self.escaped(key)
            line += coloured ? " \u{1b}[2m\(key)=\u{1b}[0m" : " \(key)="
            line += Self.quotedIfNeeded(value.description)
        }
        return Array(line.utf8) + [0x0a]
    }

    /// One JSON object and a line feed. Fields stand beside `time`, `level`, `logger` and `message`; one that has such a
    /// name gets an underscore behind it.
    func json() -> [UInt8] {
        var out = JSONText()
        out.open("{")
        out.member("time", time.rfc3339)
        out.member("level", level.rawValue)
        out.member("logger", label)
        out.member("message", message)
        for (key, value) in fields {
            out.key(["time", "level", "logger", "message"].contains(key) ? key + "_" : key)
            out.value(value)
        }
        out.close("}")
        return out.bytes + [0x0a]
    }

    private static func colour(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 2
        case .info: 32
        case .notice: 36
        case .warning: 33
        case .error, .critical: 31
        }
    }

    private static func quotedIfNeeded(_ value: String) -> String {
        let plain = !value.isEmpty && !value.unicodeScalars.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        if plain { return escaped(value) }
        return "\"" + escaped(value, quote: true) + "\""
    }

    private static func escaped(_ text: String, quote: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: { isControl($0) || (quote && ($0 == "\"" || $0 == "\\")) }) else {
            return text
        }
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\"" where quote, "\\" where quote: out += "\\" + String(scalar)
            case _ where isControl(scalar): out += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// C0, DEL and C1, and the separators that some readers take for a line's end.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}

/// JSON, written as it comes (RFC 8259).
struct JSONText {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    mutating func key(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    mutating func value(_ value: Logger.Metadata.Value) {
        switch value {
        case .string(let text): string(text)
        case .stringConvertible(let value):
            // Numbers and truth values stay what they are; JSON has no infinity and no NaN.
            switch value {
            case let value as any BinaryInteger: literal(String(describing: value))
            case let value as Double where value.isFinite: literal(value.description)
            case let value as Bool: literal(value.description)
            default: string(value.description)
            }
        case .array(let values):
            open("[")
            for value in values { self.value(value) }
            close("]")
        case .dictionary(let members):
            open("{")
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                key(name)
                self.value(value)
            }
            close("}")
        }
    }

    mutating func string(_ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0a: bytes += Array("\\n".utf8)
            case 0x0d: bytes += Array("\\r".utf8)
            case 0x09: bytes += Array("\\t".utf8)
            case 0..<0x20, 0x7f: bytes += Array("\\u00".utf8) + [Self.hex(byte >> 4), Self.hex(byte & 15)]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    private mutating func literal(_ text: String) {
        separate()
        bytes += Array(text.utf8)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private static func hex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
