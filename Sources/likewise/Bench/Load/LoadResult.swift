/// What a load came to.
package struct LoadResult: Sendable {
    /// Kinds of requests that are counted apart, at most.
    package static let mostKinds = 4
    /// What is counted as a status: 0 for a request that was never answered.
    private static let statuses = 600

    /// Answers with status 200.
    package private(set) var good = 0
    /// Other answers, and requests that were not answered.
    package private(set) var bad = 0
    /// From the first request to the last answer that counts.
    package var seconds = 0.0
    /// Of all answers.
    package private(set) var latencies = Latencies()
    /// Answers by kind and status.
    private var counts = [UInt64](repeating: 0, count: LoadResult.mostKinds * LoadResult.statuses)
    private var latenciesByKind: [Latencies] = []

    /// Nothing yet. Latencies of each of several `kinds` are kept apart.
    package init(kinds: Int = 1) {
        if kinds > 1 { latenciesByKind = Array(repeating: Latencies(), count: kinds) }
    }

    /// Answers with status 200 a second.
    package var rate: Double { seconds > 0 ? Double(good) / seconds : 0 }

    /// Takes an answer in.
    package mutating func record(_ kind: Int, status: Int, nanoseconds: UInt64) {
        if status == 200 { good += 1 } else { bad += 1 }
        counts[kind * LoadResult.statuses + (1..<LoadResult.statuses ~= status ? status : 0)] += 1
        latencies.record(nanoseconds: nanoseconds)
        if !latenciesByKind.isEmpty { latenciesByKind[kind].record(nanoseconds: nanoseconds) }
    }

    /// Takes a request in that was never answered.
    package mutating func record(lost kind: Int) {
        bad += 1
        counts[kind * LoadResult.statuses] += 1
    }

    /// Takes in what failed of `late`, and nothing else of it.
    package mutating func addFailures(of late: LoadResult) {
        bad += late.bad
        for place in counts.indices where place % LoadResult.statuses != 200 { counts[place] += late.counts[place] }
    }

    /// How often each status came in answer to requests of a kind; 0 stands for no answer.
    package func statuses(of kind: Int) -> [Int: UInt64] {
        let start = kind * LoadResult.statuses
        var found: [Int: UInt64] = [:]
        for status in 0..<LoadResult.statuses where counts[start + status] > 0 {
            found[status] = counts[start + status]
        }
        return found
    }

    /// The latencies of a kind.
    package func latencies(of kind: Int) -> Latencies {
        latenciesByKind.isEmpty ? latencies : latenciesByKind[kind]
    }
}
