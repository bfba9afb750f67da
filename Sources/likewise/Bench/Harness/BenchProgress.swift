// How far a long task is, on standard error: one line that is rewritten on a terminal, a line now and then elsewhere.

import Glibc
import Synchronization

/// What is left of a task, told from what is done of it.
package enum ProgressEstimate {
    /// The time left when `done` of `total` took `elapsed` and the rest goes on alike; nil while nothing is done.
    package static func left(done: Double, of total: Double, elapsed: Duration) -> Duration? {
        guard done > 0, total > 0 else { return nil }
        return elapsed * (max(0, total - done) / done)
    }

    /// The line on a task of which `done` of `total` took `elapsed`.
    package static func text(_ task: String, _ step: String, done: Double, of total: Double, elapsed: Duration)
        -> String
    {
        let share = total > 0 ? min(100, Int(done / total * 100)) : 0
        let left = left(done: done, of: total, elapsed: elapsed).map { "about \(words($0)) left" } ?? "no estimate yet"
        return "\(task): \(share) %, \(left): \(step)"
    }

    /// The line as a terminal shows it: with a bar in front.
    package static func line(_ task: String, _ step: String, done: Double, of total: Double, elapsed: Duration)
        -> String
    {
        bar(total > 0 ? done / total : 0) + " " + text(task, step, done: done, of: total, elapsed: elapsed)
    }

    /// Twenty places, of which `share` (0 ... 1) are full.
    package static func bar(_ share: Double) -> String {
        let full = Int(min(1, max(0, share)) * 20)
        return "[" + String(repeating: "#", count: full) + String(repeating: ".", count: 20 - full) + "]"
    }

    /// `45 s`, `3 min 20 s`, `2 h 5 min`.
    package static func words(_ duration: Duration) -> String {
        let seconds =
            Int(duration.components.seconds) + (duration.components.attoseconds >= 500_000_000_000_000_000 ? 1 : 0)
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds / 60 % 60) min"
    }
}

/// The progress of one task. Any thread may tell it.
final class BenchProgress: Sendable {
    private struct State {
        var step = ""
        /// Steps that are complete.
        var complete = 0.0
        /// The share of the step that is being done.
        var share = 0.0
        var shown: ContinuousClock.Instant?
    }

    private let task: String
    private let total: Double
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let started = ContinuousClock.now
    private let state = Mutex(State())

    /// The progress of `task`, which has `steps` steps that take about the same time; one that takes longer counts as
    /// several.
    init(_ task: String, steps: Double) {
        self.task = task
        total = steps
    }

    /// Begins the next step. The one before it, which counts as `size`, is complete.
    func step(_ what: String, after size: Double = 1) {
        let line = state.withLock { state in
            if !state.step.isEmpty { state.complete += size }
            state.step = what
            state.share = 0
            return text(&state, now: true)
        }
        if let line { write(line) }
    }

    /// Says that `share` (0 ... 1) of a step of `size` is done.
    func within(_ share: Double, size: Double = 1) {
        let line = state.withLock { state in
            state.share = min(1, max(0, share)) * size
            return text(&state, now: false)
        }
        if let line { write(line) }
    }

    /// Says that `share` (0 ... 1) of the only step is done, and what has come of it so far.
    func show(_ what: @autoclosure () -> String, share: Double) {
        let line = state.withLock { state in
            state.share = min(1, max(0, share)) * total
            state.step = what()
            return text(&state, now: false)
        }
        if let line { write(line) }
    }

    /// Takes the line away.
    func end() {
        if isTerminal { LogSink.standardError.write(Array("\r\u{1b}[K".utf8)) }
    }

    private func text(_ state: inout State, now isUrgent: Bool) -> String? {
        let now = ContinuousClock.now
        if let shown = state.shown, !isUrgent, now - shown < (isTerminal ? .milliseconds(200) : .seconds(5)) {
            return nil
        }
        state.shown = now
        let tell = isTerminal ? ProgressEstimate.line : ProgressEstimate.text
        return tell(task, state.step, state.complete + state.share, total, now - started)
    }

    private func write(_ line: String) {
        LogSink.standardError.write(Array((isTerminal ? "\r\(line)\u{1b}[K" : "\(line)\n").utf8))
    }
}
