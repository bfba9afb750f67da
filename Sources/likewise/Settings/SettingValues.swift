// Values and kinds that belong to single settings.

internal import LikewiseCore
package import LikewiseServer

/// Whether a content has to be registered before it can be liked.
package enum ContentMode: String, CaseIterable, Sendable {
    case open
    case strict
}

/// When the event log is synced.
package enum SyncSetting: Hashable, Sendable {
    /// Before every answer.
    case always
    /// At this interval: a crash of the machine may take the answers given since the last one.
    case interval(Duration)
}

extension SettingKind where Value == SyncSetting {
    /// `always`, or `interval=` and a time of 1 ms to 60 s.
    package static var sync: Self {
        let accepts = "always, or interval= and a time from 1ms to 60s, such as interval=250ms"
        return Self(accepts, placeholder: "always|interval=<time>") { text in
            if text == "always" { return .always }
            guard text.hasPrefix("interval="), let time = DurationText.parse(String(text.dropFirst(9))) else {
                return nil
            }
            return (.milliseconds(1)...(.seconds(60))).contains(time) ? .interval(time) : nil
        }
    }
}

extension SettingKind where Value == RateLimitPolicy {
    /// `none`, or limits such as `user-content=10/1m` with commas between them, one of each kind at most.
    package static var rateLimit: Self {
        let kinds = RateLimitKind.allCases.map(\.name).joined(separator: ", ")
        let accepts =
            "none, or limits of \(kinds), such as user-content=10/1m,address=600/1m: a number in a time up to 30d"
        return Self(accepts, placeholder: "none|<limit,…>") { text in
            var policy = RateLimitPolicy()
            if text == "none" { return policy }
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let sides = part.split(separator: "=", omittingEmptySubsequences: false)
                guard sides.count == 2, let kind = RateLimitKind(name: sides[0]), policy[kind] == nil,
                    let limit = RateLimit(text: sides[1])
                else { return nil }
                policy[kind] = limit
            }
            return policy
        }
    }
}

extension SettingKind where Value == RateLimit? {
    /// `none`, or a number in a time, such as `60/1m`.
    static var callRate: Self {
        Self("none, or a number in a time up to 30d, such as 60/1m", placeholder: "none|<number>/<time>") { text in
            if text == "none" { return .some(nil) }
            return RateLimit(text: text[...]).map { .some($0) }
        }
    }
}

extension RateLimit {
    /// `10/1m`; nil for any other text.
    fileprivate init?(text: Substring) {
        let rate = text.split(separator: "/", omittingEmptySubsequences: false)
        guard rate.count == 2, !rate[0].hasPrefix("+"), let count = UInt64(rate[0]),
            let period = DurationText.parse(String(rate[1]))
        else { return nil }
        self.init(count, in: period.nanoseconds)
    }
}

extension SettingKind where Value == TrustedProxies {
    /// Addresses and ranges with commas between them.
    package static var proxies: Self {
        let accepts = "none, or addresses and ranges with commas between them, such as 10.0.0.0/8,2001:db8::1"
        return Self(accepts, placeholder: "none|<range,…>") { text in
            if text == "none" { return TrustedProxies() }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let ranges = parts.compactMap { NetworkRange($0) }
            return ranges.count == parts.count ? TrustedProxies(ranges) : nil
        }
    }
}

extension SettingKind where Value == [String] {
    /// A set of reactions as `ReactionSet` takes it.
    package static var reactions: Self {
        .names("1 to \(Reaction.limit) different names of 1–32 of a-z 0-9 _ -, with commas between, like among them") {
            names in (try? ReactionSet(names)) != nil
        }
    }
}

/// Which hosts only this machine can reach.
package enum Loopback {
    /// Whether `host` is 127.0.0.0/8, ::1 or localhost. Other names are not looked up, and count as reachable.
    package static func covers(_ host: String) -> Bool {
        let host = host.lowercased()
        if ["localhost", "::1", "[::1]"].contains(host) { return true }
        // A sign is no part of an address, and what has one is a name that somebody looks up.
        guard host.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return false
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && !parts.contains(nil) && parts[0] == 127
    }
}
