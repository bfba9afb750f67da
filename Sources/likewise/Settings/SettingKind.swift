/// How the text of a setting is read: what is accepted, in words, and the value it stands for.
package struct SettingKind<Value: Sendable>: Sendable {
    /// What is accepted, as the end of a sentence: "a whole number from 0 to 65535".
    package let accepts: String
    /// What stands for the value in help.
    package let placeholder: String
    /// The value of a text, or nil where it is not accepted.
    package let parse: @Sendable (String) -> Value?

    /// A kind of its own; the functions below are the usual ones.
    package init(_ accepts: String, placeholder: String, parse: @escaping @Sendable (String) -> Value?) {
        self.accepts = accepts
        self.placeholder = placeholder
        self.parse = parse
    }

    /// The same kind for a setting that may stay away.
    package var optional: SettingKind<Value?> {
        let parse = self.parse
        return SettingKind<Value?>(accepts, placeholder: placeholder) { text in parse(text).map(Optional.some) }
    }
}

extension SettingKind where Value == Int {
    /// A whole number within `bounds`.
    package static func integer(_ bounds: ClosedRange<Int>) -> Self {
        Self("a whole number from \(bounds.lowerBound) to \(bounds.upperBound)", placeholder: "<number>") { text in
            // Int("+5") is 5; a sign of its own is more often a slip than a wish.
            guard !text.hasPrefix("+"), let value = Int(text), bounds.contains(value) else { return nil }
            return value
        }
    }

    /// A number of bytes within `bounds`: `1048576`, `64KiB`, `256MiB`, `1GiB`.
    package static func bytes(_ bounds: ClosedRange<Int>) -> Self {
        let range = "\(ByteSize.text(bounds.lowerBound)) to \(ByteSize.text(bounds.upperBound))"
        return Self("a size from \(range): bytes, or with the unit KiB, MiB, GiB or TiB", placeholder: "<bytes>") {
            text in
            ByteSize.parse(text).flatMap { bounds.contains($0) ? $0 : nil }
        }
    }
}

extension SettingKind where Value == Duration {
    /// A time within `bounds`: `250ms`, `1s`, `10m`, `12h`, `7d`.
    package static func duration(_ bounds: ClosedRange<Duration>) -> Self {
        let range = "\(DurationText.text(bounds.lowerBound)) to \(DurationText.text(bounds.upperBound))"
        return Self("a time from \(range), with the unit us, ms, s, m, h or d", placeholder: "<time>") { text in
            DurationText.parse(text).flatMap { bounds.contains($0) ? $0 : nil }
        }
    }
}

extension SettingKind where Value == String {
    /// A text of at least one character, without white space and control characters.
    package static func text(_ accepts: String) -> Self {
        Self(accepts, placeholder: "<text>") { text in
            text.isEmpty || text.unicodeScalars.contains { $0.value <= 0x20 || $0.value == 0x7f } ? nil : text
        }
    }

    /// A path, not empty; white space is part of it.
    package static var path: Self {
        Self("a path", placeholder: "<path>") { text in text.isEmpty || text.utf8.contains(0) ? nil : text }
    }
}

extension SettingKind where Value == [String] {
    /// Names with commas between them; white space around a name is ignored, an empty or repeated name is refused.
    package static func names(_ accepts: String, where check: @escaping @Sendable ([String]) -> Bool) -> Self {
        Self(accepts, placeholder: "<name,…>") { text in
            let names = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                String(part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
            }
            guard !names.contains(""), Set(names).count == names.count, check(names) else { return nil }
            return names
        }
    }
}

extension SettingKind where Value == Bool {
    /// A switch. `true`, `yes`, `false` and `no` are understood too, since YAML has them.
    package static var onOff: Self {
        Self("on or off", placeholder: "[on|off]") { text in
            switch text.lowercased() {
            case "on", "true", "yes": true
            case "off", "false", "no": false
            default: nil
            }
        }
    }
}

extension SettingKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the names of an enumeration's cases.
    package static var choice: Self {
        let names = Value.allCases.map(\.rawValue)
        let words = names.count > 1 ? "one of \(names.joined(separator: ", "))" : names.joined()
        return Self(words, placeholder: names.joined(separator: "|")) { Value(rawValue: $0) }
    }
}
