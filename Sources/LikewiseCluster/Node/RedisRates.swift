// How many likes a minute the warm contents have at the other nodes, so that all nodes spread a content alike.

import LikewiseCore
package import LikewiseEngine

/// What nodes tell each other about rates.
package protocol RateExchange: Sendable {
    /// Tells the likes a minute that contents have at this node, and answers what they have at all others together; nil
    /// where nobody can be asked.
    func exchange(_ own: [ContentFigure]) async -> [[UInt8]: Int]?
}

/// The rates of all nodes, in Redis.
package struct RedisRates: RateExchange {
    private static let key = Array("likewise:rates".utf8)

    private let client: RedisClient
    private let totals: RedisTotals
    private let name: String

    /// `name` is this node's, and nobody else's.
    package init(_ client: RedisClient, clock: any EngineClock, name: String) {
        self.client = client
        self.name = name
        totals = RedisTotals(client: client, clock: clock)
    }

    package func exchange(_ own: [ContentFigure]) async -> [[UInt8]: Int]? {
        _ = await client.send(totals.telling(own, in: Self.key, as: name))
        return await totals.sums(in: Self.key, without: name)?.mapValues { Int(clamping: $0) }
    }
}
