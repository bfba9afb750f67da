package import LikewiseCore

/// How an engine is run. Sizes in bytes.
package struct EngineOptions: Sendable {
    /// Holds `log/` and the ledger.
    package var dataDirectory: String
    package var shards = 1
    package var region: UInt16 = 0
    package var reactions: [String] = ReactionSet.standard
    package var strictContent = false
    package var sync: SyncPolicy = .always
    package var segmentBytes = 64 << 20
    /// Milliseconds that log segments stay at least.
    package var retention: UInt64 = 7 * 86_400_000
    /// Intents that may wait for each shard.
    package var queueDepth = 65_536
    /// Intents of one batch, the first group aside.
    package var batchLimit = 16_384
    /// All shards together.
    package var overlayBytes = 256 << 20
    /// All shards together: loaded contents and filters.
    package var contentBytes = 256 << 20
    package var filters = FilterUse.on
    package var ledgerWriter = LedgerWriterOptions()
    /// Threads for lists.
    package var readers = 2
    /// Lists that may wait.
    package var readerQueue = 256

    package init(dataDirectory: String) { self.dataDirectory = dataDirectory }

    var logDirectory: String { dataDirectory + "/log" }
}

/// What becomes of filters. Every answer is the same with each of these.
package enum FilterUse: String, CaseIterable, Sendable {
    case on
    /// The ledger is asked for every register that the overlay does not hold.
    case off
    /// Again and again about half of them, drawn at random, are emptied in the middle of the work. For tests.
    case evict
}

/// Why an engine could not be started; the message says what to do.
package enum EngineStartError: Error, CustomStringConvertible {
    case log(EventLogError, dataDirectory: String)
    case ledger(LedgerError)
    case reactions(ReactionSet.Problem)

    package var description: String {
        switch self {
        case .log(.damaged(let file, let offset, let detail), let directory):
            """
            The event log is damaged: \(file), offset \(offset): \(detail). Nothing was changed. Put the file back from a \
            backup. Without one, this builds a new folder from every record that is whole, without those that are damaged \
            or older than the log's retention: likewise replay --data-dir \(directory) --into \(directory)-rebuilt \
            --skip-damage
            """
        case .log(let error, _): "The event log could not be opened: \(error)"
        case .ledger(let error): "The ledger could not be opened: \(error)"
        case .reactions(.tooMany):
            "There are more than \(Reaction.limit) reactions, counting those used in the past: take some out of --reactions"
        case .reactions(.badName(let name)):
            "The reaction '\(name)' is not 1 to \(IDRules.nameBytes) of a-z 0-9 _ -"
        case .reactions(.likeMissing): "--reactions must contain 'like', which calls that name no reaction mean"
        }
    }
}
