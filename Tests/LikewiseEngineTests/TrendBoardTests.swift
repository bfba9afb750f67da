import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Trend board")
struct TrendBoardTests {
    private static let start: UInt64 = 1_773_478_800_000

    private func entry(_ content: String, _ gained: Int64) -> TrendBucket.Entry {
        TrendBucket.Entry(content: Array(content.utf8), gained: gained)
    }

    @Test("The most liked come first, then by id; who lost as many as it gained is not there")
    func order() {
        let board = TrendBoard()
        board.add([entry("b", 3), entry("a", 3), entry("c", 9), entry("gone", 2)], at: Self.start)
        board.add([entry("gone", -2), entry("less", -5)], at: Self.start + 10)
        let top = board.top(.minute, limit: 10, at: Self.start + 20)
        #expect(top == [entry("c", 9), entry("a", 3), entry("b", 3)])
        #expect(board.top(.minute, limit: 1, at: Self.start + 20) == [entry("c", 9)])
    }

    @Test("A window forgets what is older than it, by whole buckets", arguments: TrendWindow.allCases)
    func windows(window: TrendWindow) {
        let board = TrendBoard()
        var model: [(time: UInt64, gained: Int64)] = []
        var random = SeededRandom(seed: 9)
        let span = window.bucketLength * UInt64(window.buckets)
        var now = Self.start
        for _ in 0..<400 {
            now += UInt64(random.below(Int(span) / 40))
            let gained = Int64(random.within(1...5))
            board.add([entry("x", gained)], at: now)
            model.append((now, gained))
            let present = now / window.bucketLength * window.bucketLength
            let expected = model.filter { $0.time / window.bucketLength * window.bucketLength + span >= present }
                .reduce(0) { $0 + $1.gained }
            #expect(board.top(window, limit: 1, at: now).first?.gained == expected)
        }
        #expect(board.top(window, limit: 1, at: now + 2 * span).isEmpty)
    }

    @Test("A clock that goes back adds to the present bucket, and nothing is lost")
    func clockBack() {
        let board = TrendBoard()
        board.add([entry("x", 1)], at: Self.start)
        board.add([entry("x", 2)], at: Self.start - 3_600_000)
        #expect(board.top(.hour, limit: 1, at: Self.start - 10_000) == [entry("x", 3)])
        board.add([entry("x", 4)], at: Self.start + 60_000)
        #expect(board.top(.hour, limit: 1, at: Self.start + 60_000) == [entry("x", 7)])
    }

    @Test("Closed buckets are given once to be kept, with the open ones at a stop, and come back at a start")
    func restart() {
        let board = TrendBoard()
        board.add([entry("x", 1), entry("y", 5)], at: Self.start)
        #expect(board.takeUnsaved().isEmpty)
        board.add([entry("x", 2)], at: Self.start + 60_000)
        let closed = board.takeUnsaved()
        #expect(closed.map(\.length) == [60_000], "the minute's buckets do not outlast a restart")
        #expect(board.takeUnsaved().isEmpty)
        let kept = closed + board.openBuckets()
        let next = TrendBoard()
        next.restore(kept, at: Self.start + 61_000)
        #expect(next.top(.hour, limit: 9, at: Self.start + 61_000) == [entry("y", 5), entry("x", 3)])
        #expect(next.top(.day, limit: 9, at: Self.start + 61_000) == [entry("y", 5), entry("x", 3)])
        #expect(next.top(.minute, limit: 9, at: Self.start + 61_000).isEmpty)
    }

    @Test("It tracks a bounded number of contents, the ones that gained most")
    func bound() {
        let board = TrendBoard()
        board.add((0..<30_000).map { entry("c\($0)", Int64($0)) }, at: Self.start)
        let top = board.top(.minute, limit: 30_000, at: Self.start)
        #expect(top.count <= 20_000)
        #expect(top.first == entry("c29999", 29_999))
    }

    @Test("Of many gains the largest are found without sorting them", arguments: [1, 2, 7, 100, 999])
    func threshold(limit: Int) {
        var random = SeededRandom(seed: UInt64(limit))
        for span in [1, 3, 1_000] {
            let gains = (0..<1_000).map { _ in Int64(random.below(span)) - 1 }
            let (least, ofThese) = TrendBoard.threshold(gains, limit: limit)
            let sorted = gains.sorted(by: >).prefix(limit)
            #expect(sorted.last == least && sorted.count { $0 == least } == ofThese, "span \(span)")
        }
        #expect(TrendBoard.threshold([3, 1], limit: 2).least == .min)
    }
}
