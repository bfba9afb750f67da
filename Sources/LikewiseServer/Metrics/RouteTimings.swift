// Durations of requests by call and class of status, and likes by outcome. Made at the start, so that the hot path looks
// nothing up.

import LikewiseCore
import LikewiseEngine
import Metrics

/// Counters and timers of the HTTP interface. A class, so that passing it on copies nothing that all event loops share.
package final class RouteTimings: Sendable {
    private static let names = [
        "like", "unlike", "count", "count_batch", "bulk", "hold", "release", "status", "user_likes", "content_likes",
        "content_put", "content_get", "content_delete", "top", "live", "health_live", "health_ready", "metrics",
        "openapi",
        "index", "held_list", "held_get", "held_release", "held_reject", "held_hold", "none",
    ]

    private let timers: [String: [Metrics.Timer]]
    private let likeTimers: [Metrics.Timer]
    private let unlikeTimers: [Metrics.Timer]
    private let countTimers: [Metrics.Timer]
    private let batchTimers: [Metrics.Timer]
    private let outcomes: [Metrics.Counter]

    package init() {
        func timersByClass(_ route: String) -> [Metrics.Timer] {
            (1...5).map { hundred in
                Metrics.Timer(
                    label: "likewise_http_request", dimensions: [("route", route), ("status", "\(hundred)xx")],
                    preferredDisplayUnit: .seconds)
            }
        }
        timers = Dictionary(uniqueKeysWithValues: RouteTimings.names.map { ($0, timersByClass($0)) })
        likeTimers = timers["like"] ?? []
        unlikeTimers = timers["unlike"] ?? []
        countTimers = timers["count"] ?? []
        batchTimers = timers["count_batch"] ?? []
        outcomes = ["liked", "changed", "unliked", "unchanged", "refused", "held", "released", "rejected"].map {
            Metrics.Counter(label: "likewise_likes", dimensions: [("outcome", $0)])
        }
    }

    func record(_ kind: HotKind, _ outcome: Outcome, nanoseconds: UInt64) {
        let timers: [Metrics.Timer]
        switch kind {
        case .like: timers = likeTimers
        case .unlike: timers = unlikeTimers
        case .count, .countUnlessPrivate, .countOfUser, .sight: timers = countTimers
        case .countBatch: timers = batchTimers
        }
        let isChange = timers.first === likeTimers.first || timers.first === unlikeTimers.first
        if isChange { record(outcome) }
        let hundred =
            switch outcome.status {
            case .done: isChange && !outcome.changed ? 4 : 2
            case .contentNotFound, .rateLimited: 4
            default: 5
            }
        timers[hundred - 1].recordNanoseconds(Int64(clamping: nanoseconds))
    }

    func recordBatch(nanoseconds: UInt64) { batchTimers[1].recordNanoseconds(Int64(clamping: nanoseconds)) }

    /// Counts what an intent to like or unlike came to.
    func record(_ outcome: Outcome) {
        outcomes[RouteTimings.index(outcome.status, old: outcome.old, new: outcome.new)].increment()
    }

    /// Counts a like that its judge refused.
    func recordRefusal() { outcomes[4].increment() }

    /// Counts likes that an operator released, rejected or held back.
    func record(_ action: Route.HeldAction, _ count: Int) {
        switch action {
        case .release: outcomes[6].increment(by: count)
        case .reject: outcomes[7].increment(by: count)
        case .hold: outcomes[5].increment(by: count)
        }
    }

    /// Counts what the intents of a bulk intake came to.
    func record(_ all: [BriefOutcome]) {
        var sums = [Int](repeating: 0, count: outcomes.count)
        for outcome in all { sums[RouteTimings.index(outcome.status, old: outcome.old, new: outcome.new)] += 1 }
        for (sum, counter) in zip(sums, outcomes) where sum > 0 { counter.increment(by: sum) }
    }

    /// Which of `outcomes` counts it.
    private static func index(_ status: Outcome.Status, old: Reaction, new: Reaction) -> Int {
        if status != .done { return 4 }
        if old == new { return 3 }
        if new.isHeld { return 5 }
        if old == .none { return 0 }
        return new == .none ? 2 : 1
    }

    package func record(route: String, status: Int, nanoseconds: UInt64) {
        guard let byClass = timers[route], status >= 100, status < 600 else { return }
        byClass[status / 100 - 1].recordNanoseconds(Int64(clamping: nanoseconds))
    }
}
