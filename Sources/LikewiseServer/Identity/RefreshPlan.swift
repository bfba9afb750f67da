/// When the keys of an issuer are fetched. Without I/O and without a clock; moments are milliseconds of any clock that
/// only rises.
package struct RefreshPlan: Sendable {
    /// Milliseconds between two fetches, at least, whoever asks for them.
    package static let spacing: UInt64 = 30_000

    private let interval: UInt64
    private var began: UInt64?
    private var hasFailed = false

    /// - Parameter interval: milliseconds between two fetches on schedule.
    package init(interval: UInt64) { self.interval = max(interval, RefreshPlan.spacing) }

    /// Whether the schedule asks for a fetch. After one that failed it does so sooner.
    package func isDue(at now: UInt64) -> Bool {
        guard let began else { return true }
        return now &- began >= (hasFailed ? RefreshPlan.spacing : interval)
    }

    /// Whether a token whose key is not known may ask for a fetch.
    package func mayFetch(at now: UInt64) -> Bool {
        began.map { now &- $0 >= RefreshPlan.spacing } ?? true
    }

    /// A fetch begins.
    package mutating func begin(at now: UInt64) { began = now }

    /// The fetch that began last has ended.
    package mutating func end(succeeded: Bool) { hasFailed = !succeeded }
}
