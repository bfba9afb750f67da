// Rate limits that several nodes count together travel with the intents that take from them, so that whoever evaluates
// the intents can ask for all of a batch at once. On one machine there are none.

package import LikewiseCore

/// What an intent takes one from.
package struct SharedLimit: Sendable {
    /// The intent's place in its group.
    package var intent: Int
    /// The limit's kind, by the number that the server gives it.
    package var kind: UInt8
    /// Under what this node counts it by itself.
    package var local: UInt64
    /// Under what all nodes count it: 128 bits of a hash that nobody can prepare another for.
    package var high: UInt64
    package var low: UInt64
    package var limit: RateLimit

    package init(intent: Int, kind: UInt8, local: UInt64, high: UInt64, low: UInt64, limit: RateLimit) {
        (self.intent, self.kind, self.local, self.high, self.low) = (intent, kind, local, high, low)
        self.limit = limit
    }
}

extension IntentGroup {
    /// What an intent takes from shared limits.
    package func limits(of intent: Int) -> ArraySlice<SharedLimit> {
        let start = IntentGroup.first(in: sharedLimits.count) { sharedLimits[$0].intent >= intent }
        return sharedLimits[start...].prefix { $0.intent == intent }
    }

    /// Why a shared limit refused an intent; nil where none did.
    package func refusal(of intent: Int) -> SharedRefusal? {
        let place = IntentGroup.first(in: refusals.count) { refusals[$0].intent >= intent }
        return place < refusals.count && refusals[place].intent == intent ? refusals[place] : nil
    }

    /// The first of `count` places that `isBehind`, as all that follow it are; `count` where none is.
    private static func first(in count: Int, _ isBehind: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// An intent that a shared limit refused; nothing was changed.
package struct SharedRefusal: Hashable, Sendable {
    /// The intent's place in its group.
    package var intent: Int
    /// The limit's kind, by the number that the server gives it.
    package var kind: UInt8
    /// Nanoseconds until one would pass.
    package var wait: UInt64

    package init(intent: Int, kind: UInt8, wait: UInt64) {
        (self.intent, self.kind, self.wait) = (intent, kind, wait)
    }
}
