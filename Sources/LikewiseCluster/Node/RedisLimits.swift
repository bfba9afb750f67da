// Rate limits that all nodes count together: the rule of `RateLimit` as a script, by the clock of Redis, so that no two nodes
// have to agree on the time. One key for whom a limit counts, `likewise:g:{<tag>}:<128 bits of a hash>`, whose value is the
// microsecond at which he would come next at the allowed rate; it expires when that has passed, and says nothing then.

import LikewiseCore
package import LikewiseEngine
import Metrics

/// The limits in Redis.
package struct RedisLimits: SharedLimits {
    private let client: RedisClient
    private let now: (@Sendable () -> UInt64)?
    private let errors = Metrics.Counter(label: "likewise_rate_limit_fallbacks")

    /// - Parameter now: microseconds since 1970 to go by; nil for the clock of Redis.
    package init(_ client: RedisClient, now: (@Sendable () -> UInt64)? = nil) {
        self.client = client
        self.now = now
    }

    /// Arguments: the time, or 0 for the server's; then for each key interval and period. All in microseconds, as the
    /// answers are: 0 where one passes, else how long until one would. A clock that was set back keeps nobody waiting for
    /// longer than he who has used up all that he may.
    private static let takeScript = RedisScript(
        """
        local now = tonumber(ARGV[1])
        if now == 0 then
          local time = redis.call('TIME')
          now = time[1] * 1000000 + time[2]
        end
        local answers = {}
        for place, key in ipairs(KEYS) do
          local interval, period = tonumber(ARGV[2 * place]), tonumber(ARGV[2 * place + 1])
          local latest = now + period
          local arrival = math.min(tonumber(redis.call('GET', key) or 0), latest)
          local next = math.max(arrival, now) + interval
          if next <= latest then
            arrival = next
            answers[place] = 0
          else
            answers[place] = next - latest
          end
          redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
        end
        return answers
        """)

    /// Arguments: for each key its interval in microseconds.
    private static let giveBackScript = RedisScript(
        """
        for place, key in ipairs(KEYS) do
          local arrival = redis.call('GET', key)
          if arrival then
            redis.call('SET', key, string.format('%.0f', tonumber(arrival) - tonumber(ARGV[place])), 'KEEPTTL')
          end
        end
        return 0
        """)

    package func take(_ limits: [SharedLimit]) async -> [UInt64?] {
        guard !limits.isEmpty else { return [] }
        let groups = groups(limits)
        let now = now?() ?? 0
        let commands = groups.map { indices in
            command(Self.takeScript, limits, indices, first: [now]) { limit in
                let interval = (limit.limit.interval + 999) / 1_000
                return [interval, interval * limit.limit.count]
            }
        }
        var waits = [UInt64?](repeating: nil, count: limits.count)
        for (indices, answer) in zip(groups, await client.send(commands)) {
            guard case .success(let value) = answer, let elements = value.elements, elements.count == indices.count
            else {
                errors.increment(by: indices.count)
                continue
            }
            for (index, element) in zip(indices, elements) {
                waits[index] = element.number.map { UInt64(max(0, $0)) * 1_000 }
            }
        }
        return waits
    }

    package func giveBack(_ limits: [SharedLimit]) {
        guard !limits.isEmpty else { return }
        let commands = groups(limits).map { indices in
            command(Self.giveBackScript, limits, indices, first: []) { [($0.limit.interval + 999) / 1_000] }
        }
        // Where Redis does not take it he has one less, until its time has passed.
        client.send(commands) { _ in }
    }

    /// The places of the limits, by the commands that may hold them together.
    private func groups(_ limits: [SharedLimit]) -> [[Int]] {
        client.grouped(limits.map { Self.key(of: $0) }).flatMap { group in
            stride(from: 0, to: group.count, by: RedisClient.keysPerScript).map {
                Array(group[$0..<min(group.count, $0 + RedisClient.keysPerScript)])
            }
        }
    }

    private func command(
        _ script: RedisScript, _ limits: [SharedLimit], _ indices: [Int], first: [UInt64],
        _ arguments: (SharedLimit) -> [UInt64]
    ) -> RedisCommand {
        let words = (first + indices.flatMap { arguments(limits[$0]) }).map { String($0) }
        var writer = RedisCommandWriter(
            calling: script, keys: indices.count, arguments: words.count,
            capacity: indices.count * 64 + words.count * 24)
        for index in indices { writer.appendKey(Self.key(of: limits[index])) }
        for word in words { writer.append(word) }
        return writer.command
    }

    private static func key(of limit: SharedLimit) -> [UInt8] {
        var key = Array("likewise:g:".utf8)
        RedisTag.append(limit.low, to: &key)
        key.append(UInt8(ascii: ":"))
        RegisterText.append(limit.high, digits: 16, to: &key)
        RegisterText.append(limit.low, digits: 16, to: &key)
        return key
    }
}
