// A count that several regions add to without asking each other: what each of them gained and lost, merged by maximum and
// summed for display (Shapiro, Preguiça, Baquero, Zawirski: "A comprehensive study of Convergent and Commutative Replicated
// Data Types", 2011, section 3.1.3). A region only ever raises its own entry, so of two states of an entry the higher is the
// later one, and it does not matter in what order states arrive, or how often.

/// Gains and losses by region.
public struct PNCounter: Hashable, Sendable {
    /// What one region has added and taken away since the counter began. Both only grow.
    public struct Entry: Hashable, Sendable {
        /// Added.
        public var gained: UInt64
        /// Taken away, whoever added it.
        public var lost: UInt64

        /// What is known of a region.
        public init(gained: UInt64 = 0, lost: UInt64 = 0) {
            self.gained = gained
            self.lost = lost
        }
    }

    /// By region; a region that never changed anything has none.
    public private(set) var entries: [UInt16: Entry] = [:]

    /// Nobody has added anything.
    public init() {}

    /// What is known of each region.
    public init(_ entries: [UInt16: Entry]) {
        self.entries = entries.filter { $0.value != Entry() }
    }

    /// Adds `count` in `region`. What would pass 64 bits stays at the most that they hold.
    public mutating func add(_ count: UInt64, in region: UInt16) {
        guard count > 0 else { return }
        entries[region, default: Entry()].gained.addSaturating(count)
    }

    /// Takes `count` away in `region`, whoever added it.
    public mutating func subtract(_ count: UInt64, in region: UInt16) {
        guard count > 0 else { return }
        entries[region, default: Entry()].lost.addSaturating(count)
    }

    /// Takes in what another copy of the counter knows: commutative, associative and idempotent.
    public mutating func merge(_ other: PNCounter) {
        for (region, theirs) in other.entries {
            let mine = entries[region] ?? Entry()
            entries[region] = Entry(gained: max(mine.gained, theirs.gained), lost: max(mine.lost, theirs.lost))
        }
    }

    /// What is shown: all gains without all losses. Never negative: where a loss arrives before the gain that it takes back,
    /// 0 until that is there too.
    public var value: UInt64 {
        var (gained, lost) = (UInt64(0), UInt64(0))
        for entry in entries.values {
            gained.addSaturating(entry.gained)
            lost.addSaturating(entry.lost)
        }
        return gained > lost ? gained - lost : 0
    }
}

extension UInt64 {
    fileprivate mutating func addSaturating(_ other: UInt64) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? .max : sum
    }
}
