// The levels as a table: for people on standard error, and as lines of JSON for the document.

extension LevelResult {
    /// The line of the report.
    func report(settings: [BenchField]) -> BenchReport {
        var report = BenchReport("levels", "\(number) \(name)", rounds: rates, unit: "likes/s")
        report.latencies = latencies
        report.settings = settings
        report.details.append(BenchField("level", .count(number)))
        if let skipped {
            report.details.append(BenchField("skipped", .text(skipped)))
            return report
        }
        let bytes = stored.map { BenchField($0.what, .number($0.aLike)) }
        report.details.append(BenchField("bytes_a_like", .object(bytes)))
        report.details.append(BenchField("drift_without_kills", .count(drift)))
        report.details.append(BenchField("kills", .list(losses.map { $0.account.value($0.victim) })))
        return report
    }
}

extension LossAccount {
    fileprivate func value(_ victim: LevelVictim) -> BenchValue {
        var fields: [BenchField] = [
            BenchField("killed", .text(victim.name)), BenchField("times", .count(kills)),
            BenchField("acknowledged", .count(acknowledged)), BenchField("lost", .count(lost)),
            BenchField("counted_twice", .count(doubled)), BenchField("repeats", .count(repeats)),
            BenchField("repeats_counted", .count(repeatsCounted)),
        ]
        if !victim.note.isEmpty { fields.append(BenchField("note", .text(victim.note))) }
        return .object(fields)
    }
}

/// The levels as a table for people.
enum LevelTable {
    private static let head = ["level", "likes/s", "p99", "bytes a like", "lost on a kill, of acknowledged"]

    /// A line for each level, and further ones where a cell has several.
    static func text(_ results: [LevelResult]) -> String {
        TextTable.text([head.map { [$0] }] + results.map(cells))
    }

    private static func cells(_ result: LevelResult) -> [[String]] {
        let title = ["\(result.number) \(result.name)"]
        if let skipped = result.skipped { return [title, ["skipped:"], [], [], [skipped]] }
        return [
            title, [Grouped.text(Int(BenchReport.median(result.rates).rounded()))],
            [result.latencies.map { "\(($0.p99 * 100).rounded() / 100) ms" } ?? ""],
            result.stored.map { "\(Int($0.aLike.rounded())) \($0.what)" },
            result.losses.map { "\($0.victim.name) (\($0.account.kills)×): \($0.account.summary)" }
                + (result.drift == 0 ? [] : ["without a kill the count was off by \(Grouped.text(result.drift))"]),
        ]
    }
}

/// A table in columns of equal width, whose cells may have several lines.
package enum TextTable {
    /// The text of `rows`: row, cell, line. Nothing follows the last cell of a line.
    package static func text(_ rows: [[[String]]]) -> String {
        let lines = rows.flatMap { row in
            (0..<(row.map(\.count).max() ?? 0)).map { line in row.map { line < $0.count ? $0[line] : "" } }
        }
        let columns = lines.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return lines.map { line in
            var text = line.indices.map { line[$0] + String(repeating: " ", count: widths[$0] - line[$0].count) }
                .joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text + "\n"
        }.joined()
    }
}
