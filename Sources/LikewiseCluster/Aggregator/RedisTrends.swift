// What gained most, over all aggregators: each tells what its own partitions gained, and a node adds it up.

import LikewiseCore
package import LikewiseEngine

/// The lists of what gained most.
package struct RedisTrends: TrendSource {
    /// Contents that an aggregator tells of.
    private static let told = 200

    private let totals: RedisTotals
    private let client: RedisClient
    private let clock: any EngineClock

    package init(_ client: RedisClient, clock: any EngineClock) {
        self.client = client
        self.clock = clock
        totals = RedisTotals(client: client, clock: clock)
    }

    private static func key(_ window: TrendWindow) -> [UInt8] { Array("likewise:top:\(window.rawValue)".utf8) }

    /// Tells what `board` has under the name of an aggregator. What Redis does not take is told again the next time.
    package func tell(_ board: TrendBoard, as name: String) async {
        let now = clock.milliseconds()
        _ = await client.send(
            TrendWindow.allCases.flatMap { window in
                totals.telling(board.top(window, limit: Self.told, at: now), in: Self.key(window), as: name)
            })
    }

    package func top(_ window: TrendWindow, limit: Int) async -> [TrendBucket.Entry] {
        let sums = await totals.sums(in: Self.key(window)) ?? [:]
        let sorted = sums.sorted { a, b in
            a.value != b.value ? a.value > b.value : a.key.lexicographicallyPrecedes(b.key)
        }
        return sorted.prefix(limit).map { TrendBucket.Entry(content: $0.key, gained: $0.value) }
    }
}
