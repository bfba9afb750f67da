import LikewiseCore

/// A like or an unlike as the detector sees it: hashes under its seed.
package struct JudgedLike: Sendable {
    var user: UInt64
    var content: UInt64
    var client: UInt64
    var address: UInt64
    var block: UInt64
    package var isUnlike: Bool
}

/// Makes what is judged from what a caller sent, under a secret seed, so that nobody can prepare ids that fall together.
package struct AbuseKeys: Sendable {
    private let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    package func like(
        user: UnsafeRawBufferPointer, content: UnsafeRawBufferPointer, address: NetworkAddress,
        client: UnsafeRawBufferPointer, isUnlike: Bool
    ) -> JudgedLike {
        JudgedLike(
            user: Hash64.of(user, seed: seed), content: Hash64.of(content, seed: seed ^ 1),
            client: Hash64.of(client, seed: seed ^ 2), address: key(address.subscriber, seed ^ 3),
            block: key(address.block, seed ^ 4), isUnlike: isUnlike)
    }

    private func key(_ address: NetworkAddress, _ seed: UInt64) -> UInt64 {
        Hash64.combine(Hash64.combine(seed, address.high), address.low ^ seed)
    }
}

extension NetworkAddress {
    /// The block that it is in, of the size that goes to one holder: /24 of IPv4, /48 of IPv6.
    package var block: NetworkAddress {
        isV4 ? NetworkAddress(high: high, low: low & ~0xff) : NetworkAddress(high: high & ~0xffff, low: 0)
    }
}
