// What a shard hands to the ledger, and what it lets go of when the ledger has it.

import LikewiseCore

extension ShardCore {
    /// Ends the newest generation and answers it, for the ledger to take; nil if there is nothing in it. All of it is
    /// on stable storage then.
    package func seal() throws(EventLogError) -> Generation? {
        guard !current.isEmpty else { return nil }
        try log?.sync()
        let sealed = current
        sealCurrent()
        return sealed
    }

    func sealCurrent() {
        current.seal()
        sealedGenerations.append(current)
        let room = current.room
        current.room = nil
        current = Generation(
            number: current.number &+ 1, firstSequence: current.lastSequence + 1, expecting: current.entryCount,
            room: room)
    }

    /// The entries of a table that somebody who may wait should prepare; told once, until `give` is called.
    package func takeRoomRequest() -> Int? {
        guard !isRoomRequested, let count = current.roomWanted(sealedAt: options.generationBytes) else { return nil }
        isRoomRequested = true
        return count
    }

    /// What was asked for; nil where it could not be had.
    package func give(_ room: IndexRoom?) {
        isRoomRequested = false
        current.room = room
    }

    /// Whether the newest generation should be sealed even while the ledger is busy.
    package var isGenerationLarge: Bool { current.memoryBytes >= options.generationBytes }

    /// Answers that the ledger does not hold yet.
    package var unsavedAnswers: [StoredAnswer] { sealedGenerations.flatMap(\.answers) + current.answers }

    /// The ledger holds all up to the generation `number`.
    package func committed(through number: UInt32) {
        while let first = sealedGenerations.first, first.number <= number {
            committedSequence = first.lastSequence
            sealedGenerations.removeFirst()
        }
    }

    /// Tells the trends what was gained since the last call.
    package func reportTrends() {
        guard !trending.isEmpty else { return }
        var (least, ofThese) = TrendBoard.threshold(
            trending.map { Int64(table[$0].pointee.gained) }, limit: TrendBoard.reportedContents)
        var gains: [TrendBucket.Entry] = []
        for slot in trending {
            let state = table[slot]
            state.pointee.isTrending = false
            let gained = Int64(state.pointee.gained)
            state.pointee.gained = 0
            guard gained != 0, gained > least || (gained == least && ofThese > 0) else { continue }
            if gained == least { ofThese -= 1 }
            gains.append(TrendBucket.Entry(content: Array(table.id(slot)), gained: gained))
        }
        trending.removeAll(keepingCapacity: true)
        trends.add(gains, at: clock.milliseconds())
    }
}
