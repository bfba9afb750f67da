// 64-bit hashing of ids, and the consistent hash that maps contents to shards.
//
// The mixing step is one 64×64→128 multiplication folded to 64 bits, as in wyhash and rapidhash (Wang Yi, 2019); the
// constants are odd, with 32 bits set each. It is not a cryptographic hash: tables that hold what strangers send are
// keyed with a seed drawn at start, so that colliding ids cannot be prepared. Shard placement uses seed 0, because a
// content must map to the same shard in every process.

@inlinable @inline(__always)
func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}

/// Hashes of 64 bits, and where they place a content.
public enum Hash64 {
    @usableFromInline static let k0: UInt64 = 0x9e37_79b9_7f4a_7c15
    @usableFromInline static let k1: UInt64 = 0xe703_7ed1_a0b4_28db
    @usableFromInline static let k2: UInt64 = 0x8ebc_6af0_9c88_c6e3

    /// The hash of `bytes` under `seed`; equal on every machine of either byte order.
    public static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var state = seed ^ fold(seed ^ k0, k1)
        var at = 0
        let count = bytes.count
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        while count - at > 16 {
            state = fold(word(at) ^ k1, word(at + 8) ^ state)
            at += 16
        }
        let left = count - at
        var a: UInt64 = 0
        var b: UInt64 = 0
        if left >= 8 {
            a = word(at)
            b = word(count - 8)
        } else if left >= 4 {
            a = UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
            b = UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)))
        } else if left > 0 {
            a = UInt64(bytes[at]) | UInt64(bytes[at + left / 2]) << 8 | UInt64(bytes[count - 1]) << 16
        }
        state = fold(a ^ k1, b ^ state)
        return fold(state ^ k2, UInt64(count) ^ k1)
    }

    /// The hash of `bytes` under `seed`.
    public static func of(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { of($0, seed: seed) }
    }

    /// One hash from two, in which the order matters.
    @inlinable
    public static func combine(_ a: UInt64, _ b: UInt64) -> UInt64 {
        fold(a ^ k0, b ^ k2)
    }

    /// The shard, 0 ..< `shards`, of a content whose hash under seed 0 is `key`. When the number of shards changes from
    /// n to n + 1, only one content in n + 1 moves (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash
    /// Algorithm", 2014).
    public static func jump(_ key: UInt64, shards: Int) -> Int {
        precondition(shards > 0, "a jump hash needs at least one shard, got \(shards)")
        var key = key
        var bucket: Int64 = -1
        var next: Int64 = 0
        while next < Int64(shards) {
            bucket = next
            key = key &* 2_862_933_555_777_941_757 &+ 1
            next = Int64(Double(bucket + 1) * (Double(UInt64(1) << 31) / Double((key >> 33) + 1)))
        }
        return Int(bucket)
    }
}
