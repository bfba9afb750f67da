// The detector at the door: what it says of a like is what becomes of it, and likes that were counted before they were
// found out are held afterwards, off the loop that found them.
//
// Those wait in a bounded list. Where it is full, the ones that came last are left out and counted: their users are held
// from then on in any case. What the engine cannot take at the moment is tried again.

package import LikewiseEngine
package import Logging
import Metrics
import Synchronization

/// Judges likes by `AbuseGuard`. `run` must go on as long as there are requests.
package final class AbuseJudge: LikeJudge {
    /// Likes that may wait to be held afterwards.
    package static let mostWaiting = 1 << 16
    /// Likes that are held in one go.
    static let mostAtOnce = 1_000
    private static let pause = Duration.seconds(1)

    private let detector: AbuseGuard
    private let clock: any EngineClock
    private let logger: Logger
    private let waiting = Mutex<[LikeName]>([])
    private let (wakeUps, wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let metrics = AbuseMetrics()

    package init(_ detector: AbuseGuard, clock: any EngineClock, logger: Logger) {
        self.detector = detector
        self.clock = clock
        self.logger = logger
    }

    package func verdict(on intent: JudgedIntent) -> LikeVerdict {
        guard let origin = intent.origin else {
            metrics.unjudged()
            return .count
        }
        let judgement = detector.judge(
            user: intent.user, content: intent.content, address: origin.address, client: origin.client,
            isUnlike: intent.isUnlike, milliseconds: Int64(clock.nanoseconds() / 1_000_000))
        if !judgement.alsoHold.isEmpty { hold(judgement.alsoHold) }
        switch judgement.verdict {
        case .count: return .count
        case .hold: return .hold
        case .refuse: return .refuse
        }
    }

    package func report() { metrics.report(detector.counts) }

    // MARK: Holding afterwards

    private func hold(_ likes: [LikeName]) {
        let left = waiting.withLock { waiting in
            let taken = likes.prefix(max(0, Self.mostWaiting - waiting.count))
            waiting += taken
            return likes.count - taken.count
        }
        if left > 0 { metrics.leftOut(left) }
        wakeUp.yield()
    }

    /// Holds what is found out afterwards, until the task is cancelled.
    package func run(_ service: LikeService) async {
        for await _ in wakeUps {
            while let likes = next() {
                if await hold(likes, by: service) { continue }
                // The engine is overloaded, or cannot write: it is given time. Cancelled, this ends at once.
                do { try await Task.sleep(for: Self.pause) } catch { return }
            }
        }
    }

    private func next() -> [LikeName]? {
        waiting.withLock { waiting in
            guard !waiting.isEmpty else { return nil }
            let likes = Array(waiting.prefix(Self.mostAtOnce))
            waiting.removeFirst(likes.count)
            return likes
        }
    }

    /// Holds these; what could not be done waits again, and then the answer is false.
    private func hold(_ likes: [LikeName], by service: LikeService) async -> Bool {
        let outcomes = await service.settle(.hold, likes.map { ($0.content, $0.user) })
        metrics.heldLater(outcomes.count { $0.status == .done && $0.changed })
        let again = zip(likes, outcomes).filter { $0.1.status != .done && $0.1.status != .contentNotFound }.map(\.0)
        guard !again.isEmpty else { return true }
        logger.debug("likes wait to be held", metadata: ["likes": "\(again.count)"])
        hold(again)
        return false
    }
}

/// What is told of judgements.
private final class AbuseMetrics: Sendable {
    private struct Told {
        var counts = AbuseCounts()
        var unjudged: UInt64 = 0
    }

    private let counted = Counter(label: "likewise_abuse_verdicts", dimensions: [("verdict", "count")])
    private let held = AbuseMetrics.counters("hold")
    private let refused = AbuseMetrics.counters("refuse")
    private let unknown = Counter(label: "likewise_abuse_unjudged")
    private let later = Counter(label: "likewise_abuse_held_later")
    private let left = Counter(label: "likewise_abuse_left_out")
    private let unjudgedCount = Atomic<UInt64>(0)
    private let told = Mutex(Told())

    private static func counters(_ verdict: String) -> [AbuseReason: Counter] {
        var counters: [AbuseReason: Counter] = [:]
        for reason in AbuseReason.allCases {
            counters[reason] = Counter(
                label: "likewise_abuse_verdicts", dimensions: [("verdict", verdict), ("reason", reason.rawValue)])
        }
        return counters
    }

    /// On the way of each like, so an atomic and no more.
    func unjudged() { unjudgedCount.wrappingAdd(1, ordering: .relaxed) }

    func heldLater(_ count: Int) { later.increment(by: count) }
    func leftOut(_ count: Int) { left.increment(by: count) }

    func report(_ counts: AbuseCounts) {
        told.withLock { told in
            counted.increment(by: counts.counted - told.counts.counted)
            for (reason, counter) in held {
                counter.increment(by: (counts.held[reason] ?? 0) - (told.counts.held[reason] ?? 0))
            }
            for (reason, counter) in refused {
                counter.increment(by: (counts.refused[reason] ?? 0) - (told.counts.refused[reason] ?? 0))
            }
            let count = unjudgedCount.load(ordering: .relaxed)
            unknown.increment(by: count - told.unjudged)
            told = Told(counts: counts, unjudged: count)
        }
    }
}
