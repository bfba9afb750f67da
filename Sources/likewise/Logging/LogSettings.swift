package import Logging

/// The least level that is logged, as the setting `log-level` spells it.
package enum LogLevel: String, CaseIterable, Sendable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    /// The level as swift-log has it.
    package var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}

/// How log lines look, as the setting `log-format` spells it.
package enum LogFormat: String, CaseIterable, Sendable {
    /// Time, level, message, key=value: for people.
    case text
    /// One JSON object a line: for machines.
    case json
}

/// Logging of the whole process.
package enum Logs {
    /// Sends every logger's lines to standard error. To be called once, before the first logger is made.
    package static func bootstrap(format: LogFormat, level: LogLevel) {
        let sink = LogSink.standardError
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, format: format, level: level.level, sink: sink)
        }
    }
}
