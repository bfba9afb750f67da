// Answers as HTTP/1.1 bytes, appended to a buffer, for what does not pass through the full stack.

import LikewiseAPI
import LikewiseEngine
import NIOCore

struct ResponseEncoder {
    private let clock: any EngineClock
    private var dateSecond: UInt64 = .max
    /// The Date field, the last of every head, and the empty line.
    private var date: [UInt8] = []

    init(clock: any EngineClock) { self.clock = clock }

    private mutating func refreshDate() {
        let second = clock.milliseconds() / 1000
        guard second != dateSecond else { return }
        dateSecond = second
        date = Array("Date: \(HTTPDate.string(second))\r\n\r\n".utf8)
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
        _ head: Head, tag: UnsafeRawBufferPointer? = nil, body: UnsafeRawBufferPointer, to buffer: inout ByteBuffer
    ) {
        refreshDate()
        let line = head.line
        buffer.writeBytes(UnsafeRawBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount))
        if let tag {
            buffer.writeStaticString("ETag: ")
            buffer.writeBytes(tag)
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("Content-Length: ")
        appendNumber(body.count, to: &buffer)
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(date)
        buffer.writeBytes(body)
    }

    /// Any answer, with the connection closed after it.
    mutating func appendClosing(_ response: APIResponse, reason: StaticString, to buffer: inout ByteBuffer) {
        refreshDate()
        buffer.writeString("HTTP/1.1 \(response.status) ")
        buffer.writeStaticString(reason)
        buffer.writeString("\r\nContent-Type: \(response.contentType)\r\nCache-Control: no-store\r\n")
        for (name, value) in response.headers { buffer.writeString("\(name): \(value)\r\n") }
        buffer.writeString("Connection: close\r\nContent-Length: \(response.body.count)\r\n")
        buffer.writeBytes(date)
        buffer.writeBytes(response.body)
    }

    private func appendNumber(_ value: Int, to buffer: inout ByteBuffer) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { p in
            var at = 20
            var rest = value
            repeat {
                at -= 1
                p[at] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: p[at..<20]))
        }
    }
}
