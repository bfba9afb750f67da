// Which contents are hot, and over how many keys each is spread.
//
// The rate of a content is that of a sliding window of a minute, kept as two counters: the present minute's, and that of
// the one before, which counts for the part of it that the window still covers. That is exact for an even rate, and needs
// no list of moments. What other nodes say of the content comes on top. The spread doubles while a key of it has more than
// `rate` likes a minute, and halves when its keys together have less than a quarter of that each, so that a rate which
// wavers does not make it waver.

import LikewiseCore

/// A content that has some rate, and what is done about it.
package struct ContentRate: Hashable, Sendable {
    package var content: [UInt8]
    /// Keys that it is spread over; a power of two.
    package var spread: Int
    /// Likes a minute at this node.
    package var perMinute: Int
}

/// The spread of one lane's contents. Time is handed in, in milliseconds.
package struct HotContents: Sendable {
    package struct Options: Sendable {
        /// Likes a minute, of all nodes together, that one key takes before it is split.
        package var rate: Int
        /// The largest spread; a power of two.
        package var maxSpread: Int

        package init(rate: Int = 100, maxSpread: Int = 8) {
            precondition(maxSpread & (maxSpread - 1) == 0 && (1...EventKey.maxSpread).contains(maxSpread))
            self.rate = rate
            self.maxSpread = maxSpread
        }
    }

    /// Contents that are followed at a time; beyond that the coldest are forgotten, and are not spread.
    private static let followed = 100_000
    private static let window: UInt64 = 60_000

    private struct Rate {
        var minute: UInt64
        var present = 0
        var previous = 0
        var spread = 1

        mutating func roll(to minute: UInt64) {
            guard minute > self.minute else { return }
            previous = minute == self.minute + 1 ? present : 0
            present = 0
            self.minute = minute
        }

        func perMinute(at milliseconds: UInt64) -> Int {
            let covered = HotContents.window - milliseconds % HotContents.window
            return present + previous * Int(covered) / Int(HotContents.window)
        }
    }

    private let options: Options
    private var rates: [[UInt8]: Rate] = [:]
    /// Those of `rates` that are spread, or have a rate worth telling.
    private var warm: Set<[UInt8]> = []
    /// Likes a minute at all other nodes.
    private var elsewhere: [[UInt8]: Int] = [:]

    package init(_ options: Options) { self.options = options }

    /// The other nodes have these likes a minute from now on, and none of others.
    package mutating func note(elsewhere: [[UInt8]: Int]) { self.elsewhere = elsewhere }

    /// Counts `events` on a content, and answers its spread.
    package mutating func spread(of content: [UInt8], adding events: Int, at milliseconds: UInt64) -> Int {
        guard options.maxSpread > 1 else { return 1 }
        let minute = milliseconds / HotContents.window
        if rates.count >= HotContents.followed { forgetCold(minute, milliseconds) }
        var rate = rates[content] ?? Rate(minute: minute)
        rate.roll(to: minute)
        rate.present += events
        let own = rate.perMinute(at: milliseconds)
        let likes = own + elsewhere[content, default: 0]
        while rate.spread < options.maxSpread, likes > options.rate * rate.spread { rate.spread *= 2 }
        while rate.spread > 1, likes < options.rate * rate.spread / 4 { rate.spread /= 2 }
        rates[content] = rate
        // A rate that is a small part of the threshold matters where there are many nodes.
        if rate.spread > 1 || own * 16 >= options.rate { warm.insert(content) } else { warm.remove(content) }
        return rate.spread
    }

    /// The contents that are spread now or are on the way to it.
    package mutating func warm(at milliseconds: UInt64) -> [ContentRate] {
        for content in Array(warm) { _ = spread(of: content, adding: 0, at: milliseconds) }
        return warm.compactMap { content in
            rates[content].map {
                ContentRate(content: content, spread: $0.spread, perMinute: $0.perMinute(at: milliseconds))
            }
        }
    }

    private mutating func forgetCold(_ minute: UInt64, _ milliseconds: UInt64) {
        rates = rates.filter { $0.value.spread > 1 || ($0.value.minute == minute && $0.value.present > 1) }
        if rates.count >= HotContents.followed { rates = rates.filter { $0.value.spread > 1 } }
        if rates.count >= HotContents.followed { rates = [:] }
        warm = warm.filter { rates[$0] != nil }
    }
}
