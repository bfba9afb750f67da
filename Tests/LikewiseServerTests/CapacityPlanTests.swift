import LikewiseServer
import Testing

@Suite("The capacity plan")
struct CapacityPlanTests {
    private func value(_ plan: CapacityPlan, _ name: String) throws -> Double {
        try #require(plan.lines.first { $0.name == name }).value
    }

    private func site(_ users: UInt64, _ likes: Double, _ reads: Double = 10, peak: Double = 3) -> CapacityPlan.Site {
        var site = CapacityPlan.Site()
        (site.dailyUsers, site.likesPerUser, site.readsPerLike, site.peak) = (users, likes, reads, peak)
        return site
    }

    @Test("Rates and storage are what the arithmetic says")
    func arithmetic() throws {
        // 800 million people with 150 likes each.
        let plan = CapacityPlan(site(800_000_000, 150))
        #expect(try value(plan, "likes_per_day") == 120_000_000_000)
        #expect(try value(plan, "likes_per_second_mean").rounded() == 1_388_889)
        #expect(try value(plan, "likes_per_second_peak").rounded() == 4_166_667)
        #expect(try value(plan, "reads_per_second_peak").rounded() == 41_666_667)
        #expect(try value(plan, "log_kept") == 120e9 * 60 * 7)
        #expect(try value(plan, "ledger_growth_year") == 120e9 * 101 * 365)
        // A billion likes a day at three times peak, ten reads a write.
        let billion = CapacityPlan(site(1_000_000_000, 1))
        #expect(try value(billion, "likes_per_second_mean").rounded() == 11_574)
        #expect(try value(billion, "likes_per_second_peak").rounded() == 34_722)
        #expect(try value(billion, "reads_per_second_peak").rounded() == 347_222)
        // 500 million people with 5 likes and peaks of a hundred times.
        let peaks = CapacityPlan(site(500_000_000, 5, peak: 100))
        #expect(try value(peaks, "likes_per_second_mean").rounded() == 28_935)
        #expect(try value(peaks, "likes_per_second_peak").rounded() == 2_893_519)
    }

    @Test("Every line says what it is, how it is reckoned and what it rests on, and each name is there once")
    func lines() {
        var all = site(10_000_000, 3)
        all.regions = 3
        let plan = CapacityPlan(all)
        for line in plan.lines {
            #expect(CapacityPlan.groups.contains(line.group))
            for text in [line.title, line.display, line.formula, line.arithmetic, line.explanation] {
                #expect(!text.isEmpty, "\(line.name)")
            }
            #expect(line.value.isFinite && line.value >= 0)
        }
        #expect(Set(plan.lines.map(\.name)).count == plan.lines.count)
        #expect(plan.lines.contains { $0.name == "between_regions" })
    }

    @Test("A small site needs one machine and one to spare")
    func small() throws {
        #expect(try value(CapacityPlan(site(1_000, 5)), "machines_total") == 2)
    }

    @Test(
        "Numbers are written for people",
        arguments: [
            (0.0, "likes/s", "0 likes/s"), (0.5, "likes/s", "0.5 likes/s"), (999, "likes/s", "999 likes/s"),
            (9_999, "likes/s", "9,999 likes/s"), (11_574.07, "likes/s", "11.6 k likes/s"),
            (1_388_888.9, "likes/s", "1.39 M likes/s"), (120e9, "likes/day", "120 billion likes/day"),
            (999_950, "reads/s", "1 M reads/s"), (5.04e13, "B", "50.4 TB"), (1_000, "B/s", "1 kB/s"), (12, "B", "12 B"),
        ])
    func numbers(value: Double, unit: String, text: String) {
        #expect(CapacityPlan.display(value, unit) == text)
    }

    @Test("A site out of bounds has a problem that names the field")
    func problems() {
        #expect(site(1, 0).problem == nil)
        #expect(site(0, 1).problem?.field == "daily_users")
        #expect(site(1, .nan).problem?.field == "likes_per_user")
        #expect(site(1, 1, .infinity).problem?.field == "reads_per_like")
        #expect(site(1, 1, 1, peak: 0.5).problem?.field == "peak")
    }
}
