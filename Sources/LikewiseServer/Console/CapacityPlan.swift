// How much of everything a site of a given size needs: rates, bandwidth, storage, memory, machines, each with the arithmetic that
// leads there. It is asked by `likewise plan` and by the console, so both say the same.
//
// What one machine does and what a like takes is measured, by the commands that are named with each figure, on two cores of
// 2.5 GHz that also ran the load; docs/benchmarks.md has the latest run, of a faster machine. A plan is a beginning, to be
// replaced by figures of one's own.

package import LikewiseAPI

/// A site's size, and what follows from it.
package struct CapacityPlan: Sendable {
    /// What is asked about.
    package struct Site: Hashable, Sendable {
        /// People who come in a day.
        package var dailyUsers: UInt64 = 1_000_000
        /// Likes that each of them gives in a day.
        package var likesPerUser: Double = 5
        /// Counts that are shown for each like that is given.
        package var readsPerLike: Double = 10
        /// The busiest second as a multiple of the mean one.
        package var peak: Double = 3
        /// Days that the event log is kept.
        package var retentionDays: UInt64 = 7
        /// Regions, each of which holds all likes.
        package var regions: UInt64 = 1

        package init() {}

        /// What is wrong with it, as a field's name and a sentence; nil where nothing is.
        package var problem: (field: String, detail: String)? {
            func within(_ value: Double, _ bounds: ClosedRange<Double>) -> Bool { bounds.contains(value) }
            if !(1...100_000_000_000).contains(dailyUsers) {
                return ("daily_users", "daily_users must be from 1 to 100,000,000,000.")
            }
            if !within(likesPerUser, 0...1_000_000) {
                return ("likes_per_user", "likes_per_user must be from 0 to 1,000,000.")
            }
            if !within(readsPerLike, 0...1_000_000) {
                return ("reads_per_like", "reads_per_like must be from 0 to 1,000,000.")
            }
            if !within(peak, 1...10_000) { return ("peak", "peak must be from 1 to 10,000.") }
            if !(1...3_650).contains(retentionDays) {
                return ("retention_days", "retention_days must be from 1 to 3,650.")
            }
            return (1...64).contains(regions) ? nil : ("regions", "regions must be from 1 to 64.")
        }
    }

    /// What one machine does, and what a like takes. Bytes are bytes; rates are a second's.
    package enum Measured {
        /// Single likes over HTTP, synced, on two cores beside their load: `likewise bench http`.
        package static let likesPerMachine = 87_000.0
        /// Counts over HTTP, likewise: `likewise bench http`.
        package static let readsPerMachine = 117_000.0
        /// What the ledger takes in for long, at ten million likes and more: `likewise bench ledger --ledger rocksdb`.
        package static let ledgerPerMachine = 54_500.0
        /// How much of that a machine is planned with; the rest is for what is not planned.
        package static let use = 0.5
        /// A like's way in, with the head that a browser sends.
        package static let likeBytesIn = 420.0
        /// Its answer, and a count's.
        package static let answerBytesOut = 560.0
        /// A count's way in.
        package static let readBytesIn = 330.0
        /// In the event log: `likewise bench levels`.
        package static let logBytes = 60.0
        /// In the ledger, its lists by user and by content included: `likewise bench levels`.
        package static let ledgerBytes = 101.0
        /// In a filter, where contents are large: `likewise bench memory`.
        package static let filterBytes = 6.0
    }

    /// One figure.
    package struct Line: Hashable, Sendable {
        package var group: String
        package var name: String
        package var title: String
        package var value: Double
        package var unit: String
        /// The value for people: `1.39 M likes/s`.
        package var display: String
        /// The arithmetic in words.
        package var formula: String
        /// The same with this site's numbers.
        package var arithmetic: String
        /// What it means, and what it rests on.
        package var explanation: String
    }

    package static let groups = ["Rates", "Bandwidth", "Storage", "Memory", "Machines"]

    package let site: Site
    package private(set) var lines: [Line] = []

    /// The plan for a site that has no problem.
    package init(_ site: Site) {
        self.site = site
        let rates = addRates()
        addBandwidth(rates)
        addStorage(rates)
        addMemory(rates)
        addMachines(rates)
    }

    // MARK: Figures

    private struct Rates {
        var likesPerDay: Double
        var likesMean: Double
        var likesPeak: Double
        var readsPeak: Double
    }

    private mutating func addRates() -> Rates {
        let (users, likes, reads, peak) = (Double(site.dailyUsers), site.likesPerUser, site.readsPerLike, site.peak)
        let perDay = users * likes
        let mean = perDay / 86_400
        add(
            "Rates", "likes_per_day", "Likes a day", perDay, "likes/day", "daily users × likes a user",
            "\(n(users)) × \(n(likes))", "Each is a register that is looked at, and for a first like one more row.")
        add(
            "Rates", "likes_per_second_mean", "Likes a second, mean", mean, "likes/s", "likes a day ÷ 86,400 s",
            "\(n(perDay)) ÷ 86,400", "What ledger and event log must hold for ever.")
        add(
            "Rates", "likes_per_second_peak", "Likes a second, peak", mean * peak, "likes/s", "mean × peak factor",
            "\(n(mean)) × \(n(peak))",
            "What must be answered. The ledger may lag behind for as long as the overlay has room; the answer does not."
        )
        add(
            "Rates", "reads_per_second_mean", "Counts a second, mean", mean * reads, "reads/s",
            "likes a second × reads a like", "\(n(mean)) × \(n(reads))", "Counts that are shown to people.")
        add(
            "Rates", "reads_per_second_peak", "Counts a second, peak", mean * reads * peak, "reads/s",
            "mean × peak factor", "\(n(mean * reads)) × \(n(peak))",
            "Before any cache. A count for everyone may be kept for five seconds at the edge, so that a viral content costs "
                + "one read in five seconds and edge, however many look at it.")
        return Rates(
            likesPerDay: perDay, likesMean: mean, likesPeak: mean * peak, readsPeak: mean * reads * peak)
    }

    private mutating func addBandwidth(_ rates: Rates) {
        let bytesIn = rates.likesPeak * Measured.likeBytesIn + rates.readsPeak * Measured.readBytesIn
        add(
            "Bandwidth", "ingress_peak", "In, peak", bytesIn, "B/s",
            "peak likes × \(n(Measured.likeBytesIn)) B + peak reads × \(n(Measured.readBytesIn)) B",
            "\(n(rates.likesPeak)) × \(n(Measured.likeBytesIn)) + \(n(rates.readsPeak)) × \(n(Measured.readBytesIn))",
            "Requests with a browser's head fields; TLS and TCP add about a tenth.")
        let bytesOut = (rates.likesPeak + rates.readsPeak) * Measured.answerBytesOut
        add(
            "Bandwidth", "egress_peak", "Out, peak", bytesOut, "B/s",
            "(peak likes + peak reads) × \(n(Measured.answerBytesOut)) B",
            "(\(n(rates.likesPeak)) + \(n(rates.readsPeak))) × \(n(Measured.answerBytesOut))",
            "Answers with their head fields. What the edge answers does not leave here.")
        guard site.regions > 1 else { return }
        let others = Double(site.regions - 1)
        add(
            "Bandwidth", "between_regions", "Between regions, mean, out of each",
            rates.likesMean / Double(site.regions)
                * Measured.logBytes * others, "B/s", "mean likes ÷ regions × \(n(Measured.logBytes)) B × other regions",
            "\(n(rates.likesMean)) ÷ \(n(Double(site.regions))) × \(n(Measured.logBytes)) × \(n(others))",
            "Each region sends its events to all others, once.")
    }

    private mutating func addStorage(_ rates: Rates) {
        let days = Double(site.retentionDays)
        let log = rates.likesPerDay * Measured.logBytes
        add(
            "Storage", "log_kept", "Event log, a region", log * days, "B",
            "likes a day × \(n(Measured.logBytes)) B × days kept",
            "\(n(rates.likesPerDay)) × \(n(Measured.logBytes)) × \(n(days))",
            "From it a ledger can be built again. In a cluster Kafka keeps it, three times with the usual replication.")
        let ledger = rates.likesPerDay * Measured.ledgerBytes
        add(
            "Storage", "ledger_growth_day", "Ledger's growth a day, a region", ledger, "B/day",
            "likes a day × \(n(Measured.ledgerBytes)) B", "\(n(rates.likesPerDay)) × \(n(Measured.ledgerBytes))",
            "At most: a like that is taken back, repeated or changed takes the row that there is.")
        add(
            "Storage", "ledger_growth_year", "Ledger's growth a year, a region", ledger * 365, "B/year",
            "growth a day × 365", "\(n(ledger)) × 365",
            "Kept as long as the likes are: without the row nobody knows whether a tap is the second one.")
        add(
            "Storage", "disk_first_year", "Disk after a year, all regions",
            (ledger * 365 + log * days) * Double(site.regions), "B", "(ledger's year + event log) × regions",
            "(\(n(ledger * 365)) + \(n(log * days))) × \(n(Double(site.regions)))",
            "Without replicas and backups within a region.")
    }

    private mutating func addMemory(_ rates: Rates) {
        add(
            "Memory", "filters_of_a_day", "Filters of a day's likes, a region",
            rates.likesPerDay * Measured.filterBytes,
            "B", "likes a day × \(n(Measured.filterBytes)) B", "\(n(rates.likesPerDay)) × \(n(Measured.filterBytes))",
            "Spares the ledger the question whether a first like is one. With less memory answers are the same, and slower."
        )
        let lag = max(0, rates.likesPeak - Measured.ledgerPerMachine)
        add(
            "Memory", "overlay_minute", "A minute of peak that the ledger has not taken yet", lag * 60 * 60, "B",
            "(peak likes − what one ledger takes) × 60 s × 60 B",
            "(\(n(rates.likesPeak)) − \(n(Measured.ledgerPerMachine))) × 60 × 60",
            "On one machine, in its overlay; in a cluster it waits in Kafka instead. At the bound of the overlay callers get 503."
        )
    }

    private mutating func addMachines(_ rates: Rates) {
        let regions = Double(site.regions)
        func load(_ rate: Double, _ each: Double) -> Double { rate / (each * Measured.use) }
        let likes = load(rates.likesPeak, Measured.likesPerMachine)
        add(
            "Machines", "machines_likes", "For likes, all regions", likes.rounded(.up), "machines of 2 cores",
            "peak likes ÷ (\(n(Measured.likesPerMachine)) × \(n(Measured.use))), rounded up",
            "\(n(rates.likesPeak)) ÷ \(n(Measured.likesPerMachine * Measured.use))",
            "Single calls over HTTP, each synced: `likewise bench http`, half of what was measured. By bulk intake one machine "
                + "took over a million likes a second (`likewise bench bulk`).")
        let reads = load(rates.readsPeak, Measured.readsPerMachine)
        add(
            "Machines", "machines_reads", "For counts, all regions", reads.rounded(.up), "machines of 2 cores",
            "peak reads ÷ (\(n(Measured.readsPerMachine)) × \(n(Measured.use))), rounded up",
            "\(n(rates.readsPeak)) ÷ \(n(Measured.readsPerMachine * Measured.use))",
            "`likewise bench http`, half of what was measured, without any cache before it.")
        let ledgers = load(rates.likesMean, Measured.ledgerPerMachine).rounded(.up)
        add(
            "Machines", "machines_ledger", "For the ledger, each region", ledgers, "machines of 2 cores",
            "mean likes ÷ (\(n(Measured.ledgerPerMachine)) × \(n(Measured.use))), rounded up",
            "\(n(rates.likesMean)) ÷ \(n(Measured.ledgerPerMachine * Measured.use))",
            "Every region holds all likes, so each ledger takes the mean rate of all: `likewise bench ledger`. Above one, "
                + "contents are spread over several (docs/operations.md).")
        // Each region answers its own share and holds the likes of all.
        let perRegion = max(((likes + reads) / regions).rounded(.up), ledgers) + 1
        add(
            "Machines", "machines_total", "In all, with one to spare in each region", perRegion * regions,
            "machines of 2 cores",
            "(the larger of (likes + counts, before rounding) ÷ regions, rounded up, and ledger, + 1) × regions",
            "(max((\(n(likes)) + \(n(reads))) ÷ \(n(regions)), \(n(ledgers))) + 1) × \(n(regions))",
            "One machine does all three at once where it has the room; up to there nothing but the binary is needed.")
    }

    private mutating func add(
        _ group: String, _ name: String, _ title: String, _ value: Double, _ unit: String, _ formula: String,
        _ arithmetic: String, _ explanation: String
    ) {
        lines.append(
            Line(
                group: group, name: name, title: title, value: value, unit: unit,
                display: CapacityPlan.display(value, unit), formula: formula, arithmetic: arithmetic,
                explanation: explanation))
    }

    // MARK: Numbers

    private func n(_ value: Double) -> String { CapacityPlan.grouped(value) }

    /// `1,234,567`, and at most two digits behind the point where the number is small.
    package static func grouped(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e18 else { return "\(value)" }
        let isSmall = abs(value) < 1_000
        let rounded = isSmall ? (value * 100).rounded() / 100 : value.rounded()
        let whole = Int64(rounded)
        var digits = String(whole.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        groups.insert(digits, at: 0)
        var text = (rounded < 0 ? "-" : "") + groups.joined(separator: ",")
        let hundredths = Int((abs(rounded - Double(whole)) * 100).rounded())
        if isSmall, hundredths > 0 {
            text += "." + (hundredths < 10 ? "0\(hundredths)" : "\(hundredths)")
            if text.hasSuffix("0") { text.removeLast() }
        }
        return text
    }

    /// The value with its unit, in thousands, millions and so on; bytes in powers of a thousand.
    package static func display(_ value: Double, _ unit: String) -> String {
        let isBytes = unit == "B" || unit.hasPrefix("B/")
        // Small counts of things are said to the last one.
        if !isBytes, value < 10_000 { return grouped(value) + " " + unit }
        let names = isBytes ? ["", "k", "M", "G", "T", "P", "E"] : ["", "k", "M", "billion", "trillion"]
        var (scaled, step) = (value, 0)
        while scaled >= 999.5, step < names.count - 1 {
            scaled /= 1_000
            step += 1
        }
        let digits = scaled < 9.995 ? 100.0 : scaled < 99.95 ? 10.0 : 1.0
        let number = grouped((scaled * digits).rounded() / digits)
        return isBytes ? "\(number) \(names[step])\(unit)" : "\(number) \(names[step]) \(unit)"
    }
}

extension CapacityPlan {
    /// Writes the plan as `GET /v1/admin/plan` answers it.
    package func write(to writer: inout JSONWriter) {
        writer.object { body in
            body.field(
                "inputs",
                object: { inputs in
                    inputs.field("daily_users", site.dailyUsers)
                    inputs.field("likes_per_user", decimal: site.likesPerUser)
                    inputs.field("reads_per_like", decimal: site.readsPerLike)
                    inputs.field("peak", decimal: site.peak)
                    inputs.field("retention_days", site.retentionDays)
                    inputs.field("regions", site.regions)
                })
            body.field("groups", list: { list in for group in CapacityPlan.groups { list.string(group) } })
            body.field(
                "lines",
                list: { list in
                    for line in lines {
                        list.object { entry in
                            entry.field("group", line.group)
                            entry.field("name", line.name)
                            entry.field("title", line.title)
                            entry.field("value", decimal: line.value)
                            entry.field("unit", line.unit)
                            entry.field("display", line.display)
                            entry.field("formula", line.formula)
                            entry.field("arithmetic", line.arithmetic)
                            entry.field("explanation", line.explanation)
                        }
                    }
                })
        }
    }
}
