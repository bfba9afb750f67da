import ArgumentParser

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Ends a command with a sentence on standard error that says what is wrong and what to do.
struct Failure: Error {
    /// Prints the sentence and answers the error that ends the process with code 1.
    static func exit(_ message: String) -> ExitCode {
        LogSink.standardError.write(Array("error: \(message)\n".utf8))
        return ExitCode(1)
    }
}

/// Progress of a long command, on standard error: one line that is rewritten on a terminal, a line every few seconds
/// elsewhere. With a bar and an estimate where the end is known.
struct Progress {
    private let what: String
    private let total: UInt64?
    private let began = ContinuousClock.now
    private let isTerminal = isatty(2) == 1
    private var last = ContinuousClock.now

    /// The progress of counting `what`, up to about `total` where that is known.
    init(_ what: String, total: UInt64? = nil) {
        self.what = what
        self.total = total
    }

    /// Shows `count`, now and then.
    mutating func show(_ count: UInt64) {
        guard isDue() else { return }
        guard let total, total > 0 else { return write("\(what): \(count)") }
        let tell = isTerminal ? ProgressEstimate.line : ProgressEstimate.text
        write(tell(what, "\(count)", Double(count), Double(total), last - began))
    }

    /// Shows `text`, now and then.
    mutating func show(_ text: @autoclosure () -> String) {
        if isDue() { write("\(what): \(text())") }
    }

    private mutating func isDue() -> Bool {
        let now = ContinuousClock.now
        guard now - last > (isTerminal ? .milliseconds(200) : .seconds(5)) else { return false }
        last = now
        return true
    }

    private func write(_ line: String) {
        LogSink.standardError.write(Array((isTerminal ? "\r\u{1b}[K\(line)" : "\(line)\n").utf8))
    }

    /// Ends the line.
    func end() {
        if isTerminal { LogSink.standardError.write(Array("\r\u{1b}[K".utf8)) }
    }
}
