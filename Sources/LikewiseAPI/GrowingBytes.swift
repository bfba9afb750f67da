// Bytes that text is put together in, piece by piece.
//
// An array asks with every append whether it is its storage's only owner and makes sure again that there is room; with
// pieces of a few bytes that was most of the work (410 ns for a like's answer, against the figure in
// `SpeedTests`). This has one owner by its type, and asks for room once a piece.

/// Bytes with one owner, which grow at the end.
package struct GrowingBytes: ~Copyable {
    @usableFromInline var room: UnsafeMutableRawBufferPointer
    /// How many bytes there are.
    @usableFromInline package internal(set) var count = 0

    /// No bytes yet, and room for `capacity` of them.
    package init(capacity: Int = 256) {
        precondition(capacity > 0, "bytes need room to grow, and \(capacity) is none")
        room = .allocate(byteCount: capacity, alignment: 1)
    }

    deinit { room.deallocate() }

    /// The bytes, valid until `use` returns.
    package func withBytes<Result, Failure: Error>(
        _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try use(UnsafeRawBufferPointer(rebasing: room[..<count]))
    }

    /// Forgets the bytes and keeps the room.
    package mutating func removeAll() { count = 0 }

    /// Forgets the bytes, and the room too where it is more than `bytes`, for less.
    package mutating func removeAll(keepingAtMost bytes: Int) {
        count = 0
        if room.count > bytes { self = GrowingBytes(capacity: bytes) }
    }

    // MARK: Pieces

    @inlinable @inline(__always)
    package mutating func put(_ byte: UInt8) {
        if count == room.count { grow(by: 1) }
        room[count] = byte
        count += 1
    }

    @inlinable @inline(__always)
    package mutating func put(_ bytes: UnsafeRawBufferPointer) {
        if room.count - count < bytes.count { grow(by: bytes.count) }
        UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    @inlinable @inline(__always)
    package mutating func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// `value` in decimal digits, without leading zeros.
    package mutating func put(decimal value: UInt64) {
        var digits = 1
        var limit: UInt64 = 10
        // 2^64 has 20 digits; a power of ten of as many still fits.
        while digits < 20, value >= limit {
            digits += 1
            limit = limit &* 10
        }
        put(decimal: value, digits: digits)
    }

    /// The last `digits` decimal digits of `value`, with leading zeros.
    package mutating func put(decimal value: UInt64, digits: Int) {
        if room.count - count < digits { grow(by: digits) }
        var rest = value
        for i in stride(from: count + digits - 1, through: count, by: -1) {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            room[i] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        count += digits
    }

    @inline(never) @usableFromInline
    mutating func grow(by more: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(room.count * 2, count + more), alignment: 1)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: room[..<count]))
        room.deallocate()
        room = larger
    }
}
