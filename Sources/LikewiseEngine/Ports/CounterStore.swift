// Counts of what anonymous visitors add: there is no user, so no register that could tell a second tap from a first one. Each
// tap counts, exactly once for the request that brought it.

/// What a count is of.
package struct CounterName: Hashable, Sendable {
    /// Whose counts they are: `openheart`, `applause`.
    package var space: String
    /// The page that was reacted to.
    package var page: [UInt8]
    /// What was given: an emoji; empty where there is one kind alone.
    package var mark: [UInt8]

    package init(space: String, page: [UInt8], mark: [UInt8] = []) {
        self.space = space
        self.page = page
        self.mark = mark
    }
}

/// A count that somebody keeps.
package struct CounterReading: Hashable, Sendable {
    package var mark: [UInt8]
    package var value: UInt64

    package init(mark: [UInt8], value: UInt64) {
        self.mark = mark
        self.value = value
    }
}

/// Why nothing was counted or read.
package enum CounterFailure: Error, Hashable, Sendable {
    /// Too many calls wait.
    case overloaded
    /// There are as many counters as there may be; those there are go on.
    case tooMany
    /// The disk has no room.
    case full
    /// The disk or the file failed; whether this was counted shows when the server has started again.
    case failed
    case shuttingDown
}

/// Durable counters. Thread-safe.
package protocol CounterStore: AnyObject, Sendable {
    /// Adds `count` to a counter, which begins at 0, and answers all of its page as they then are. What is answered is durable.
    func add(_ count: UInt64, to name: CounterName) async throws(CounterFailure) -> [CounterReading]
    /// The counters of some pages, in the order asked, each page's by mark.
    func read(_ pages: [[UInt8]], of space: String) async throws(CounterFailure) -> [[CounterReading]]
    /// Counters that there are.
    var count: Int { get }
}
