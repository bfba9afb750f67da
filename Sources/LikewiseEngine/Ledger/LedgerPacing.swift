// How much of its time the ledger writer works.
//
// What the ledger does not hold yet is safe in the log and answered from the overlay, so the writer need not hurry; and
// a row costs it several times as much of a core as a like costs its shard, so while likes come in fast the writer takes
// from the intake what it could have afterwards for nothing. But it must not wait for ever: the overlay has a bound,
// beyond which likes are refused, and whatever is only in the log is replayed at the next start.
//
// So the writer gets the larger of two shares of its time:
//
// - what the intake leaves: all while nothing comes in, less the more does, nothing from `heavyIntake` on; where likes are
//   dearer than that, as those of single calls are, the processors that are idle while the writer pauses;
// - what is needed: nothing up to half of any of three bounds (the overlay's filling, records, age), then more in
//   proportion, all at the bound.
//
// Both are continuous, so that the overlay settles where the writer keeps up, rather than filling and emptying by turns.
// The share is kept by a pause behind each transaction. A bound of records and age is one for the writer, not for the
// intake: past it the writer works without a pause, and only the overlay's bound refuses likes.

/// How far the ledger is behind, and how fast likes come in.
package struct LedgerPressure: Sendable {
    /// Bytes of the overlay of the shard that has filled most of it, as a share of its bound.
    package var overlayFill: Double
    /// Log records that the ledger does not hold.
    package var records: UInt64
    /// Nanoseconds since the oldest of them.
    package var age: UInt64
    /// Log records a second that come in now.
    package var intake: Double
    /// Processors that were idle while the writer paused; nil where that is not known.
    package var spare: Double?

    package init(
        overlayFill: Double = 0, records: UInt64 = 0, age: UInt64 = 0, intake: Double = 0, spare: Double? = nil
    ) {
        self.overlayFill = overlayFill
        self.records = records
        self.age = age
        self.intake = intake
        self.spare = spare
    }
}

package enum LedgerPacing {
    /// Records a second from which on the intake leaves the writer nothing: about what a core can bring into the ledger.
    package static let heavyIntake = 250_000.0
    /// Records a second up to which the writer takes what it needs from busy processors too: a tenth of one is enough for them.
    package static let lightIntake = 25_000.0
    /// The overlay's filling at which the writer works without a pause: what is left takes the intake in until it has
    /// caught up.
    package static let fullSpeedFill = 0.75
    /// Records at which the writer works without a pause: what a start replays in less than 5 s.
    package static let fullSpeedRecords: UInt64 = 10_000_000
    /// Nanoseconds of age at which the writer works without a pause.
    package static let fullSpeedAge: UInt64 = 30_000_000_000
    /// The least share that is worth a transaction; below it the writer holds back.
    package static let leastShare = 0.02
    /// Nanoseconds between looks at the pressure while work waits.
    package static let look: UInt64 = 50_000_000

    /// The share of its time, 0 to 1, that the writer works.
    package static func share(_ pressure: LedgerPressure) -> Double {
        let filled = max(
            pressure.overlayFill / fullSpeedFill, Double(pressure.records) / Double(fullSpeedRecords),
            Double(pressure.age) / Double(fullSpeedAge))
        let needed = 2 * filled - 1
        let undisturbed = 1 - pressure.intake / lightIntake
        let left = min(1 - pressure.intake / heavyIntake, max(undisturbed, pressure.spare ?? 1))
        return min(1, max(0, needed, left))
    }

    /// Nanoseconds to pause behind a transaction that took `worked`, so that `share` is kept; nil to hold back until the
    /// pressure is another.
    package static func pause(after worked: UInt64, share: Double) -> UInt64? {
        guard share >= leastShare else { return nil }
        return UInt64(Double(worked) * (1 - min(1, share)) / min(1, share))
    }
}

/// How a shard is doing, as it tells the ledger writer.
package struct LedgerDemand: Sendable {
    /// Bytes of the shard's overlay as a share of its bound.
    package var overlayFill = 0.0
    /// Log records that the ledger does not hold, and the age of the oldest in nanoseconds.
    package var records: UInt64 = 0
    package var age: UInt64 = 0
    /// The sequence of the log's latest record.
    package var latest: UInt64 = 0

    package init() {}
}

/// How many processors are idle while the ledger writer is.
package struct SpareProcessors: Sendable {
    /// Nanoseconds over which it is measured; the kernel counts in ticks of 10 ms.
    package static let window: UInt64 = 200_000_000

    private var since: UInt64?
    private var idleThen: UInt64 = 0
    /// Nil until a window has passed.
    package private(set) var count: Double?

    package init() {}

    /// Measures, where a window has passed at `now` (nanoseconds).
    package mutating func note(now: UInt64, _ processors: any Processors) {
        if let since, now &- since < SpareProcessors.window { return }
        guard let idle = processors.idleNanoseconds() else { return count = nil }
        if let since, now > since { count = Double(idle - min(idle, idleThen)) / Double(now - since) }
        (since, idleThen) = (now, idle)
    }

    /// Begins a window at `now`: what was before it is not to count.
    package mutating func restart(now: UInt64, _ processors: any Processors) {
        since = nil
        let known = count
        note(now: now, processors)
        count = known
    }
}

/// The pressure of all shards together, from what each said last.
package struct LedgerPressureGauge: Sendable {
    /// Nanoseconds over which a rate is taken.
    private static let window: UInt64 = 100_000_000

    private struct Shard {
        var demand: LedgerDemand
        var since: UInt64
        var latestThen: UInt64
        var intake = 0.0
    }

    private var shards: [UInt16: Shard] = [:]

    package init() {}

    /// Takes in what a shard says at `now` (nanoseconds).
    package mutating func note(_ demand: LedgerDemand, shard: UInt16, now: UInt64) {
        guard var known = shards[shard] else {
            shards[shard] = Shard(demand: demand, since: now, latestThen: demand.latest)
            return
        }
        known.demand = demand
        let passed = now &- known.since
        if passed >= LedgerPressureGauge.window {
            known.intake = Double(demand.latest - min(demand.latest, known.latestThen)) * 1e9 / Double(passed)
            known.since = now
            known.latestThen = demand.latest
        }
        shards[shard] = known
    }

    /// The fullest overlay, the oldest record, and records and intake in sum.
    package var pressure: LedgerPressure {
        shards.values.reduce(into: LedgerPressure()) { sum, shard in
            sum.overlayFill = max(sum.overlayFill, shard.demand.overlayFill)
            sum.age = max(sum.age, shard.demand.age)
            sum.records += shard.demand.records
            sum.intake += shard.intake
        }
    }
}
