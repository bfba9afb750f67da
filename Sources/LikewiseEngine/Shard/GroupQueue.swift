// Which of the groups that wait for a shard come into its next batch.
//
// A caller of one like waits for the batch that is being worked on, and for its own. A batch of bulk intake takes a
// millisecond for each thousand intents or so, and a queue of it tens of them; so single calls do not queue behind it.
// They go first, alone, and in turn with one group of bulk intake. Only while no single call has come for some time are
// batches of bulk intake as large as the limit allows, which spares syncs.

/// Logic only. Groups of each kind keep their order; a connection has calls of one kind on their way at a time.
package struct GroupQueue {
    /// Batches of bulk intake alone after which single calls are not expected any more.
    package static let quietBatches = 256

    private var single: [IntentGroup] = []
    private var bulk: [IntentGroup] = []
    private var lastHadBulk = false
    /// Batches since the last one with single calls.
    private var sinceSingle = GroupQueue.quietBatches
    /// Intents that wait.
    package private(set) var intents = 0

    package init() {}

    package var isEmpty: Bool { single.isEmpty && bulk.isEmpty }

    package mutating func append(_ group: IntentGroup) {
        intents += group.count
        if group.wantsTallies { single.append(group) } else { bulk.append(group) }
    }

    /// Takes the groups of the next batch: of up to `limit` intents, but at least one group if any waits.
    package mutating func take(limit: Int) -> [IntentGroup] {
        var taken: [IntentGroup]
        if single.isEmpty {
            lastHadBulk = true
            sinceSingle = min(sinceSingle + 1, GroupQueue.quietBatches)
            taken = GroupQueue.first(of: &bulk, limit: sinceSingle == GroupQueue.quietBatches ? limit : 1)
        } else {
            sinceSingle = 0
            taken = GroupQueue.first(of: &single, limit: limit)
            lastHadBulk = !lastHadBulk && !bulk.isEmpty
            if lastHadBulk { taken += GroupQueue.first(of: &bulk, limit: 1) }
        }
        intents -= taken.reduce(0) { $0 + $1.count }
        return taken
    }

    /// Removes the first groups, of `limit` intents in all; where the first has more, that one.
    private static func first(of groups: inout [IntentGroup], limit: Int) -> [IntentGroup] {
        var intents = 0
        let end = groups.firstIndex { group in
            defer { intents += group.count }
            return intents > 0 && intents + group.count > limit
        }
        let taken = Array(groups[..<(end ?? groups.count)])
        groups.removeFirst(taken.count)
        return taken
    }
}
