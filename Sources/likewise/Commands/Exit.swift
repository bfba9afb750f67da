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
/// elsewhere.
struct Progress {
    private let what: String
    private let isTerminal = isatty(2) == 1
    private var last = ContinuousClock.now

    init(_ what: String) { self.what = what }

    /// Shows `count`, now and then.
    mutating func show(_ count: UInt64) { show("\(count)") }

    /// Shows `text`, now and then.
    mutating func show(_ text: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard now - last > (isTerminal ? .milliseconds(200) : .seconds(5)) else { return }
        last = now
        let line = "\(what): \(text())"
        LogSink.standardError.write(Array((isTerminal ? "\r\u{1b}[K\(line)" : "\(line)\n").utf8))
    }

    /// Ends the line.
    func end() {
        if isTerminal { LogSink.standardError.write(Array("\r\u{1b}[K".utf8)) }
    }
}
