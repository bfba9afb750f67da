// Server-sent events (HTML Living Standard, 9.2.6): bytes in, events out, wherever the network cuts them.

/// What one event says.
package struct ServerEvent: Equatable, Sendable {
    /// What the event is called; `message` where it does not say.
    package var name: String
    /// Its `data` lines with line feeds between them.
    package var data: [UInt8]

    /// An event of this name.
    package init(name: String, data: [UInt8]) { (self.name, self.data) = (name, data) }
}

/// A stream of events in the making: a state machine without network.
package struct EventStreamParser: Sendable {
    /// Bytes of a line, and of an event's data. What is longer is no stream of counts.
    package static let mostBytes = 1 << 16

    /// A line or an event is longer than `mostBytes`.
    package struct TooLong: Error {}

    /// The id of the last event, or of a block without data that had one: what to go on by. Empty where none came.
    package private(set) var lastEventID = ""
    /// The time to wait before connecting again, where the stream has said one.
    package private(set) var retryMilliseconds: UInt64?

    private var line: [UInt8] = []
    /// Whether the last byte was a carriage return: a line feed behind it ends the same line.
    private var isBehindReturn = false
    /// Bytes of a byte order mark at the beginning that have come, of three; more than that once it is decided.
    private var marked = 0
    private var name = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var id: String?

    /// A stream of which nothing has come.
    package init() {}

    /// A new connection: what was half said on the last one is forgotten; `lastEventID` stays.
    package mutating func reconnect() {
        line.removeAll()
        (isBehindReturn, marked) = (false, 0)
        (name, data, hasData, id) = ("", [], false, nil)
    }

    /// Takes the next bytes; answers with the events that end in them.
    package mutating func take(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [ServerEvent] {
        var events: [ServerEvent] = []
        for byte in bytes {
            if isBehindReturn {
                isBehindReturn = false
                if byte == 0x0a { continue }
            }
            guard byte == 0x0a || byte == 0x0d else {
                guard line.count < EventStreamParser.mostBytes else { throw TooLong() }
                line.append(byte)
                if marked < 3 { passMark() }
                continue
            }
            isBehindReturn = byte == 0x0d
            marked = 3
            if let event = try endLine() { events.append(event) }
        }
        return events
    }

    /// A byte order mark in front of the first line is passed over.
    private mutating func passMark() {
        marked += 1
        if marked == 3, line == [0xef, 0xbb, 0xbf] { line.removeAll() }
    }

    private mutating func endLine() throws(TooLong) -> ServerEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return dispatch() }
        // A colon in front makes a comment.
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            try field(String(decoding: line, as: UTF8.self), [])
            return nil
        }
        var value = line[(colon + 1)...]
        if value.first == 0x20 { value = value.dropFirst() }
        try field(String(decoding: line[..<colon], as: UTF8.self), value)
        return nil
    }

    private mutating func field(_ field: String, _ value: ArraySlice<UInt8>) throws(TooLong) {
        switch field {
        case "event": name = String(decoding: value, as: UTF8.self)
        case "data":
            guard data.count + value.count < EventStreamParser.mostBytes else { throw TooLong() }
            if hasData { data.append(0x0a) }
            data.append(contentsOf: value)
            hasData = true
        case "id": if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
        case "retry":
            let digits = String(decoding: value, as: UTF8.self)
            if digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let milliseconds = UInt64(digits) {
                retryMilliseconds = milliseconds
            }
        default: break
        }
    }

    /// An empty line: the end of an event, or of nothing where there were no data.
    private mutating func dispatch() -> ServerEvent? {
        defer { (name, data, hasData, id) = ("", [], false, nil) }
        if let id { lastEventID = id }
        guard hasData else { return nil }
        return ServerEvent(name: name.isEmpty ? "message" : name, data: data)
    }
}
