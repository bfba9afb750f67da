import Foundation

/// A value that threads change and wait for. Tests wait for what happens and never for time to pass; the time limits are
/// only there so that a test that fails ends.
package final class Monitor<Value>: @unchecked Sendable {
    /// Guards `value`.
    private let condition = NSCondition()
    private var value: Value

    package init(_ value: Value) { self.value = value }

    /// Runs `body` on the value, and wakes those who wait for it.
    @discardableResult
    package func update<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&value)
    }

    /// Waits until `find` finds something in the value; nil where it has not within `seconds`.
    package func wait<Result>(seconds: Double, for find: (Value) -> Result?) -> Result? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = find(value) { return found }
            guard condition.wait(until: deadline) else { return find(value) }
        }
    }
}

/// Threads that each do one piece of work. They are threads, and no tasks, because they block.
package final class Crew<Result: Sendable>: Sendable {
    private let results: Monitor<[Int: Swift.Result<Result, any Error>]>
    private let count: Int

    /// Starts `count` threads; each is told its number, from 0.
    package init(_ count: Int, _ work: @escaping @Sendable (Int) throws -> Result) {
        let results = Monitor<[Int: Swift.Result<Result, any Error>]>([:])
        self.results = results
        self.count = count
        for index in 0..<count {
            Thread.detachNewThread {
                let result = Swift.Result { try work(index) }
                results.update { $0[index] = result }
            }
        }
    }

    /// Waits for all threads; their results by number. Throws what the first that failed threw.
    package func finish(seconds: Double = 300) throws -> [Result] {
        let done = results.wait(seconds: seconds) { $0.count == count ? $0 : nil }
        guard let done else { throw CrewIsLate(seconds: seconds) }
        return try (0..<count).compactMap { try done[$0]?.get() }
    }
}

package struct CrewIsLate: Error {
    package var seconds: Double
}
