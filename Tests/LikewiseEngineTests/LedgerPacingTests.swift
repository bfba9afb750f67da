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

    @Test("Of busy processors it takes none for many likes, and what few likes need")
    func spare() {
        #expect(LedgerPacing.share(LedgerPressure(intake: 50_000, spare: 0)) == 0)
        #expect(LedgerPacing.share(LedgerPressure(intake: 50_000, spare: 0.5)) == 0.5)
        #expect(LedgerPacing.share(LedgerPressure(intake: 50_000, spare: 4)) == 0.8)
        #expect(LedgerPacing.share(LedgerPressure(intake: 50_000)) == 0.8)
        #expect(LedgerPacing.share(LedgerPressure(intake: 2_500, spare: 0)) == 0.9)
        #expect(LedgerPacing.share(LedgerPressure(intake: 0, spare: 0)) == 1)
        #expect(LedgerPacing.share(LedgerPressure(age: LedgerPacing.fullSpeedAge, intake: 50_000, spare: 0)) == 1)
    }

    @Test("Idle processors are measured over a window, and not over what was before it began anew")
    func spareProcessors() {
        struct Idle: Processors {
            var nanoseconds: UInt64?
            func idleNanoseconds() -> UInt64? { nanoseconds }
        }
        var spare = SpareProcessors()
        let window = SpareProcessors.window
        spare.note(now: 1, Idle(nanoseconds: 100))
        #expect(spare.count == nil)
        spare.note(now: 1 + window, Idle(nanoseconds: 100 + window / 2))
        #expect(spare.count == 0.5)
        spare.note(now: 2 + window, Idle(nanoseconds: 100 + window * 9))
        #expect(spare.count == 0.5)
        spare.restart(now: window * 5, Idle(nanoseconds: window * 9))
        spare.note(now: window * 6, Idle(nanoseconds: window * 10))
        #expect(spare.count == 1)
        // A counter that goes back, as another container's may.
        spare.note(now: window * 7, Idle(nanoseconds: 0))
        #expect(spare.count == 0)
        spare.note(now: window * 8, Idle(nanoseconds: nil))
        #expect(spare.count == nil)
    }

    @Test("The kernel's line of times is read, and nothing else taken for it")
    func kernelTimes() {
        #expect(SystemProcessors.idle("cpu  10 0 20 300 7 0 0\ncpu0 1 2 3 4 5\n".utf8) == 3_070_000_000)
        #expect(SystemProcessors.idle("cpu  10 0 20\n".utf8) == nil)
        #expect(SystemProcessors.idle("intr 1 2 3 4 5 6".utf8) == nil)
        #expect(SystemProcessors.idle([]) == nil)
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
