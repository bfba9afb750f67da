// Keys and values of `RocksDBLedger`: numbers most significant byte first, so that bytes sort as what they stand for.
// docs/ledger.md lists them all.

import LikewiseCore

/// A key or a value that is being put together, in memory that is used again for the next one.
struct LedgerKey: ~Copyable {
    /// What a key is of: its first byte.
    enum Kind: UInt8 {
        /// An answer by its `Idempotency-Key`.
        case answer = 0x61  // a
        /// A content's likes, newest first.
        case byContent = 0x63  // c
        /// Answers by their expiry.
        case expiry = 0x65  // e
        /// A deleted content's old number.
        case garbage = 0x67  // g
        /// Likes that are held back, newest first.
        case held = 0x68  // h
        /// A content by its id.
        case content = 0x69  // i
        /// A content's id by its number.
        case contentID = 0x6b  // k
        /// What there is once.
        case single = 0x6d  // m
        /// How far a shard's log is held.
        case position = 0x70  // p
        case register = 0x72  // r
        case trend = 0x74  // t
        /// A user's likes, newest first.
        case byUser = 0x75  // u
    }

    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    /// Room for the longest: an answer with the longest body has an array of its own.
    private static let capacity = 1_024

    init() { memory = .allocate(byteCount: Self.capacity, alignment: 8) }
    init(_ kind: Kind) {
        self.init()
        append(kind.rawValue)
    }

    deinit { memory.deallocate() }

    @inline(__always)
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        body(UnsafeRawBufferPointer(rebasing: memory[..<count]))
    }

    @inline(__always)
    mutating func begin(_ kind: Kind) {
        count = 0
        append(kind.rawValue)
    }

    mutating func clear() { count = 0 }

    @inline(__always)
    mutating func append<T: FixedWidthInteger>(_ number: T) {
        precondition(count + MemoryLayout<T>.size <= Self.capacity, "a key or value of the ledger is too long")
        memory.storeBytes(of: number.bigEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        precondition(count + bytes.count <= Self.capacity, "a key or value of the ledger is too long")
        guard let base = bytes.baseAddress else { return }
        (memory.baseAddress.unsafelyUnwrapped + count).copyMemory(from: base, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    // MARK: What the keys are made of

    /// So that the newer sorts first.
    @inline(__always)
    mutating func appendDownwards(_ version: Version) {
        append(~version.reading)
        append(~version.region)
    }

    @inline(__always)
    mutating func beginRegister(_ content: Int64, _ user: UnsafeRawBufferPointer) {
        begin(.register)
        append(content)
        append(user)
    }

    @inline(__always)
    mutating func beginByContent(_ content: Int64, _ version: Version, _ user: UnsafeRawBufferPointer) {
        begin(.byContent)
        append(content)
        appendDownwards(version)
        append(user)
    }

    /// A user's id has no control characters, so a zero byte ends it, and no id sorts between another's likes.
    @inline(__always)
    mutating func beginByUser(_ user: UnsafeRawBufferPointer, _ version: Version, _ content: Int64) {
        begin(.byUser)
        append(user)
        append(0 as UInt8)
        appendDownwards(version)
        append(content)
    }

    @inline(__always)
    mutating func beginHeld(_ content: Int64, _ version: Version, _ user: UnsafeRawBufferPointer) {
        begin(.held)
        appendDownwards(version)
        append(content)
        append(user)
    }

    static func of(_ kind: Kind, _ number: some FixedWidthInteger) -> LedgerKey {
        var key = LedgerKey(kind)
        key.append(number)
        return key
    }

    static func of(_ kind: Kind, _ bytes: [UInt8]) -> LedgerKey {
        var key = LedgerKey(kind)
        key.append(bytes)
        return key
    }

    /// The first key behind all of `kind`.
    static func behind(_ kind: Kind) -> LedgerKey {
        var key = LedgerKey()
        key.append(kind.rawValue + 1)
        return key
    }

    /// The first key behind all of `kind` that go on with `number`, which is below the type's highest.
    static func behind(_ kind: Kind, _ number: Int64) -> LedgerKey { of(kind, number + 1) }
}

/// Takes numbers and bytes from a key or a value. Reading beyond its end gives zeros, and `isSound` is false then.
struct LedgerBytes {
    private var rest: UnsafeRawBufferPointer
    private(set) var isSound = true

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
        rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(offset))
        isSound = bytes.count >= offset
    }

    var count: Int { rest.count }

    @inline(__always)
    mutating func number<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
        guard rest.count >= MemoryLayout<T>.size else {
            isSound = false
            return 0
        }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(MemoryLayout<T>.size)) }
        return T(bigEndian: rest.loadUnaligned(as: T.self))
    }

    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        guard count >= 0, rest.count >= count else {
            isSound = false
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }

    mutating func takeRest() -> UnsafeRawBufferPointer { take(rest.count) }

    @inline(__always)
    mutating func version() -> Version { Version(reading: number(), region: number()) }

    @inline(__always)
    mutating func versionDownwards() -> Version {
        Version(reading: ~number(UInt64.self), region: ~number(UInt16.self))
    }

    @inline(__always)
    mutating func reaction() -> Reaction {
        let reaction = Reaction(rawValue: number())
        if !reaction.isSound { isSound = false }
        return reaction
    }
}
