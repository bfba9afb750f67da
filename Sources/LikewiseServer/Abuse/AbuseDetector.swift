// Whether a like is to be counted.
//
// Each like is measured by a few signals, each in units of what suffices to hold it; the strongest decides. The main one is
// the surprise of a content's likes from one source: with n likes on a content, of which a source that has a share s of all
// likes should give n·s, how unlikely are as many users as came? A carrier with a thousand people behind an address has
// a share to match, so its people are expected; a farm's address or block is not. What is held is not counted into the
// shares, so a farm does not become usual by going on.
//
// Who is held for a strong reason is held for all that he likes, the last likes that were counted included, and a source
// most of whose users are held is held whole: so the first likes of a farm, and those that it gives popular contents to look
// alive, follow those that gave it away.

import LikewiseCore

/// Judges likes in bounded memory. For one thread at a time.
package struct AbuseDetector: Sendable {
    /// After which time half of what was seen is forgotten.
    private static let halfLifeSeconds: UInt32 = 172_800
    /// How long a user is held.
    private static let userHeldSeconds: UInt32 = 604_800

    package let bounds: AbuseBounds
    package let thresholds: AbuseThresholds

    /// Users by content and source.
    private var pairs: CountMin<UInt16>
    /// Likes by user and content.
    private var marks: CountMin<UInt16>
    /// Unlikes, and likes after them, by user and content. Apart from the likes, which would make ghosts of them.
    private var unlikes: CountMin<UInt16>
    /// Likes that were counted, by content, address, block and client.
    private var totals: CountMin<UInt32>
    private var users: UserTable
    private var addresses: SourceTable
    private var blocks: SourceTable
    private var spread: ContentSpread
    private var recent: RecentLikes
    /// Likes that were counted, in all, and users' first toggles of a content.
    private var all = 0.0
    private var toggles = 0.0
    private var agedAt: UInt32 = 0
    /// The time of the first like, from which all are counted, and the latest since.
    private var origin: Int64?
    private var latest: Int64 = 0

    package init(bounds: AbuseBounds = AbuseBounds(), thresholds: AbuseThresholds = AbuseThresholds()) {
        (self.bounds, self.thresholds) = (bounds, thresholds)
        pairs = CountMin(width: bounds.pairs)
        marks = CountMin(width: bounds.pairs)
        unlikes = CountMin(width: bounds.pairs / AbuseBounds.pairsPerUnlike)
        totals = CountMin(width: bounds.totals)
        users = UserTable(capacity: bounds.users)
        addresses = SourceTable(capacity: bounds.sources)
        blocks = SourceTable(capacity: bounds.sources)
        spread = ContentSpread(capacity: bounds.contents)
        recent = RecentLikes(capacity: bounds.recentLikes)
    }

    /// Bytes that it takes up.
    package var bytes: Int {
        pairs.bytes + marks.bytes + unlikes.bytes + totals.bytes + users.bytes + addresses.bytes + blocks.bytes
            + spread.bytes
            + recent.bytes
    }

    /// Judges a like. `milliseconds`: of a clock that never goes back. An unlike is only noted: it is always counted, since
    /// a user may take back what he gave.
    package mutating func judge(_ like: JudgedLike, milliseconds: Int64) -> Judgement {
        // Several threads may come a little out of order.
        if origin == nil { origin = milliseconds }
        let milliseconds = max(milliseconds - (origin ?? 0), latest)
        latest = milliseconds
        let second = UInt32(truncatingIfNeeded: milliseconds / 1000)
        if second &- agedAt >= AbuseDetector.halfLifeSeconds { age(second) }
        let pair = Hash64.combine(like.user, like.content)
        guard !like.isUnlike else {
            unlikes.add(AbuseDetector.unliked(pair))
            return Judgement(verdict: .count, score: 0, ticket: 0)
        }
        prefetch(like, pair)
        let place = users.place(of: like.user, second: second)
        addresses.prefetchNote(like.address)
        blocks.prefetchNote(like.block)
        spread.prefetchNote(like.content)
        users[place].add(address: like.address, block: like.block, milliseconds: milliseconds)
        var evidence = Evidence()
        let isFirst = marks.add(pair) == 1
        let toggle = isFirst ? 0 : noteToggle(pair)
        if toggle > 0 { users[place].toggles += 1 }
        if users[place].rate >= thresholds.refusedPerMinute {
            return Judgement(verdict: .refuse(.rate), score: Double(users[place].rate), ticket: 0)
        }
        evidence.take(users[place], thresholds, second: second)
        let ofContent = Double(totals.count(like.content))
        if toggle > 0 { takeToggle(toggle, like, ofContent: ofContent, &evidence) }
        if isFirst { takeSources(like, ofContent: ofContent, &evidence) }
        takeState(like, users[place], milliseconds: milliseconds, &evidence)
        let isHeld = evidence.score >= 1
        let ticket = recent.append(
            RecentLike(
                user: like.user, content: like.content, address: like.address, block: like.block, client: like.client,
                isHeld: isHeld))
        guard isHeld else {
            count(like)
            return Judgement(verdict: .count, score: evidence.score, ticket: ticket)
        }
        var judgement = Judgement(verdict: .hold(evidence.reason), score: evidence.score, ticket: ticket)
        follow(like, place, evidence.reason, second, &judgement.alsoHold)
        return judgement
    }

    /// Asks for all memory that a like needs at once: one wait instead of a dozen, and they are most of what a like costs.
    @inline(__always)
    private func prefetch(_ like: JudgedLike, _ pair: UInt64) {
        users.prefetch(like.user)
        marks.prefetch(pair)
        unlikes.prefetch(AbuseDetector.unliked(pair))
        totals.prefetch(like.content)
        totals.prefetch(like.address)
        totals.prefetch(like.block)
        totals.prefetch(like.client)
        pairs.prefetch(Hash64.combine(like.content, like.address))
        pairs.prefetch(Hash64.combine(like.content, like.block))
        pairs.prefetch(Hash64.combine(like.content, like.client))
        addresses.prefetch(like.address)
        blocks.prefetch(like.block)
        spread.prefetch(like.content)
        recent.prefetch(like.user)
        recent.prefetch(like.address)
        recent.prefetch(like.block)
    }

    // MARK: Signals

    /// The key under which the unlikes of a pair are counted, and that of likes after them.
    private static func unliked(_ pair: UInt64) -> UInt64 { ~pair }
    private static func toggled(_ pair: UInt64) -> UInt64 { Hash64.combine(pair, 1) }

    /// How many likes of a pair came after an unlike of it, this one included; 0 if this one did not.
    private mutating func noteToggle(_ pair: UInt64) -> Int {
        let taken = unlikes.count(AbuseDetector.unliked(pair)) - unlikes.noise
        guard taken > 0, unlikes.count(AbuseDetector.toggled(pair)) < taken else { return 0 }
        return unlikes.add(AbuseDetector.toggled(pair))
    }

    private mutating func takeToggle(_ toggle: Int, _ like: JudgedLike, ofContent: Double, _ evidence: inout Evidence) {
        evidence.take(.toggling, Double(toggle) / Double(thresholds.pairToggles))
        if toggle == 1 { toggles += 1 }
        // Each user once, so that a few who cannot make up their minds do not make a content look abused.
        let key = AbuseDetector.toggled(like.content)
        let seen = Double((toggle == 1 ? pairs.add(key) : pairs.count(key)) - pairs.noise)
        let share = (toggles + 10) / max(all, thresholds.warmUp)
        evidence.take(.toggling, thresholds.toggling.score(seen: seen, expected: (ofContent + 1) * share))
    }

    /// How surprising it is that so many users came to this content from there.
    private mutating func takeSources(_ like: JudgedLike, ofContent: Double, _ evidence: inout Evidence) {
        let noise = Double(pairs.noise)
        let usersPerBlock = spread.add(like.content, block: like.block, least: thresholds.leastSpreadUsers)
        let narrow = usersPerBlock.flatMap { blocks.narrow(like.block, usersPerBlock: $0, thresholds) }
        func take(_ reason: AbuseReason, _ source: UInt64, _ threshold: SourceThreshold) {
            let seen = Double(pairs.add(Hash64.combine(like.content, source))) - noise
            guard all >= thresholds.warmUp, seen >= min(threshold.users, thresholds.narrow.users) else { return }
            // Without those that it is compared with; one each for what is not known yet.
            let others = max(0, ofContent - seen) + 1
            let total = Double(totals.count(source))
            let expected = others * (max(0, total - seen) + 1) / all
            if all >= thresholds.sharesWarmUp {
                evidence.take(reason, threshold.score(seen: seen, expected: expected))
            }
            guard let narrow, seen >= narrow.least * total else { return }
            evidence.take(.spread, narrow.threshold.score(seen: seen, expected: expected))
        }
        take(.address, like.address, thresholds.address)
        take(.block, like.block, thresholds.block)
        take(.client, like.client, thresholds.client)
    }

    /// What is known of where it comes from.
    private mutating func takeState(
        _ like: JudgedLike, _ user: UserState, milliseconds: Int64, _ evidence: inout Evidence
    ) {
        let beats = thresholds.leastBeats * 2
        let address = addresses.add(like.address, like, milliseconds: milliseconds, leastBeats: beats)
        if let variation = address.variation {
            evidence.take(.regular, Double(thresholds.variation / max(variation, 0.01)))
        }
        let block = blocks.add(like.block, like, milliseconds: milliseconds, leastBeats: beats)
        // Of a block that is held, the addresses from which nothing was held may be neighbours.
        let isHeld = address.isHeld || (block.isHeld && address.hasHeld)
        if isHeld, !user.isKnownElsewhere(than: like.block) { evidence.take(.source, 1) }
    }

    private mutating func count(_ like: JudgedLike) {
        all += 1
        totals.add(like.content)
        totals.add(like.address)
        totals.add(like.block)
        totals.add(like.client)
    }

    // MARK: What a hold brings with it

    /// Holds what belongs to a like that is held.
    private mutating func follow(
        _ like: JudgedLike, _ place: Int, _ reason: AbuseReason, _ second: UInt32, _ found: inout [UInt64]
    ) {
        let limit = AbuseBounds.mostHeldAtOnce
        switch reason {
        case .address:
            users[place].strikes += thresholds.strikes / 2
            recent.hold(.address, of: like.address, into: &found, limit: limit) { $0.content == like.content }
        case .block, .spread:
            users[place].strikes += reason == .spread ? thresholds.strikes : thresholds.strikes / 2
            recent.hold(.block, of: like.block, into: &found, limit: limit) { $0.content == like.content }
        case .scattered, .regular, .rate: users[place].strikes += thresholds.strikes
        case .client: users[place].strikes += thresholds.strikes / 2
        case .toggling:
            recent.hold(.user, of: like.user, into: &found, limit: limit) { $0.content == like.content }
            return
        case .user, .source: break
        }
        if users[place].strikes >= thresholds.strikes {
            users[place].heldUntil = second + AbuseDetector.userHeldSeconds
            recent.hold(.user, of: like.user, into: &found, limit: limit) { _ in true }
        }
        guard reason != .source else { return }
        if addresses.hold(like.address, like, second: second) {
            recent.hold(.address, of: like.address, into: &found, limit: limit) { $0.client == like.client }
        }
        if blocks.hold(like.block, like, second: second) {
            recent.hold(.block, of: like.block, into: &found, limit: limit) { $0.client == like.client }
        }
    }

    private mutating func age(_ second: UInt32) {
        agedAt = second
        pairs.halve()
        marks.halve()
        unlikes.halve()
        totals.halve()
        addresses.halve()
        blocks.halve()
        spread.halve()
        all /= 2
        toggles /= 2
    }
}
