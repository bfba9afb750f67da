// The last likes, so that those of a farm which were counted before it was known can be held afterwards.
//
// A ring; each entry is linked with the one before that had the same user, address or block, as in the hash chains of LZ77
// (Deutsch, RFC 1951, section 4): the heads are found by hash alone, so entries of others are met on the way and passed
// over. A chain ends where the ring has been overwritten, or after `mostSteps`.

import CPlatform

/// A like as it is remembered.
struct RecentLike: Sendable {
    var user: UInt64 = 0
    var content: UInt64 = 0
    var address: UInt64 = 0
    var block: UInt64 = 0
    var client: UInt64 = 0
    /// Held: at once, or later.
    var isHeld = false
    /// Tickets of the entries before it in its chains, cut to 32 bits; 0: none.
    fileprivate var before: SIMD4<UInt32> = .zero

    init(
        user: UInt64 = 0, content: UInt64 = 0, address: UInt64 = 0, block: UInt64 = 0, client: UInt64 = 0,
        isHeld: Bool = false
    ) {
        (self.user, self.content, self.address, self.block) = (user, content, address, block)
        (self.client, self.isHeld) = (client, isHeld)
    }
}

/// The last likes, in a ring with chains.
struct RecentLikes: Sendable {
    /// What entries are linked by.
    enum Chain: Int, CaseIterable {
        case user, address, block
    }

    /// Entries that one walk looks at.
    static let mostSteps = 1024
    private static let heldInARow = 8

    private var entries: [RecentLike]
    private var heads: [SIMD4<UInt32>]
    private let mask: UInt64
    /// The ticket of the next like. 0 is no like's.
    private(set) var next: UInt64 = 1

    /// - Parameter capacity: likes that are remembered; rounded up to a power of two.
    init(capacity: Int) {
        let count = 1 << (Int.bitWidth - max(1, capacity - 1).leadingZeroBitCount)
        entries = Array(probed: RecentLike(), count: count)
        heads = Array(probed: .zero, count: count)
        mask = UInt64(count - 1)
    }

    var bytes: Int { entries.count * (MemoryLayout<RecentLike>.stride + MemoryLayout<SIMD4<UInt32>>.stride) }

    private static func key(_ like: RecentLike, _ chain: Chain) -> UInt64 {
        switch chain {
        case .user: like.user
        case .address: like.address
        case .block: like.block
        }
    }

    /// Asks for the memory of what a like is linked by.
    @inline(__always)
    func prefetch(_ key: UInt64) {
        heads.withUnsafeBufferPointer { heads in
            guard let base = heads.baseAddress else { return }
            likewise_prefetch(base + Int(key & mask))
        }
    }

    /// Remembers a like and answers its ticket.
    mutating func append(_ like: RecentLike) -> UInt64 {
        let ticket = next
        next += 1
        var like = like
        for chain in Chain.allCases {
            let head = Int(RecentLikes.key(like, chain) & mask)
            like.before[chain.rawValue] = heads[head][chain.rawValue]
            heads[head][chain.rawValue] = UInt32(truncatingIfNeeded: ticket)
        }
        entries[Int(ticket & mask)] = like
        return ticket
    }

    /// Marks those of the last likes in a chain that are not held and that `belongs` says yes to, newest first, and adds
    /// their tickets to `found` until that has `limit`. It ends where `heldInARow` were held before, since then an earlier
    /// walk came by.
    mutating func hold(
        _ chain: Chain, of key: UInt64, into found: inout [UInt64], limit: Int, where belongs: (RecentLike) -> Bool
    ) {
        var link = heads[Int(key & mask)][chain.rawValue]
        var last = next
        var held = 0
        for _ in 0..<RecentLikes.mostSteps where link != 0 && found.count < limit {
            // The full ticket: the latest before `last` that ends in these bits.
            let ticket = last - UInt64(UInt32(truncatingIfNeeded: last) &- link)
            guard ticket < last, next - ticket <= mask else { return }
            let place = Int(ticket & mask)
            if RecentLikes.key(entries[place], chain) == key, belongs(entries[place]) {
                if entries[place].isHeld {
                    held += 1
                    if held > RecentLikes.heldInARow { return }
                } else {
                    held = 0
                    entries[place].isHeld = true
                    found.append(ticket)
                }
            }
            last = ticket
            link = entries[place].before[chain.rawValue]
        }
    }
}
