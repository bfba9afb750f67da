// Where an event goes: its key, and the partition that the key decides.
//
// Events of one content share a key, so that they share a partition and one aggregator merges them. A hot content is
// spread over N keys, N a power of two: key k takes the users whose hash is k modulo N. The merge does not care by
// which partition an event comes, so N may change at any moment.

import LikewiseCore

/// The keys and partitions of events.
package enum EventKey {
    /// The largest spread of one content.
    package static let maxSpread = 64

    /// The key of an event; `user` is empty for one of a content itself. `spread` is a power of two up to `maxSpread`.
    package static func of(_ content: [UInt8], user: [UInt8], spread: Int) -> [UInt8] {
        precondition(
            spread > 0 && spread <= maxSpread && spread & (spread - 1) == 0,
            "a spread is a power of two up to \(maxSpread), not \(spread)")
        guard spread > 1, !user.isEmpty else { return content }
        return content + "#\(Hash64.of(user, seed: 0) & UInt64(spread - 1))".utf8
    }

    /// The partition of a key: the 32-bit Murmur2 of Kafka's own clients, so that any of them finds the same one
    /// (org.apache.kafka.common.utils.Utils.murmur2 and toPositive).
    package static func partition(of key: [UInt8], count: Int) -> Int32 {
        precondition(count > 0, "a topic has at least one partition, not \(count)")
        return Int32(Int(murmur2(key) & 0x7fff_ffff) % count)
    }

    /// The partitions that may hold events of a register, whatever the spread was when they were sent.
    package static func partitions(content: [UInt8], user: [UInt8], count: Int) -> Set<Int32> {
        var found: Set<Int32> = []
        var spread = 1
        while spread <= maxSpread {
            found.insert(partition(of: of(content, user: user, spread: spread), count: count))
            spread *= 2
        }
        return found
    }

    private static func murmur2(_ data: [UInt8]) -> UInt32 {
        let m: UInt32 = 0x5bd1_e995
        var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: data.count)
        data.withUnsafeBytes { bytes in
            let whole = bytes.count & ~3
            var at = 0
            while at < whole {
                var k = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
                k = k &* m
                k ^= k >> 24
                k = k &* m
                hash = hash &* m
                hash ^= k
                at += 4
            }
            let left = bytes.count - whole
            if left >= 3 { hash ^= UInt32(bytes[whole + 2]) << 16 }
            if left >= 2 { hash ^= UInt32(bytes[whole + 1]) << 8 }
            if left >= 1 {
                hash ^= UInt32(bytes[whole])
                hash = hash &* m
            }
        }
        hash ^= hash >> 13
        hash = hash &* m
        return hash ^ hash >> 15
    }
}
