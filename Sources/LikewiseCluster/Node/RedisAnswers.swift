// The first answers to writes with an idempotency key, for all nodes: one key each in Redis, `likewise:i:<key>`, for as long
// as the window. Lost with Redis, a repeated request is carried out again, and changes nothing, since nothing counts twice.

package import LikewiseEngine

/// First answers in Redis.
package struct RedisAnswers: SharedAnswers {
    private let client: RedisClient
    private let clock: any EngineClock

    package init(_ client: RedisClient, clock: any EngineClock) {
        self.client = client
        self.clock = clock
    }

    private static func key(_ key: [UInt8]) -> [UInt8] { Array("likewise:i:".utf8) + key }

    package func find(_ key: [UInt8]) async -> StoredAnswer? {
        let answer = await client.send(RedisCommand([Array("GET".utf8), Self.key(key)], key: 1))
        guard case .success(let value) = answer, let bytes = value.bytes, bytes.count >= 16 else { return nil }
        func number(_ offset: Int) -> UInt64 {
            bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        }
        guard number(8) > clock.milliseconds() else { return nil }
        return StoredAnswer(key: key, fingerprint: number(0), expires: number(8), payload: Array(bytes[16...]))
    }

    package func store(_ answer: StoredAnswer) async {
        let now = clock.milliseconds()
        guard answer.expires > now else { return }
        var value: [UInt8] = []
        for number in [answer.fingerprint, answer.expires] {
            withUnsafeBytes(of: number.littleEndian) { value.append(contentsOf: $0) }
        }
        value += answer.payload
        // The first stays. One that Redis does not take is known to this node alone.
        _ = await client.send(
            RedisCommand(
                [
                    Array("SET".utf8), Self.key(answer.key), value, Array("NX".utf8), Array("PX".utf8),
                    Array(String(answer.expires - now).utf8),
                ], key: 1))
    }
}
