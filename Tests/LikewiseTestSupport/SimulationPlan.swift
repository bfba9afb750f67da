import LikewiseCore
import LikewiseEngine

/// What a simulated history consists of. Everything that is not here is drawn from the seed.
package struct SimulationPlan: Sendable {
    /// A mistake made on purpose, to show that the simulation would notice it.
    package enum Mutation: String, Sendable {
        case none
        /// The disk says that it synced one batch, now and then, and did not.
        case skippedSync
        /// Recovery takes one record in twice.
        case doubledRecord
    }

    package var seed: UInt64
    /// Intents at least, and crashes at least.
    package var intents = 10_000
    package var crashes = 6
    package var mutation = Mutation.none

    package init(seed: UInt64, mutation: Mutation = .none) {
        self.seed = seed
        self.mutation = mutation
    }
}

/// What stays the same through a history.
struct SimulationTraits {
    var strictContent: Bool
    var sync: SyncPolicy
    /// Milliseconds; nil where no segment is ever removed.
    var retention: UInt64?
    var reshards: Bool

    init(_ plan: SimulationPlan, _ random: inout SeededRandom) {
        strictContent = random.chance(oneIn: 5)
        sync = random.chance(oneIn: 4) ? .interval(nanoseconds: UInt64(random.within(5...400)) * 1_000_000) : .always
        retention = random.chance(oneIn: 2) ? nil : UInt64(random.below(400))
        reshards = random.chance(oneIn: 2)
        if plan.mutation != .none { sync = .always }
    }
}

/// What a run between two starts is made with.
struct SimulationRun {
    var shards: Int
    var hashSeed: UInt64
    var filters: Bool
    var overlayBytes: Int
    var contentBytes: Int
    var generationBytes: Int
    var segmentBytes: Int
    var readAheadFrom: Int

    init(_ traits: SimulationTraits, _ random: inout SeededRandom) {
        shards = traits.reshards ? random.within(1...SimulationIDs.maxShards) : 1
        hashSeed = random.next()
        filters = !random.chance(oneIn: 5)
        overlayBytes = random.chance(oneIn: 4) ? random.within(60_000...160_000) : 64 << 20
        contentBytes = random.chance(oneIn: 2) ? random.within(2_000...60_000) : 64 << 20
        generationBytes = random.within(21_000...200_000)
        segmentBytes = 4096 + random.within(2_000...60_000)
        readAheadFrom = random.chance(oneIn: 3) ? .max : random.below(4)
    }
}

/// What happened in a history, to show that what it is for did happen.
package struct SimulationSummary: Sendable {
    package var intents = 0
    package var changes = 0
    package var batches = 0
    package var crashes = 0
    package var kills = 0
    package var crashesInRecovery = 0
    package var failedLogs = 0
    package var inDoubt = 0
    package var adopted = 0
    package var lostUnsynced = 0
    package var tornBytes = 0
    package var recoveredRecords = 0
    package var diskFull = 0
    package var overloaded = 0
    package var ledgerWrites = 0
    package var ledgerFailures = 0
    package var ledgerReadFailures = 0
    package var drains = 0
    package var segmentsRemoved = 0
    package var filtersLoaded = 0
    package var filtersDropped = 0
    package var unloads = 0
    package var readAhead = 0
    package var clockJumps = 0
    package var answersChecked = 0
    package var listsChecked = 0
    /// Likes held back that were found in their list.
    package var heldChecked = 0
    package var registersChecked = 0

    package init() {}

    package static func + (a: SimulationSummary, b: SimulationSummary) -> SimulationSummary {
        var sum = a
        for path in fields { sum[keyPath: path.value] += b[keyPath: path.value] }
        return sum
    }

    /// The fields by name, in the order of their declaration.
    package static var fields: [(name: String, value: WritableKeyPath<SimulationSummary, Int>)] {
        [
            ("intents", \.intents), ("changes", \.changes), ("batches", \.batches), ("power losses", \.crashes),
            ("process kills", \.kills), ("crashes in recovery", \.crashesInRecovery), ("failed logs", \.failedLogs),
            ("changes in doubt", \.inDoubt), ("of these adopted", \.adopted), ("lost unsynced", \.lostUnsynced),
            ("torn bytes", \.tornBytes), ("recovered records", \.recoveredRecords), ("disk full", \.diskFull),
            ("overloaded", \.overloaded), ("ledger writes", \.ledgerWrites), ("ledger failures", \.ledgerFailures),
            ("ledger read failures", \.ledgerReadFailures), ("drains", \.drains),
            ("segments removed", \.segmentsRemoved), ("filters loaded", \.filtersLoaded),
            ("filters dropped", \.filtersDropped), ("unloads", \.unloads),
            ("read ahead", \.readAhead), ("clock jumps", \.clockJumps),
            ("answers checked", \.answersChecked), ("lists checked", \.listsChecked),
            ("held checked", \.heldChecked),
            ("registers checked", \.registersChecked),
        ]
    }

    package var text: String {
        Self.fields.map { "\($0.name) \(self[keyPath: $0.value])" }.joined(separator: ", ")
    }
}

/// What a history found wrong.
package struct SimulationFailure: Error, CustomStringConvertible, Sendable {
    package var seed: UInt64
    package var intent: Int
    package var message: String

    package var description: String {
        """
        seed \(seed), intent \(intent): \(message)
        Repeat with: LIKEWISE_SEED=\(seed) swift test -c release --filter SimulationTests
        """
    }
}

/// Thrown inside of a history; the history adds where it was.
struct SimulationMismatch: Error {
    var message: String
    init(_ message: String) { self.message = message }
}
