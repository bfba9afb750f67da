/// What speaks against a like: the strongest signal, in units of what suffices to hold it.
struct Evidence: Sendable {
    private(set) var reason = AbuseReason.user
    private(set) var score = 0.0

    mutating func take(_ reason: AbuseReason, _ score: Double) {
        if score > self.score { (self.reason, self.score) = (reason, score) }
    }

    /// What is known of the user, this like included.
    mutating func take(_ user: UserState, _ thresholds: AbuseThresholds, second: UInt32) {
        if user.heldUntil > second { take(.user, 1) }
        take(.rate, Double(user.rate / thresholds.likesPerMinute))
        take(.scattered, min(user.addressCount / thresholds.addresses, Double(user.hops) / thresholds.hops))
        take(.scattered, user.blockCount / thresholds.blocksAtAnyPace)
        if let variation = user.rhythm.variation(least: thresholds.leastBeats) {
            take(.regular, Double(thresholds.variation / max(variation, 0.01)))
        }
        if user.toggles >= thresholds.userToggles,
            Float(user.toggles) >= thresholds.userToggleShare * Float(user.likes)
        {
            take(.toggling, 1)
        }
    }
}

extension SourceThreshold {
    /// How surprising so many are where so many were expected, in units of this threshold; 0 where they are too few.
    func score(seen: Double, expected: Double) -> Double {
        guard seen >= users, seen >= excess * expected else { return 0 }
        return Surprise.ratio(seen: seen, expected: expected) / surprise
    }
}
