// Where requests come from, for what goes by addresses of callers: rate limits and judgements on likes.

/// Finds the address that a request came from.
package final class RequestOrigins: Sendable {
    private let proxies: TrustedProxies
    /// Whether anybody goes by addresses of callers. Otherwise none is looked for.
    let isAsked: Bool

    package init(proxies: TrustedProxies, isAsked: Bool) {
        self.proxies = proxies
        self.isAsked = isAsked
    }

    /// The same, for one event loop: no two cores then count references to one object.
    func copy() -> RequestOrigins {
        RequestOrigins(proxies: TrustedProxies(proxies.ranges.map(\.self)), isAsked: isAsked)
    }

    /// Whether X-Forwarded-For may mean something.
    var readsForwardedFor: Bool { isAsked && !proxies.ranges.isEmpty }

    /// Where a request came from: what trusted proxies say, else the connection's other end.
    func address(peer: NetworkAddress, forwardedFor field: UnsafeRawBufferPointer?) -> NetworkAddress {
        readsForwardedFor ? proxies.caller(peer: peer, forwardedFor: field) : peer
    }

    /// Whether an address can be that of the person who likes: not that of a proxy, nor this machine's own, where a proxy or
    /// a backend was not told of.
    func isPersons(_ address: NetworkAddress) -> Bool {
        !address.isLoopback && address != NetworkAddress(high: 0, low: 0) && !proxies.contains(address)
    }
}

extension NetworkAddress {
    /// Whether it is this machine's own: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool { isV4 ? (low >> 24) & 0xff == 127 : high == 0 && low == 1 }
}
