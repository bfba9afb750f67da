// What is done to each level: load for the rate and the latencies, then the kills.
//
// A kill: load without a pause, SIGKILL in the middle of it, a new start; the likes that were not answered are sent
// again until they are; then the count is compared with the users who were told that their like is counted.

/// What was measured of a level.
struct LevelResult {
    var number: Int
    var name: String
    /// Acknowledged likes a second, a round each.
    var rates: [Double] = []
    var latencies: LatencySummary?
    var stored: [StoredBytes] = []
    /// The count after the rounds, less the likes acknowledged: 0 unless a level is wrong even without a kill.
    var drift = 0
    var losses: [(victim: LevelVictim, account: LossAccount)] = []
    /// Why there are no figures; nil where there are.
    var skipped: String?
}

/// Measures one level.
struct LevelRun {
    /// Users of the very first likes who tap again after each kill.
    private static let repeats = 1000

    let context: LevelContext
    let rounds: Int
    /// Of each round.
    let seconds: Double
    let pace: LevelPace

    /// All of it. A level whose servers are not installed is skipped, with the reason.
    func measure<Kind: Level>(_ kind: Kind.Type) throws -> LevelResult {
        var result = LevelResult(number: Kind.number, name: Kind.name)
        do {
            pace.step("\(Kind.name): starting")
            if let left = Kind.needs.first(where: context.without.contains) {
                throw MissingServer("\(left) was left out by --without")
            }
            let level = try Kind(context)
            defer { level.stop() }
            let loop = try CallerLoop(count: context.callers, log: level.log) { try level.connect() }
            try measureRates(level, loop, &result)
            for victim in level.victims { result.losses.append((victim, try measureKills(level, loop, victim))) }
        } catch let missing as MissingServer {
            result.skipped = missing.description
        }
        return result
    }

    private func measureRates<Kind: Level>(
        _ level: Kind, _ loop: CallerLoop<Kind.Caller>, _ result: inout LevelResult
    ) throws {
        // The first moments are those of empty caches and untouched files.
        _ = try loop.load(seconds: min(1, seconds))
        try loop.settle()
        loop.forgetLatencies()
        for round in 1...rounds {
            pace.step("\(Kind.name): round \(round) of \(rounds)")
            result.rates.append(Double(try loop.load(seconds: seconds)) / seconds)
            try loop.settle()
        }
        result.latencies = loop.latencies.summary
        let count = try level.count()
        result.drift = count - loop.acknowledged
        result.stored = try level.storedBytes(likes: count)
    }

    private func measureKills<Kind: Level>(
        _ level: Kind, _ loop: CallerLoop<Kind.Caller>, _ victim: LevelVictim
    ) throws -> LossAccount {
        var account = LossAccount()
        for index in 0..<victim.kills {
            pace.step("\(Kind.name): killing \(victim.name), \(index + 1) of \(victim.kills)")
            let seconds = try level.prepare(victim, index: index)
            let (countBefore, acknowledgedBefore) = (try level.count(), loop.acknowledged)
            _ = try loop.load(seconds: seconds)
            try level.kill(victim)
            if victim.breaksConnections {
                try loop.settle(canClose: true)
            } else {
                // The load goes on while the process is dead, as it would.
                _ = try loop.load(seconds: 0.5)
            }
            try level.restart(victim)
            if !victim.breaksConnections { try loop.settle(seconds: 30) }
            let unanswered = loop.takeUnanswered()
            if victim.breaksConnections { try loop.reconnect() }
            try loop.ask(unanswered)
            let counted = try level.count()
            account.add(acknowledged: loop.acknowledged - acknowledgedBefore, counted: counted - countBefore)
            try loop.ask(0..<LevelRun.repeats, areRepeats: true)
            account.add(repeats: LevelRun.repeats, counted: try level.count() - counted)
        }
        return account
    }
}
