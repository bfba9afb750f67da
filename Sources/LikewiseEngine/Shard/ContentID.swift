// A content's id in 24 bytes: usual ids lie in them, longer ones elsewhere.

/// The id of a loaded content, at a place of its own in memory: ids of up to 23 bytes lie in it. Whoever makes one calls
/// `deallocate` at its end.
struct ContentID {
    private static let inlineBytes = 23
    private static let isElsewhere: UInt8 = 0xff

    /// The first byte is the length, and the bytes follow; or `isElsewhere`, the length in the upper half of the word, and
    /// in the next one where the bytes are.
    private var words: (UInt64, UInt64, UInt64) = (0, 0, 0)

    init(_ id: UnsafeRawBufferPointer) {
        guard id.count > ContentID.inlineBytes else {
            withUnsafeMutableBytes(of: &words) { words in
                words[0] = UInt8(id.count)
                UnsafeMutableRawBufferPointer(rebasing: words[1...]).copyMemory(from: id)
            }
            return
        }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: id.count, alignment: 8)
        bytes.copyMemory(from: id)
        words.0 = (UInt64(id.count) << 32 | UInt64(ContentID.isElsewhere)).littleEndian
        words.1 = UInt64(UInt(bitPattern: bytes.baseAddress))
    }

    /// Bytes that an id takes beside this, with what the heap adds.
    static func heapBytes(_ count: Int) -> Int { count > inlineBytes ? (count + 8 + 15) & ~15 : 0 }

    @inline(__always)
    private var first: UInt64 { UInt64(littleEndian: words.0) }

    /// Where the bytes of a long id are; nil for a short one.
    @inline(__always)
    var elsewhere: UnsafeRawPointer? {
        UInt8(truncatingIfNeeded: first) == ContentID.isElsewhere
            ? UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: words.1)) : nil
    }

    func deallocate() { elsewhere?.deallocate() }

    /// The bytes of the id at `place`, valid as long as that is.
    @inline(__always)
    static func bytes(at place: UnsafePointer<ContentID>) -> UnsafeRawBufferPointer {
        let first = place.pointee.first
        if let start = place.pointee.elsewhere {
            return UnsafeRawBufferPointer(start: start, count: Int(truncatingIfNeeded: first &>> 32))
        }
        return UnsafeRawBufferPointer(
            start: UnsafeRawPointer(place) + 1, count: Int(UInt8(truncatingIfNeeded: first)))
    }
}
