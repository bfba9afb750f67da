import LikewiseEngine
import Testing

@Suite("Pacing of the ledger writer")
struct LedgerPacingTests {
    @Test("Without intake the writer works without a pause, whatever the rest says")
    func idle() {
        #expect(LedgerPacing.share(LedgerPressure()) == 1)
        #expect(LedgerPacing.share(LedgerPressure(overlayFill: 0.1, records: 1_000, age: 5)) == 1)
        #expect(LedgerPacing.pause(after: 1_000_000, share: 1) == 0)
    }

    @Test("Under heavy intake it holds back until half of a bound is reached")
    func heavy() {
        for intake in [LedgerPacing.heavyIntake, 2_000_000, .infinity] {
            #expect(LedgerPacing.share(LedgerPressure(intake: intake)) == 0)
            #expect(
                LedgerPacing.share(LedgerPressure(overlayFill: LedgerPacing.fullSpeedFill / 2, intake: intake)) == 0)
            #expect(
                LedgerPacing.share(LedgerPressure(records: LedgerPacing.fullSpeedRecords / 2, intake: intake)) == 0)
            #expect(LedgerPacing.share(LedgerPressure(age: LedgerPacing.fullSpeedAge / 2, intake: intake)) == 0)
        }
        #expect(LedgerPacing.pause(after: 1_000_000, share: 0) == nil)
    }

    @Test(
        "At the bound of filling, of records and of age it works without a pause under any intake",
        arguments: [
            LedgerPressure(overlayFill: LedgerPacing.fullSpeedFill, intake: 9e6),
            LedgerPressure(overlayFill: 1, intake: .infinity),
            LedgerPressure(records: LedgerPacing.fullSpeedRecords, intake: 9e6),
            LedgerPressure(age: LedgerPacing.fullSpeedAge, intake: 9e6),
        ])
    func full(_ pressure: LedgerPressure) {
        #expect(LedgerPacing.share(pressure) == 1)
    }

    @Test("The share never falls with the filling, and never rises with the intake")
    func monotone() {
        for intake in stride(from: 0.0, through: 500_000, by: 12_500) {
            var last = 0.0
            for fill in stride(from: 0.0, through: 1, by: 0.01) {
                let share = LedgerPacing.share(LedgerPressure(overlayFill: fill, intake: intake))
                #expect(share >= last && share <= 1)
                #expect(share >= LedgerPacing.share(LedgerPressure(overlayFill: fill, intake: intake + 1_000)))
                last = share
            }
        }
    }

    @Test("A pause keeps the share", arguments: [0.02, 0.1, 0.5, 0.75, 1.0])
    func pause(_ share: Double) throws {
        let worked: UInt64 = 300_000_000
        let pause = try #require(LedgerPacing.pause(after: worked, share: share))
        #expect(abs(Double(worked) / Double(worked + pause) - share) < 0.001)
    }

    /// Steps of 50 ms; the writer brings in what had come when its transaction began, at `rate`. Answers the fill after
    /// each step.
    private func run(intake: Double, rate: Double, seconds: Int, capacity: Double) -> [Double] {
        var unsaved = 0.0
        var fills: [Double] = []
        var workLeft = 0.0
        var worked = 0.0
        var paused = 0.0
        let step = 0.05
        for _ in 0..<(seconds * 20) {
            unsaved += intake * step
            if workLeft > 0 {
                let done = min(workLeft, rate * step)
                workLeft -= done
                unsaved -= done
                worked += step
                if workLeft == 0 { paused = 0 }
            } else {
                paused += step
                let pressure = LedgerPressure(
                    overlayFill: unsaved / capacity, records: UInt64(unsaved), intake: intake)
                let share = LedgerPacing.share(pressure)
                if let pause = LedgerPacing.pause(after: UInt64(worked * 1e9), share: share),
                    paused >= Double(pause) / 1e9, unsaved > 0
                {
                    workLeft = min(unsaved, 500_000)
                    worked = 0
                }
            }
            fills.append(unsaved / capacity)
        }
        return fills
    }

    @Test(
        "Where the ledger can keep up, the overlay settles below its bound, and does not swing",
        arguments: [(100_000.0, 200_000.0), (240_000, 300_000), (280_000, 300_000), (900_000, 1_000_000)])
    func settles(_ rates: (intake: Double, ledger: Double)) {
        let fills = run(intake: rates.intake, rate: rates.ledger, seconds: 240, capacity: 8_000_000)
        #expect(fills.allSatisfy { $0 <= 1 })
        let last = fills.suffix(fills.count / 3)
        let swing = (last.max() ?? 0) - (last.min() ?? 0)
        #expect(swing < 0.25, "\(swing)")
    }

    @Test("After a burst the writer takes all that waits")
    func drains() {
        var gauge = LedgerPressureGauge()
        var demand = LedgerDemand()
        for step in 0..<40 {
            demand.latest += 100_000
            demand.records = demand.latest
            gauge.note(demand, shard: 0, now: UInt64(step) * 50_000_000)
        }
        #expect(gauge.pressure.intake > 1_900_000 && gauge.pressure.intake < 2_100_000)
        #expect(LedgerPacing.share(gauge.pressure) == 0)
        for now: UInt64 in [2_100_000_000, 2_300_000_000] { gauge.note(demand, shard: 0, now: now) }
        #expect(gauge.pressure.intake == 0)
        #expect(LedgerPacing.share(gauge.pressure) == 1)
    }

    @Test("The pressure of several shards is the fullest, the oldest, and the sum of records")
    func shards() {
        var gauge = LedgerPressureGauge()
        var one = LedgerDemand()
        one.overlayFill = 0.5
        one.records = 10
        one.age = 7
        var other = LedgerDemand()
        other.overlayFill = 0.25
        other.records = 20
        other.age = 9
        gauge.note(one, shard: 0, now: 1)
        gauge.note(other, shard: 1, now: 1)
        let pressure = gauge.pressure
        #expect(pressure.overlayFill == 0.5 && pressure.records == 30 && pressure.age == 9 && pressure.intake == 0)
    }
}
