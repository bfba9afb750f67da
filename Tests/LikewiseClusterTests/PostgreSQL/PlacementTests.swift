import LikewiseCluster
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Where contents lie")
struct PlacementTests {
    private static func row(_ number: Int?, _ servers: Int, _ target: Int, epoch: Int64 = 1) -> PlacementRow {
        PlacementRow(number: number, layout: Layout(servers: servers, target: target), epoch: epoch)
    }

    /// Rows in the middle of a move whose pairs have come as far as `marks` say.
    private static func rows(_ layout: Layout, _ marks: [Watermark]) -> [PlacementRow] {
        var rows = (0..<layout.count).map { row($0, layout.servers, layout.target) }
        for (other, mark) in marks.enumerated() {
            rows[other].handovers[layout.last] = Handover(mark: mark)
            rows[layout.last].handovers[other] = Handover(mark: mark)
        }
        return rows
    }

    @Test(
        "however far a move has come, each content has one owner, and the servers agree on it",
        arguments: SeededRandom.seeds(3))
    func oneOwner(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let ids = (0..<400).map { Array("content-\($0)".utf8) }
        for _ in 0..<30 {
            let servers = random.within(1...5)
            let layout = Layout(
                servers: servers, target: servers > 1 && random.chance(oneIn: 2) ? servers - 1 : servers + 1)
            let marks = (0..<layout.last).map { _ in
                random.chance(oneIn: 5)
                    ? Watermark(isEnd: true)
                    : Watermark(through: random.chance(oneIn: 5) ? [] : ids[random.below(ids.count)])
            }
            let rows = Self.rows(layout, marks)
            let placement = try Placement(rows)
            #expect(placement.pending.isEmpty)
            for id in ids {
                let owners = rows.indices.filter { rows[$0].claim(id) == .own }
                #expect(owners == [placement.server(of: id)], "seed \(seed)")
                let ends = layout.ends(of: id)
                #expect([ends.source, ends.target].contains(owners.first))
            }
        }
    }

    @Test("before a move begins to give and after it has given all, contents are where jump hash says")
    func ends() throws {
        for (servers, target) in [(2, 3), (3, 2), (1, 2)] {
            let layout = Layout(servers: servers, target: target)
            let before = try Placement(Self.rows(layout, Array(repeating: Watermark(), count: layout.last)))
            let after = try Placement(Self.rows(layout, Array(repeating: Watermark(isEnd: true), count: layout.last)))
            for id in (0..<300).map({ Array("content-\($0)".utf8) }) {
                #expect(before.server(of: id) == ShardedLedger.server(of: id, servers: servers))
                #expect(after.server(of: id) == ShardedLedger.server(of: id, servers: target))
            }
        }
    }

    @Test("what was given and is not owned yet is the taker's for who reads, and known to be pending for who writes")
    func pending() throws {
        let layout = Layout(servers: 1, target: 2)
        var rows = Self.rows(layout, [Watermark()])
        let moving = try #require((0..<300).map { Array("content-\($0)".utf8) }.first { layout.ends(of: $0) == (0, 1) })
        rows[1].handovers[0]?.prepared = Watermark(through: moving)
        #expect(try Placement(rows).server(of: moving) == 0)
        #expect(rows[1].claim(moving) == .copy)
        rows[0].handovers[1]?.mark = Watermark(through: moving)
        let given = try Placement(rows)
        #expect(given.server(of: moving) == 1 && given.pending == [0])
        #expect(rows[0].claim(moving) == .stray)
    }

    @Test(
        "a file that does not fit the servers is refused, with what to do",
        arguments: [
            ([row(1, 2, 2), row(0, 2, 2)], "the first server says that it is number 2: put them in the order"),
            ([row(nil, 0, 0)], "have no numbers yet: run `likewise migrate`"),
            ([row(0, 2, 2)], "lies on 2 servers and the file names 1"),
            ([row(0, 2, 3), row(1, 2, 3)], "being moved from 2 servers to 3 and the file names 2: add the third"),
            ([row(0, 2, 2), row(nil, 0, 0)], "the second server holds no part of the ledger, which lies on 2"),
            ([row(0, 1, 1), row(2, 3, 3)], "the second server says that it is number 3"),
        ] as [([PlacementRow], String)])
    func misfits(rows: [PlacementRow], words: String) throws {
        let error = try #require(throws: LedgerError.self) { try Placement(rows) }
        guard case .unusable(let message) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(message.contains(words), "\(message)")
    }

    @Test("rows of different moments are told apart, and a server that is away is missed only where it matters")
    func moments() throws {
        #expect(throws: LedgerError.moved) { try Placement([Self.row(0, 1, 2), Self.row(1, 2, 2)]) }
        #expect(try Placement([Self.row(0, 2, 2), nil]).epochs == [1, nil])
        #expect(try Placement([nil, Self.row(1, 2, 2)]).layout == Layout(servers: 2, target: 2))
        #expect(throws: LedgerError.self) { try Placement([nil, Self.row(1, 1, 2)]) }
        #expect(throws: LedgerError.self) { try Placement([Self.row(0, 1, 2), nil]) }
    }
}
