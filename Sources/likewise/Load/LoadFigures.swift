/// What `likewise load` prints in the end.
package struct LoadFigures: Sendable {
    /// Statuses that say how it is and not that something failed: liked already, not liked.
    private static let alsoGood = [[200, 409], [200, 404], [200]]

    private let result: LoadResult
    private let settings: [BenchField]

    /// The figures of `result`, whose kinds are those of `MixedTraffic`; `settings` are what would have to be set alike
    /// to measure it again.
    package init(_ result: LoadResult, settings: [BenchField]) {
        self.result = result
        self.settings = settings
    }

    private var kinds: Range<Int> { 0..<MixedTraffic.kinds.count }

    private func requests(_ kind: Int) -> UInt64 { result.statuses(of: kind).values.reduce(0, +) }

    private func failed(_ kind: Int) -> UInt64 {
        result.statuses(of: kind).filter { !LoadFigures.alsoGood[kind].contains($0.key) }.values.reduce(0, +)
    }

    /// Requests that were answered, or given up.
    package var requests: UInt64 { kinds.map(requests).reduce(0, +) }
    /// Requests that were not answered, or with another status than one that says how it is.
    package var failed: UInt64 { kinds.map(failed).reduce(0, +) }

    private func rate(_ requests: UInt64) -> Double { result.seconds > 0 ? Double(requests) / result.seconds : 0 }

    /// The status as people read it.
    private static func words(_ status: Int) -> String { status == 0 ? "no answer" : "\(status)" }

    // MARK: For people

    /// The table, a line an entry.
    package var table: [String] {
        var rows = [["", "requests", "a second", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "failed"]]
        func row(_ name: String, _ requests: UInt64, _ latencies: Latencies, _ failed: UInt64) {
            let all = latencies.summary
            let times = [all.p50, all.p90, all.p99, all.p999, all.max].map { BenchValue.number($0).json }
            rows.append([name, "\(requests)", "\(Int(rate(requests).rounded()))"] + times + ["\(failed)"])
        }
        for kind in kinds where requests(kind) > 0 {
            row(MixedTraffic.kinds[kind], requests(kind), result.latencies(of: kind), failed(kind))
        }
        row("all", requests, result.latencies, failed)
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            row.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + space : space + text
            }.joined(separator: "  ")
        }
        lines.append("")
        for kind in kinds where requests(kind) > 0 {
            let statuses = result.statuses(of: kind).sorted { $0.key < $1.key }
            let words = statuses.map { "\(LoadFigures.words($0.key)): \($0.value)" }.joined(separator: ", ")
            lines.append("\(MixedTraffic.kinds[kind]): \(words)")
        }
        return lines
    }

    // MARK: For programs

    /// One object of JSON, in one line.
    package var json: String {
        let calls = kinds.filter { requests($0) > 0 }.map { kind in
            BenchField(
                MixedTraffic.kinds[kind],
                .object([
                    BenchField("requests", .count(requests(kind))), BenchField("failed", .count(failed(kind))),
                    BenchField("statuses", statuses(kind)),
                    BenchField("latency", result.latencies(of: kind).summary.value),
                ]))
        }
        return BenchValue.object([
            BenchField("seconds", .number(result.seconds)), BenchField("requests", .count(requests)),
            BenchField("requests_a_second", .number(rate(requests))), BenchField("failed", .count(failed)),
            BenchField("latency", result.latencies.summary.value), BenchField("calls", .object(calls)),
            BenchField("settings", .object(settings)),
        ]).json
    }

    private func statuses(_ kind: Int) -> BenchValue {
        let counts = result.statuses(of: kind).sorted { $0.key < $1.key }
        return .object(
            counts.map { BenchField($0.key == 0 ? "none" : "\($0.key)", .count($0.value)) })
    }
}
