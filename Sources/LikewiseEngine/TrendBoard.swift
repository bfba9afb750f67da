// Most liked in the last minute, hour and day.
//
// Time is cut into buckets, finer for shorter windows: 5 s for the minute, 1 min for the hour, 15 min for the day. A
// window is the sum of its whole buckets and the present one. A bucket keeps the contents that gained most in it, up to
// a bound, so the lists are exact as long as no bucket saw more contents than that; counts themselves never come from
// here.

import LikewiseCore
import Synchronization

/// A window of time over which likes are added up.
package enum TrendWindow: String, CaseIterable, Sendable {
    case minute = "1m"
    case hour = "1h"
    case day = "24h"

    /// Milliseconds.
    package var bucketLength: UInt64 {
        switch self {
        case .minute: 5_000
        case .hour: 60_000
        case .day: 900_000
        }
    }

    package var buckets: Int {
        switch self {
        case .minute: 12
        case .hour: 60
        case .day: 96
        }
    }
}

package final class TrendBoard: Sendable {
    /// Contents that a present bucket tracks before the least are dropped.
    private static let trackedContents = 4_000
    /// Contents that a shard reports at a time; where more gained, those that gained most.
    package static let reportedContents = 1_000
    /// Contents that a closed bucket keeps.
    private static let keptContents = 1_000

    private struct Ring {
        var closed: [TrendBucket] = []
        var start: UInt64 = 0
        var present: [[UInt8]: Int64] = [:]
    }

    private struct State {
        var rings: [TrendWindow: Ring] = [:]
        var unsaved: [TrendBucket] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds what contents gained, at `milliseconds` since 1970.
    package func add(_ gains: [TrendBucket.Entry], at milliseconds: UInt64) {
        state.withLock { state in
            for window in TrendWindow.allCases {
                TrendBoard.roll(&state, window, to: milliseconds)
                guard var ring = state.rings.removeValue(forKey: window) else { continue }
                for gain in gains { ring.present[gain.content, default: 0] += gain.gained }
                if ring.present.count > TrendBoard.trackedContents {
                    let kept = TrendBoard.top(ring.present, TrendBoard.trackedContents / 2)
                    ring.present = Dictionary(kept.map { ($0.content, $0.gained) }) { a, _ in a }
                }
                state.rings[window] = ring
            }
        }
    }

    /// Up to `limit` contents that gained most in the window that ends at `milliseconds`, most first.
    package func top(_ window: TrendWindow, limit: Int, at milliseconds: UInt64) -> [TrendBucket.Entry] {
        let sums = state.withLock { state in
            TrendBoard.roll(&state, window, to: milliseconds)
            var sums = state.rings[window]?.present ?? [:]
            for bucket in state.rings[window]?.closed ?? [] {
                for entry in bucket.entries { sums[entry.content, default: 0] += entry.gained }
            }
            return sums
        }
        return TrendBoard.top(sums, limit).filter { $0.gained > 0 }
    }

    /// Buckets that closed since the last call, of the windows that outlast a restart.
    package func takeUnsaved() -> [TrendBucket] {
        state.withLock { state in
            defer { state.unsaved = [] }
            return state.unsaved
        }
    }

    /// The buckets that are still open, for an orderly stop.
    package func openBuckets() -> [TrendBucket] {
        state.withLock { state in
            state.rings.compactMap { window, ring in
                window == .minute || ring.present.isEmpty ? nil : TrendBoard.bucket(ring, window)
            }
        }
    }

    /// Takes in buckets from an earlier run.
    package func restore(_ buckets: [TrendBucket], at milliseconds: UInt64) {
        state.withLock { state in
            for window in TrendWindow.allCases {
                let span = window.bucketLength * UInt64(window.buckets)
                let start = milliseconds / window.bucketLength * window.bucketLength
                var ring = Ring(start: start)
                for bucket in buckets where bucket.length == window.bucketLength && bucket.start + span > milliseconds {
                    if bucket.start >= start {
                        for entry in bucket.entries { ring.present[entry.content, default: 0] += entry.gained }
                    } else {
                        ring.closed.append(bucket)
                    }
                }
                state.rings[window] = ring
            }
        }
    }

    /// Closes the present bucket when its time is over, and drops those that left the window.
    private static func roll(_ state: inout State, _ window: TrendWindow, to milliseconds: UInt64) {
        let start = milliseconds / window.bucketLength * window.bucketLength
        var ring = state.rings.removeValue(forKey: window) ?? Ring(start: start)
        // A clock that went back stays in the present bucket until it has caught up.
        if start > ring.start {
            if !ring.present.isEmpty {
                let closed = bucket(ring, window)
                ring.closed.append(closed)
                if window != .minute { state.unsaved.append(closed) }
            }
            ring.present = [:]
            ring.start = start
            let span = window.bucketLength * UInt64(window.buckets)
            ring.closed.removeAll { $0.start + span < start }
        }
        state.rings[window] = ring
    }

    private static func bucket(_ ring: Ring, _ window: TrendWindow) -> TrendBucket {
        TrendBucket(start: ring.start, length: window.bucketLength, entries: top(ring.present, keptContents))
    }

    /// The least gain that is among the `limit` largest of `gains`, and how many that gained just this are among them;
    /// what is below need not be looked at closely.
    package static func threshold(_ gains: [Int64], limit: Int) -> (least: Int64, ofThese: Int) {
        guard gains.count > limit, limit > 0 else { return (.min, limit) }
        var rest = gains
        var wanted = limit
        // Quickselect (Hoare, "Algorithm 65: find", 1961): linear on average, however many contents gained.
        while true {
            let pivot = rest[rest.count / 2]
            let larger = rest.filter { $0 > pivot }
            if larger.count >= wanted {
                rest = larger
                continue
            }
            let equal = rest.count { $0 == pivot }
            if larger.count + equal >= wanted { return (pivot, wanted - larger.count) }
            wanted -= larger.count + equal
            rest.removeAll { $0 >= pivot }
        }
    }

    private static func top(_ sums: [[UInt8]: Int64], _ limit: Int) -> [TrendBucket.Entry] {
        let sorted = sums.sorted { a, b in
            a.value != b.value ? a.value > b.value : a.key.lexicographicallyPrecedes(b.key)
        }
        return sorted.prefix(limit).map { TrendBucket.Entry(content: $0.key, gained: $0.value) }
    }
}
