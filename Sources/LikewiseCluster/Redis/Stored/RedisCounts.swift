// Absolute counts for reading, one key a content, `likewise:c:{<tag>}:<content>`; and the lease of who may fill one that is missing.
// A lost write heals with the next one, a repeated or late one changes nothing.

package import LikewiseCore
package import LikewiseEngine
import NIOCore

/// The counts that Redis keeps.
package struct RedisCounts: Sendable {
    /// How long a content is kept that the ledger does not know: milliseconds. Somebody may like it any moment.
    static let unknownExpiry: UInt64 = 60_000

    private let client: RedisClient
    private let reactions: ReactionSet
    private let expiry: UInt64
    private let assumedCost: UInt64
    private let clock: any EngineClock

    /// Counts are forgotten `expiry` (±10 %, so that those written together do not go together) after they were last
    /// written. `assumedCost` is what early refresh reckons with where a writer did not measure what the ledger takes.
    package init(
        _ client: RedisClient, reactions: ReactionSet, expiry: Duration = .seconds(3_600),
        assumedCost: Duration = .milliseconds(5), clock: any EngineClock = SystemClock()
    ) {
        self.client = client
        self.reactions = reactions
        self.expiry = max(10, expiry.wholeNanoseconds / 1_000_000)
        self.assumedCost = assumedCost.wholeNanoseconds / 1_000
        self.clock = clock
    }

    /// Writes each count, unless Redis holds a later one. For each: whether it was written. Not durable on return.
    package func put(_ counts: [CachedCount]) async -> [Result<Bool, RedisError>] {
        let now = clock.milliseconds()
        return await client.call(
            Self.putScript, on: counts.map { Self.key(of: $0.content) },
            with: counts.map { count in
                let usual = count.number == 0 ? min(Self.unknownExpiry, expiry) : expiry
                let life = UInt64(Double(usual) * .random(in: 0.9...1.1))
                var count = count
                count.expires = now + life
                if count.cost == 0 { count.cost = assumedCost }
                return [Array(String(count.asOf).utf8), count.text(reactions), Array(String(life).utf8)]
            })
    }

    /// What Redis holds of each content, in their order; nil where it holds nothing, or nothing that this node understands.
    package func get(_ contents: [[UInt8]]) async -> [Result<CachedCount?, RedisError>] {
        let values = await client.values(of: contents.map { Self.key(of: $0) })
        return zip(contents, values).map { content, result in
            result.map { $0.flatMap { read($0, content) } }
        }
    }

    private func read(_ value: ByteBuffer, _ content: [UInt8]) -> CachedCount? {
        CachedCount(content: content, text: Array(value.readableBytesView), reactions)
    }

    // MARK: Leases

    /// What an attempt to take a lease came to.
    package enum LeaseAnswer: Sendable {
        /// Ours, and the count is missing still.
        case taken
        /// Somebody else is at it.
        case held
        /// The count is there.
        case filled(CachedCount)
    }

    /// Tries to take the lease of each content under the name `token`, for `milliseconds` at most. Whoever finds the count
    /// filled meanwhile has no lease.
    package func takeLeases(
        _ contents: [[UInt8]], token: [UInt8], milliseconds: UInt64, evenIfFilled: Bool = false
    ) async -> [Result<LeaseAnswer, RedisError>] {
        var commands: [RedisCommand] = []
        let time = Array(String(milliseconds).utf8)
        for content in contents {
            let words = [
                Array("SET".utf8), Self.leaseKey(of: content), token, Array("NX".utf8), Array("PX".utf8), time,
            ]
            commands.append(RedisCommand(words, key: 1))
            // Same slot, same connection: it is read after the lease was taken, so that a count which the holder before us
            // has written is seen.
            commands.append(RedisCommand([Array("GET".utf8), Self.key(of: content)], key: 1))
        }
        let answers = await client.send(commands)
        var filledWithLease: [[UInt8]] = []
        let results = contents.indices.map { index -> Result<LeaseAnswer, RedisError> in
            switch (answers[2 * index], answers[2 * index + 1]) {
            case (.failure(let error), _): return .failure(error)
            case (.success(let lease), let value):
                let isOurs = lease != .null
                let buffer = evenIfFilled ? nil : (try? value.get())?.buffer
                if let count = buffer.flatMap({ read($0, contents[index]) }) {
                    if isOurs { filledWithLease.append(contents[index]) }
                    return .success(.filled(count))
                }
                return .success(isOurs ? .taken : .held)
            }
        }
        if !filledWithLease.isEmpty { await releaseLeases(filledWithLease, token: token) }
        return results
    }

    /// Gives back what is still held under the name `token`. Where that fails the lease runs out by itself.
    package func releaseLeases(_ contents: [[UInt8]], token: [UInt8]) async {
        _ = await client.call(
            Self.releaseScript, on: contents.map { Self.leaseKey(of: $0) }, with: contents.map { _ in [token] })
    }

    // MARK: Keys and scripts

    /// Where the count of a content is.
    package static func key(of content: [UInt8]) -> [UInt8] {
        key("likewise:c:", content)
    }

    /// Where its lease is: in the same slot.
    package static func leaseKey(of content: [UInt8]) -> [UInt8] {
        key("likewise:l:", content)
    }

    private static func key(_ kind: String, _ content: [UInt8]) -> [UInt8] {
        var key = Array(kind.utf8)
        key.reserveCapacity(key.count + 6 + content.count)
        RedisTag.append(Hash64.of(content, seed: 0), to: &key)
        key.append(UInt8(ascii: ":"))
        key += content
        return key
    }

    /// Three arguments a key: microseconds, value, milliseconds.
    private static let putScript = RedisScript(
        """
        local taken, written = {}, {}
        local all = redis.call('MGET', unpack(KEYS))
        for i = 1, #KEYS do
          local held = written[KEYS[i]] or all[i]
          local asOf = held and tonumber(string.match(held, '^%d+'))
          if asOf and asOf > tonumber(ARGV[3 * i - 2]) then
            taken[i] = 0
          else
            redis.call('SET', KEYS[i], ARGV[3 * i - 1], 'PX', ARGV[3 * i])
            written[KEYS[i]] = ARGV[3 * i - 1]
            taken[i] = 1
          end
        end
        return taken
        """)

    /// One argument a key: the token.
    private static let releaseScript = RedisScript(
        """
        local released = {}
        for i = 1, #KEYS do
          released[i] = 0
          if redis.call('GET', KEYS[i]) == ARGV[i] then released[i] = redis.call('DEL', KEYS[i]) end
        end
        return released
        """)
}
