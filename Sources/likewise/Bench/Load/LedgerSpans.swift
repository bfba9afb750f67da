/// The rate of each ten million rows that a ledger commits. Commits are large, so a span ends with the first that reaches
/// its end.
package struct LedgerSpans {
    /// Rows from one number to another, and how many a second.
    package struct Span: Hashable {
        package let rows: Range<Int>
        package let rate: Double
    }

    private static let size = 10_000_000
    private let likes: Int
    private var last = (rows: 0, seconds: 0.0)
    private var spans: [Span] = []

    /// For a ledger that goes up to `likes` rows.
    package init(likes: Int) { self.likes = likes }

    /// Takes note that `rows` are committed `seconds` after the start; answers the span that this has ended.
    package mutating func committed(_ rows: Int, seconds: Double) -> Span? {
        guard rows >= min(likes, (spans.count + 1) * LedgerSpans.size), rows > last.rows, seconds > last.seconds else {
            return nil
        }
        let span = Span(rows: last.rows..<rows, rate: Double(rows - last.rows) / (seconds - last.seconds))
        spans.append(span)
        last = (rows, seconds)
        return span
    }

    /// The last span's rate as a share of the first's; nil while there are not two.
    package var ratio: Double? {
        guard spans.count > 1, let first = spans.first, let last = spans.last else { return nil }
        return last.rate / first.rate
    }
}
