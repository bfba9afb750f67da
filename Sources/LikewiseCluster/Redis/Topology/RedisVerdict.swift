/// What an error answer means for the command: Redis Cluster says in it where to go instead.
package enum RedisVerdict: Hashable, Sendable {
    /// This is the result.
    case final
    /// The slot has moved for good: there from now on.
    case moved(slot: UInt16, to: RedisAddress)
    /// The slot is moving, and this key has gone already: there, this once, after ASKING.
    case ask(RedisAddress)
    /// Not now: some time later. `askWho`: and the masters may have changed.
    case later(askWho: Bool)
    /// Again with the script's text.
    case withScriptText

    /// Reads an error's first word and the rest. `asked` is who answered: a server may leave its host out.
    package init(code: String, words: String, asked: RedisAddress) {
        switch code {
        case "MOVED", "ASK":
            let parts = words.split(separator: " ")
            guard parts.count >= 2, let slot = UInt16(parts[0]), var address = RedisAddress(parts[1]) else {
                self = .final
                return
            }
            if address.host.isEmpty { address.host = asked.host }
            self = code == "ASK" ? .ask(address) : .moved(slot: slot, to: address)
        case "TRYAGAIN": self = .later(askWho: false)
        case "LOADING": self = .later(askWho: false)
        case "CLUSTERDOWN", "READONLY", "MASTERDOWN": self = .later(askWho: true)
        case "NOSCRIPT": self = .withScriptText
        default: self = .final
        }
    }
}
