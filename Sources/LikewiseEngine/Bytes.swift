import CPlatform

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A block moved to where `bytes` have room (`likewise_resize_block`). Traps where there is no memory.
func resizedBlock(_ block: UnsafeMutableRawPointer?, from old: Int, to bytes: Int) -> UnsafeMutableRawPointer {
    guard let moved = likewise_resize_block(block, old, bytes) else {
        preconditionFailure("no memory for a block of \(bytes) bytes")
    }
    return moved
}

/// Whether two ids are the same.
@inline(__always)
package func sameBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let a0 = a.baseAddress, let b0 = b.baseAddress else { return true }
    return memcmp(a0, b0, a.count) == 0
}

/// Whether two ids are the same.
@inline(__always)
func sameBytes(_ a: [UInt8], _ b: UnsafeRawBufferPointer) -> Bool {
    a.withUnsafeBytes { sameBytes($0, b) }
}

/// Less than, equal to or greater than 0, as `a` sorts before, with or behind `b` by its bytes.
@inline(__always)
package func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    let common = min(a.count, b.count)
    if common > 0, let a0 = a.baseAddress, let b0 = b.baseAddress {
        let order = memcmp(a0, b0, common)
        if order != 0 { return Int(order) }
    }
    return a.count - b.count
}
