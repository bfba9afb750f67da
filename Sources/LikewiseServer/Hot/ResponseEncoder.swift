// Answers as HTTP/1.1 bytes, appended to a buffer, for what does not pass through the full stack.

import LikewiseAPI
import LikewiseEngine

struct ResponseEncoder {
    private let clock: any EngineClock
    /// The fields of every answer.
    private let lines: String
    /// What limits say; nil where there are none.
    private let limits: RateLimitTexts?
    private var dateSecond: UInt64 = .max
    /// What every head ends with: the fields of every answer, Date, and the empty line.
    private var end: [UInt8] = []

    init(clock: any EngineClock, fields: AnswerFields, limits: RateLimitTexts? = nil) {
        self.clock = clock
        lines = fields.lines
        self.limits = limits
    }

    private mutating func refreshEnd() {
        let second = clock.milliseconds() / 1000
        guard second != dateSecond else { return }
        dateSecond = second
        end = Array("\(lines)Date: \(HTTPDate.string(second))\r\n\r\n".utf8)
    }

    /// The heads that hot answers have.
    enum Head {
        case ok
        case okPublic
        case problem(status: Int)

        var line: StaticString {
            switch self {
            case .ok: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
            case .okPublic:
                """
                HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                Cache-Control: public, max-age=5, stale-while-revalidate=10\r\n
                """
            case .problem(403):
                """
                HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n
                """
            case .problem(404):
                """
                HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n
                """
            case .problem(409):
                """
                HTTP/1.1 409 Conflict\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n
                """
            case .problem:
                """
                HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n\
                Cache-Control: no-store\r\nRetry-After: 1\r\n
                """
            }
        }
    }

    mutating func append(
        _ head: Head, tag: UnsafeRawBufferPointer? = nil, standing: RateLimitStanding? = nil,
        body: UnsafeRawBufferPointer, to buffer: inout GrowingBytes
    ) {
        refreshEnd()
        buffer.put(head.line)
        if let standing, let limits { limits.append(standing, to: &buffer) }
        if let tag {
            buffer.put("ETag: ")
            buffer.put(tag)
            buffer.put("\r\n")
        }
        put(body, to: &buffer)
    }

    /// The answer to a call that a limit refused.
    mutating func append(_ refusal: RateLimitRefusal, to buffer: inout GrowingBytes) {
        guard let limits else { return }
        refreshEnd()
        buffer.put(
            """
            HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n
            """)
        limits.append(refusal, to: &buffer)
        limits.withProblem(refusal) { put($0, to: &buffer) }
    }

    /// The last fields of a head, and the body.
    private func put(_ body: UnsafeRawBufferPointer, to buffer: inout GrowingBytes) {
        buffer.put("Content-Length: ")
        buffer.put(decimal: UInt64(body.count))
        buffer.put("\r\n")
        end.withUnsafeBytes { buffer.put($0) }
        buffer.put(body)
    }

    /// Any answer, with the connection closed after it.
    mutating func appendClosing(_ response: APIResponse, reason: StaticString, to buffer: inout GrowingBytes) {
        refreshEnd()
        put("HTTP/1.1 \(response.status) ", to: &buffer)
        buffer.put(reason)
        put("\r\nContent-Type: \(response.contentType)\r\nCache-Control: no-store\r\n", to: &buffer)
        for (name, value) in response.headers { put("\(name): \(value)\r\n", to: &buffer) }
        put("Connection: close\r\nContent-Length: \(response.body.count)\r\n", to: &buffer)
        end.withUnsafeBytes { buffer.put($0) }
        response.body.withUnsafeBytes { buffer.put($0) }
    }

    private func put(_ text: String, to buffer: inout GrowingBytes) {
        var text = text
        text.withUTF8 { buffer.put(UnsafeRawBufferPointer($0)) }
    }
}
