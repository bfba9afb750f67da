/// What becomes of verdicts.
package enum AbuseMode: String, CaseIterable, Sendable {
    /// Nothing is judged.
    case off
    /// Likes are judged and verdicts counted, but every like counts.
    case observe
    /// Verdicts hold.
    case enforce
}

/// How many likes got which verdict.
package struct AbuseCounts: Hashable, Sendable {
    package fileprivate(set) var counted = 0
    package fileprivate(set) var held: [AbuseReason: Int] = [:]
    package fileprivate(set) var refused: [AbuseReason: Int] = [:]
    /// Likes that were counted at first and held later.
    package fileprivate(set) var heldLater = 0

    package init() {}

    mutating func take(_ judgement: Judgement) {
        switch judgement.verdict {
        case .count: counted += 1
        case .hold(let reason): held[reason, default: 0] += 1
        case .refuse(let reason): refused[reason, default: 0] += 1
        }
        heldLater += judgement.alsoHold.count
    }
}
