/// A command as it goes over the wire (RESP: an array of texts, each with its length), encoded once into one flat array.
package struct RedisCommand: Sendable {
    /// The whole command, encoded.
    package let bytes: [UInt8]
    /// Where in `bytes` the key is that decides about the node; nil: any node will do.
    package let key: Range<Int>?
    /// The script that it calls by its digest, and where in `bytes` the words after the digest begin.
    let script: (script: RedisScript, rest: Int)?

    /// A command of `words`; `key` is the index of the word that is its key.
    package init(_ words: [[UInt8]], key: Int? = nil) {
        var writer = RedisCommandWriter(words: words.count, capacity: words.reduce(16) { $0 + $1.count + 16 })
        for (index, word) in words.enumerated() {
            if index == key { writer.appendKey(word) } else { writer.append(word) }
        }
        self = writer.command
    }

    /// A command of texts; `key` is the index of the word that is its key.
    package init(_ words: String..., key: Int? = nil) {
        self.init(words.map { Array($0.utf8) }, key: key)
    }

    init(bytes: [UInt8], key: Range<Int>?, script: (RedisScript, Int)? = nil) {
        self.bytes = bytes
        self.key = key
        self.script = script
    }

    /// The key, as a slice of `bytes`; nil where there is none.
    package var keyBytes: ArraySlice<UInt8>? {
        key.map { bytes[$0] }
    }

    /// The slot of a cluster that the key belongs to; nil where there is no key.
    var slot: UInt16? {
        key.map { range in bytes.withUnsafeBytes { RedisSlot.of(UnsafeRawBufferPointer(rebasing: $0[range])) } }
    }

    /// The same call with the script's text instead of its digest, for a server that does not know it; nil where this
    /// calls none.
    package var withScriptText: RedisCommand? {
        guard let (script, rest) = script else { return nil }
        // `*n` stays, the two words after it are replaced.
        let countEnd = (bytes.firstIndex(of: UInt8(ascii: "\n")) ?? 0) + 1
        var writer = RedisCommandWriter(head: bytes[..<countEnd], capacity: bytes.count + script.text.count + 16)
        writer.append("EVAL")
        writer.append(script.text)
        let shift = writer.bytes.count - rest
        writer.bytes += bytes[rest...]
        return RedisCommand(
            bytes: writer.bytes, key: key.map { ($0.lowerBound + shift)..<($0.upperBound + shift) })
    }
}

/// Writes a command's words one after the other.
package struct RedisCommandWriter {
    fileprivate(set) var bytes: [UInt8]
    private var key: Range<Int>?
    private var script: (RedisScript, Int)?

    /// Begins a command of exactly `words` words.
    package init(words: Int, capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
        appendHead("*", words)
    }

    /// Begins a call of `script` with `keys` keys and `arguments` arguments, which are to be appended, keys first.
    package init(calling script: RedisScript, keys: Int, arguments: Int, capacity: Int) {
        self.init(words: 3 + keys + arguments, capacity: capacity + 96)
        append("EVALSHA")
        append(script.digest)
        self.script = (script, bytes.count)
        append(String(keys))
    }

    fileprivate init(head: ArraySlice<UInt8>, capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
        bytes += head
    }

    /// Adds a word.
    package mutating func append(_ word: some Collection<UInt8>) {
        appendHead("$", word.count)
        bytes += word
        appendLineEnd()
    }

    /// Adds a word.
    package mutating func append(_ word: String) {
        append(word.utf8)
    }

    /// Adds the word that is the key; the first one decides about the node.
    package mutating func appendKey(_ word: some Collection<UInt8>) {
        appendHead("$", word.count)
        if key == nil { key = bytes.count..<(bytes.count + word.count) }
        bytes += word
        appendLineEnd()
    }

    /// The command of all words so far.
    package var command: RedisCommand {
        RedisCommand(bytes: bytes, key: key, script: script)
    }

    private mutating func appendHead(_ mark: Unicode.Scalar, _ number: Int) {
        bytes.append(UInt8(ascii: mark))
        appendDecimal(number)
        appendLineEnd()
    }

    private mutating func appendLineEnd() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func appendDecimal(_ number: Int) {
        if number >= 10 { appendDecimal(number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
