// Values and kinds that belong to single settings.

internal import LikewiseCore

/// Whether a content has to be registered before it can be liked.
package enum ContentMode: String, CaseIterable, Sendable {
    case open
    case strict
}

/// What `--rate-limit` may be. Limits come with identity; until then anything but `none` is refused rather than ignored.
package enum RateLimitSetting: Hashable, Sendable {
    case unlimited
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

extension SettingKind where Value == RateLimitSetting {
    /// `none` alone.
    package static var rateLimit: Self {
        Self("only none: this build has no rate limits", placeholder: "none") {
            $0 == "none" ? .unlimited : nil
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
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && !parts.contains(nil) && parts[0] == 127
    }
}
