// What gained most, over all aggregators: each puts what its own partitions gained into a hash in Redis, one field an
// aggregator, and a node adds them up. A field that is not renewed is of an aggregator that is gone, and is left out.

import LikewiseAPI
import LikewiseCore
package import LikewiseEngine

/// The lists of what gained most.
package struct RedisTrends: TrendSource {
    /// Contents that an aggregator tells of.
    private static let told = 200
    /// After so many milliseconds a field is of an aggregator that is gone.
    private static let life: UInt64 = 15_000

    private let client: RedisClient
    private let clock: any EngineClock

    package init(_ client: RedisClient, clock: any EngineClock) {
        self.client = client
        self.clock = clock
    }

    private static func key(_ window: TrendWindow) -> [UInt8] { Array("likewise:top:\(window.rawValue)".utf8) }

    /// Tells what `board` has under the name of an aggregator. What Redis does not take is told again the next time.
    package func tell(_ board: TrendBoard, as name: String) async {
        let now = clock.milliseconds()
        var commands: [RedisCommand] = []
        for window in TrendWindow.allCases {
            let key = Self.key(window)
            let field = Self.text(board.top(window, limit: Self.told, at: now), at: now)
            commands.append(RedisCommand([Array("HSET".utf8), key, Array(name.utf8), field], key: 1))
            commands.append(
                RedisCommand([Array("PEXPIRE".utf8), key, Array(String(Self.life).utf8)], key: 1))
        }
        _ = await client.send(commands)
    }

    package func top(_ window: TrendWindow, limit: Int) async -> [TrendBucket.Entry] {
        let answer = await client.send(RedisCommand([Array("HVALS".utf8), Self.key(window)], key: 1))
        guard case .success(let value) = answer, let fields = value.elements else { return [] }
        let now = clock.milliseconds()
        var sums: [[UInt8]: Int64] = [:]
        for field in fields.compactMap(\.bytes) {
            guard let (moment, entries) = Self.entries(field), moment + Self.life > now else { continue }
            for entry in entries { sums[entry.content, default: 0] += entry.gained }
        }
        let sorted = sums.sorted { a, b in
            a.value != b.value ? a.value > b.value : a.key.lexicographicallyPrecedes(b.key)
        }
        return sorted.prefix(limit).map { TrendBucket.Entry(content: $0.key, gained: $0.value) }
    }

    // MARK: Text

    /// A line with the moment, then one a content: what it gained, a blank, its id. Ids have no line ends.
    private static func text(_ entries: [TrendBucket.Entry], at milliseconds: UInt64) -> [UInt8] {
        var text = Array("\(milliseconds)".utf8)
        for entry in entries {
            text += "\n\(entry.gained) ".utf8
            text += entry.content
        }
        return text
    }

    private static func entries(_ text: [UInt8]) -> (moment: UInt64, entries: [TrendBucket.Entry])? {
        let lines = text.split(separator: UInt8(ascii: "\n"))
        guard let first = lines.first, let moment = UInt64(String(decoding: first, as: UTF8.self)) else { return nil }
        let entries = lines.dropFirst().compactMap { line -> TrendBucket.Entry? in
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 1)
            guard parts.count == 2, let gained = Int64(String(decoding: parts[0], as: UTF8.self)) else { return nil }
            return TrendBucket.Entry(content: Array(parts[1]), gained: gained)
        }
        return (moment, entries)
    }
}
