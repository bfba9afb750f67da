// Figures by content that several processes tell of and anyone adds up: a hash in Redis with a field a process, which the
// process writes anew every now and then. A field that is not renewed is of a process that is gone, and is left out.

import LikewiseCore
package import LikewiseEngine

/// One content's figure.
package typealias ContentFigure = TrendBucket.Entry

/// Figures by content, added up over processes.
struct RedisTotals: Sendable {
    /// After so many milliseconds a field is of a process that is gone.
    private static let life: UInt64 = 15_000

    let client: RedisClient
    let clock: any EngineClock

    /// The commands that tell the figures of the process `name`, in place of those that it told before.
    func telling(_ figures: [ContentFigure], in key: [UInt8], as name: String) -> [RedisCommand] {
        [
            RedisCommand([Array("HSET".utf8), key, Array(name.utf8), text(figures, name)], key: 1),
            RedisCommand([Array("PEXPIRE".utf8), key, Array(String(Self.life).utf8)], key: 1),
        ]
    }

    /// The sums over all processes but `name`; nil where Redis cannot be asked.
    func sums(in key: [UInt8], without name: String? = nil) async -> [[UInt8]: Int64]? {
        let answer = await client.send(RedisCommand([Array("HVALS".utf8), key], key: 1))
        guard case .success(let value) = answer, let fields = value.elements else { return nil }
        let now = clock.milliseconds()
        var sums: [[UInt8]: Int64] = [:]
        for field in fields.compactMap(\.bytes) {
            guard let told = Told(field), told.moment + Self.life > now, told.name != name else { continue }
            for figure in told.figures { sums[figure.content, default: 0] += figure.gained }
        }
        return sums
    }

    // MARK: Text

    /// A line with the moment and the name, then one a content: its figure, a blank, its id. Ids have no line ends.
    private func text(_ figures: [ContentFigure], _ name: String) -> [UInt8] {
        var text = Array("\(clock.milliseconds()) \(name)".utf8)
        for figure in figures {
            text += "\n\(figure.gained) ".utf8
            text += figure.content
        }
        return text
    }

    private struct Told {
        var moment: UInt64
        var name: String
        var figures: [ContentFigure]

        init?(_ text: [UInt8]) {
            let lines = text.split(separator: UInt8(ascii: "\n"))
            guard let first = lines.first else { return nil }
            let head = String(decoding: first, as: UTF8.self).split(separator: " ", maxSplits: 1)
            guard let first = head.first, let moment = UInt64(first) else { return nil }
            self.moment = moment
            name = head.count == 2 ? String(head[1]) : ""
            figures = lines.dropFirst().compactMap { line in
                let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 1)
                guard parts.count == 2, let figure = Int64(String(decoding: parts[0], as: UTF8.self)) else {
                    return nil
                }
                return ContentFigure(content: Array(parts[1]), gained: figure)
            }
        }
    }
}
