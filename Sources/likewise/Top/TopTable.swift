// The look of `likewise top`: figures in, lines out.

/// Writes figures as lines of a given width.
package struct TopTable: Sendable {
    /// A table's column.
    private struct Column {
        var title: String
        var width: Int
        var isText = false
    }

    /// Columns of a line, at most.
    package let width: Int
    /// Lines, at most; nil for as many as there are.
    package let height: Int?
    /// Whether titles are told apart by the terminal's bold.
    package let isStyled: Bool

    package init(width: Int, height: Int? = nil, isStyled: Bool = false) {
        (self.width, self.height, self.isStyled) = (max(20, width), height, isStyled)
    }

    /// The lines. `head` is the first one: where, and since when.
    package func lines(_ head: String, _ figures: TopFigures, _ history: TopHistory) -> [String] {
        var lines = [TextWidth.fitted(head, to: width), "", summary(figures, history)]
        lines.append(second(figures))
        lines += routes(figures.routes) + shards(figures.shards)
        let left = height.map { max(0, $0 - lines.count - 2) } ?? figures.hot.count
        lines += hot(Array(figures.hot.prefix(left)), history)
        return Array(lines.prefix(height ?? lines.count))
    }

    private func summary(_ figures: TopFigures, _ history: TopHistory) -> String {
        let outcomes = figures.outcomes.filter { $0.rate > 0 }.map { "\($0.name) \(Figure.number($0.rate))" }
        let words = outcomes.isEmpty ? "" : " (\(outcomes.joined(separator: ", ")))"
        let text = "likes/s \(Figure.number(figures.likes))\(words)  reads/s \(Figure.number(figures.reads))  "
        let room = width - TextWidth.columns(text)
        return TextWidth.fitted(text + (room >= 8 ? Sparkline.text(history.likes, width: room) : ""), to: width)
    }

    private func second(_ figures: TopFigures) -> String {
        let refused = figures.outcomes.first { $0.name == "refused" }?.rate ?? 0
        var words = [
            "refused/s \(Figure.number(refused))", "limited/s \(Figure.number(figures.limited))",
            "5xx/s \(Figure.number(figures.errors))",
        ]
        if let streams = figures.liveStreams {
            let contents = Figure.number(figures.liveContents ?? 0)
            words.append("live streams \(Figure.number(streams)) on \(contents) contents")
        }
        return TextWidth.fitted(words.joined(separator: "  "), to: width)
    }

    private func routes(_ routes: [TopFigures.Route]) -> [String] {
        let columns = [
            Column(title: "call", width: 16, isText: true), Column(title: "a second", width: 10),
            Column(title: "p50", width: 8), Column(title: "p99", width: 8), Column(title: "5xx/s", width: 7),
        ]
        let rows = routes.map { route in
            [
                route.name, Figure.number(route.rate), Figure.time(route.p50), Figure.time(route.p99),
                Figure.number(route.errors),
            ]
        }
        return table(columns, rows)
    }

    private func shards(_ shards: [TopFigures.Shard]) -> [String] {
        let columns = [
            Column(title: "shard", width: 5, isText: true), Column(title: "batches/s", width: 9),
            Column(title: "size", width: 7), Column(title: "sync p50", width: 8), Column(title: "sync p99", width: 8),
            Column(title: "waiting", width: 7), Column(title: "overlay", width: 8),
            Column(title: "ledger behind", width: 18),
        ]
        let rows = shards.map { shard in
            [
                shard.name, Figure.number(shard.batches), shard.batchSize.map(Figure.number) ?? "-",
                Figure.time(shard.syncP50), Figure.time(shard.syncP99), Figure.number(shard.queue),
                Figure.bytes(shard.overlayBytes),
                "\(Figure.number(shard.lagRecords)), \(Figure.time(shard.lagSeconds))",
            ]
        }
        return table(columns, rows)
    }

    private func hot(_ hot: [TopFigures.Hot], _ history: TopHistory) -> [String] {
        let fixed = 10 + 12 + 2 + 2
        let spark = width >= 70 ? TopHistory.looks / 2 : 0
        let columns = [
            Column(title: "hot content", width: max(8, width - fixed - (spark > 0 ? spark + 2 : 0)), isText: true),
            Column(title: "in a minute", width: 12), Column(title: "count", width: 10),
        ]
        let rows = hot.map { content in
            [content.id, Figure.number(Double(content.gained)), Figure.number(Double(content.count))]
        }
        let lines = table(columns, rows)
        guard spark > 0, lines.count > 2 else { return lines }
        return lines.prefix(2)
            + zip(lines.dropFirst(2), hot).map { line, content in
                let gains = history.gains(of: content.id)
                return gains.isEmpty ? line : line + "  " + Sparkline.text(gains, width: spark)
            }
    }

    /// An empty line, the titles and the rows; nothing where there are no rows.
    private func table(_ columns: [Column], _ rows: [[String]]) -> [String] {
        guard !rows.isEmpty else { return [] }
        func line(_ texts: [String]) -> String {
            let cells = zip(columns, texts).map { column, text in
                TextWidth.padded(text, to: column.width, atRight: !column.isText)
            }
            return TextWidth.fitted(cells.joined(separator: "  "), to: width)
        }
        let titles = line(columns.map(\.title))
        return ["", isStyled ? "\u{1b}[1m\(titles)\u{1b}[0m" : titles] + rows.map(line)
    }
}
