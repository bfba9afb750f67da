/// One figure of a suite, as the line of JSON that is printed for it.
package struct BenchReport: Sendable {
    /// What a figure has to reach.
    package enum Bar: Sendable {
        case atLeast(Double)
        case atMost(Double)

        /// Whether `figure` reaches it.
        package func isMet(by figure: Double) -> Bool {
            switch self {
            case .atLeast(let bound): figure >= bound
            case .atMost(let bound): figure <= bound
            }
        }

        fileprivate var value: BenchValue {
            switch self {
            case .atLeast(let bound): ["at_least": .number(bound)]
            case .atMost(let bound): ["at_most": .number(bound)]
            }
        }
    }

    /// The suite's name.
    package var bench: String
    /// What was measured, in words.
    package var measured: String
    /// The figure, in `unit`. Of several rounds it is the median.
    package var figure: Double
    package var unit: String
    package var bar: Bar?
    /// The figures of the single rounds, in the order in which they were measured.
    package var rounds: [Double] = []
    package var latencies: LatencySummary?
    /// Further figures that belong to this one.
    package var details: [BenchField] = []
    /// What would have to be set alike to measure it again.
    package var settings: [BenchField] = []

    package init(_ bench: String, _ measured: String, figure: Double, unit: String) {
        self.bench = bench
        self.measured = measured
        self.figure = figure
        self.unit = unit
    }

    /// The report of several rounds: its figure is their median.
    package init(_ bench: String, _ measured: String, rounds: [Double], unit: String) {
        self.init(bench, measured, figure: BenchReport.median(rounds), unit: unit)
        self.rounds = rounds
    }

    /// The middle value, or the mean of the two middle ones; not a number where there are none.
    package static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// The line, without its line feed.
    package func line(machine: BenchMachine) -> String {
        var fields: [BenchField] = [
            BenchField("bench", .text(bench)), BenchField("case", .text(measured)),
            BenchField("figure", .number(figure)), BenchField("unit", .text(unit)),
        ]
        if let bar {
            fields.append(BenchField("bar", bar.value))
            fields.append(BenchField("met", .flag(bar.isMet(by: figure))))
        }
        if !rounds.isEmpty { fields.append(BenchField("rounds", .list(rounds.map(BenchValue.number)))) }
        if let latencies { fields.append(BenchField("latency", latencies.value)) }
        fields += details
        fields.append(BenchField("settings", .object(settings)))
        fields.append(BenchField("machine", machine.value))
        return BenchValue.object(fields).json
    }
}
