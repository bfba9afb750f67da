package import Logging

/// A swift-log handler that makes one line of each event, readable or JSON, and gives it to a sink.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let sink: LogSink
    private let now: @Sendable () -> LogTime

    /// A handler for the logger called `label`; `now` is the wall clock.
    package init(
        label: String, format: LogFormat, level: Logger.Level, sink: LogSink,
        now: @escaping @Sendable () -> LogTime = LogTime.now
    ) {
        self.label = label
        self.format = format
        self.sink = sink
        self.now = now
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata
        // The nearer wins: the provider over the logger, the call over both.
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        if let error = event.error { fields["error"] = "\(error)" }
        let line = LogLine(
            time: now(), level: event.level, label: label, message: event.message.description,
            fields: fields.sorted { $0.key < $1.key })
        sink.write(format == .json ? line.json() : line.text(coloured: sink.isColoured))
    }
}
