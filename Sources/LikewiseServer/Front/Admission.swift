import Metrics
import Synchronization

/// Who may have how many connections, and who says before the first byte for whom he asks.
///
/// Counts are kept for addresses with open connections alone, so that there are at most as many as there may be
/// connections. An address of IPv6 counts with its /64: a subscriber has all the rest.
final class Admission: Sendable {
    /// Connections of one address; nil: as many as there may be at all.
    private let maxPerAddress: Int?
    /// Whose connections are many callers'.
    private let proxies: TrustedProxies
    /// Whether these begin with the PROXY protocol.
    private let proxiesAnnounce: Bool
    private let open = Mutex<[NetworkAddress: Int]>([:])
    private let refused = Counter(label: "likewise_connections_refused", dimensions: [("reason", "address")])

    init(maxPerAddress: Int?, proxies: TrustedProxies, proxiesAnnounce: Bool) {
        self.maxPerAddress = maxPerAddress
        self.proxies = proxies
        self.proxiesAnnounce = proxiesAnnounce
    }

    /// Whether a connection of `peer` begins with the PROXY protocol.
    func isAnnounced(by peer: NetworkAddress) -> Bool { proxiesAnnounce && proxies.contains(peer) }

    /// A place for one more connection of `peer`, which `leave` gives back; false where there is none.
    func enter(_ peer: NetworkAddress) -> Bool {
        guard let maxPerAddress, !proxies.contains(peer) else { return true }
        let isIn = open.withLock { open in
            let count = open[peer.subscriber, default: 0]
            guard count < maxPerAddress else { return false }
            open[peer.subscriber] = count + 1
            return true
        }
        if !isIn { refused.increment() }
        return isIn
    }

    func leave(_ peer: NetworkAddress) {
        guard maxPerAddress != nil, !proxies.contains(peer) else { return }
        open.withLock { open in
            guard let count = open[peer.subscriber], count > 1 else {
                open[peer.subscriber] = nil
                return
            }
            open[peer.subscriber] = count - 1
        }
    }
}
