// What was sent on one connection and has no answer yet. Redis answers in the order of the commands, so this is a queue;
// its entries are runs of commands that one call sent together, so that a call of a thousand commands costs one entry.

import NIOCore

/// The runs of one connection, oldest first.
package struct RedisPipeline<Owner> {
    private struct Run {
        let owner: Owner
        let count: Int
        /// Commands answered.
        var answered: Int
        /// Nanoseconds on the monotonic clock.
        let deadline: UInt64
    }

    /// What a command's answer belongs to.
    package struct Answered {
        /// Who sent the run.
        package let owner: Owner
        /// Whether the run has all of its answers.
        package let isLast: Bool
    }

    private var runs = CircularBuffer<Run>()

    /// A connection on which nothing was sent.
    package init() {}

    /// Whether all is answered.
    package var isEmpty: Bool { runs.isEmpty }

    /// Notes that `count` commands of `owner` were sent, to be answered by `deadline`.
    package mutating func add(_ owner: Owner, count: Int, deadline: UInt64) {
        precondition(count > 0, "a run has at least one command")
        runs.append(Run(owner: owner, count: count, answered: 0, deadline: deadline))
    }

    /// Takes note of one answer; nil where none was due.
    package mutating func answer() -> Answered? {
        guard let first = runs.first else { return nil }
        if first.answered + 1 == first.count {
            runs.removeFirst()
            return Answered(owner: first.owner, isLast: true)
        }
        runs[runs.startIndex].answered += 1
        return Answered(owner: first.owner, isLast: false)
    }

    /// The earliest deadline of a run that is not answered.
    package var earliestDeadline: UInt64? {
        runs.lazy.map(\.deadline).min()
    }

    /// Removes all, oldest first: the connection is closed. What is late at `now` is told apart from what is not.
    package mutating func removeAll(at now: UInt64) -> [(owner: Owner, isLate: Bool)] {
        defer { runs.removeAll() }
        return runs.map { ($0.owner, $0.deadline <= now) }
    }
}
