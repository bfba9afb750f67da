import LikewiseTestSupport
import Testing

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Histories of 10,000 intents and more, each with at least six crashes. `LIKEWISE_HISTORIES` says how many,
/// `LIKEWISE_SEED` repeats one.
@Suite("Simulation")
struct SimulationTests {
    private static var histories: Int {
        getenv("LIKEWISE_HISTORIES").flatMap { Int(String(cString: $0)) } ?? 40
    }

    @Test("No crash, no fault and no order of things makes a like count twice or not at all")
    func histories() async throws {
        let seeds = SeededRandom.seeds(Self.histories)
        let started = ContinuousClock.now
        var sum = SimulationSummary()
        try await withThrowingTaskGroup(of: SimulationSummary.self) { tasks in
            var waiting = seeds[...]
            for seed in waiting.prefix(2) { tasks.addTask { try Simulation(SimulationPlan(seed: seed)).run() } }
            waiting = waiting.dropFirst(2)
            while let summary = try await tasks.next() {
                sum = sum + summary
                if let seed = waiting.popFirst() {
                    tasks.addTask { try Simulation(SimulationPlan(seed: seed)).run() }
                }
            }
        }
        print("\(seeds.count) histories in \(ContinuousClock.now - started): \(sum.text)")
        #expect(sum.intents >= seeds.count * 10_000)
        #expect(sum.crashes + sum.kills >= seeds.count * 6)
        if seeds.count >= 40 {
            for field in SimulationSummary.fields {
                #expect(sum[keyPath: field.value] > 0, "no history met this: \(field.name)")
            }
        }
    }

    @Test(
        "A broken engine is caught within 25 histories",
        arguments: [SimulationPlan.Mutation.skippedSync, .doubledRecord])
    func mutations(mutation: SimulationPlan.Mutation) {
        var caught: SimulationFailure?
        for (i, seed) in SeededRandom.seeds(25).enumerated() where caught == nil {
            do {
                _ = try Simulation(SimulationPlan(seed: seed, mutation: mutation)).run()
            } catch {
                caught = error
                print("\(mutation.rawValue) was caught in history \(i + 1): \(error.message)")
            }
        }
        #expect(caught != nil, "\(mutation.rawValue) was not caught")
    }
}
