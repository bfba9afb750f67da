// Answers as HTTP/1.1 bytes, appended to a buffer, for what does not pass through the full stack.

import LikewiseAPI
import LikewiseEngine
import NIOCore

struct ResponseEncoder {
    private let clock: any EngineClock
    private var dateSecond: UInt64 = .max
    private var date: [UInt8] = []

    init(clock: any EngineClock) { self.clock = clock }

    private mutating func refreshDate() {
        let second = clock.milliseconds() / 1000
        guard second != dateSecond else { return }
        dateSecond = second
        date = Array("date: \(HTTPDate.string(second))\r\n".utf8)
    }

    /// The heads that hot answers have.
    enum Head {
        case ok
        case okPublic
        case problem(status: Int)

        var line: StaticString {
            switch self {
            case .ok: "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
            case .okPublic:
                """
                HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                cache-control: public, max-age=5, stale-while-revalidate=10\r\n
                """
            case .problem(404):
                """
                HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n
                """
            case .problem(409):
                """
                HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n
                """
            case .problem:
                """
                HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
                cache-control: no-store\r\nretry-after: 1\r\n
                """
            }
        }
    }

    mutating func append(
        _ head: Head, etag: String? = nil, body: UnsafeRawBufferPointer, to buffer: inout ByteBuffer
    ) {
        refreshDate()
        let line = head.line
        buffer.writeBytes(UnsafeRawBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount))
        if let etag {
            buffer.writeStaticString("etag: ")
            buffer.writeString(etag)
            buffer.writeStaticString("\r\n")
        }
        buffer.writeBytes(date)
        buffer.writeStaticString("content-length: ")
        appendNumber(body.count, to: &buffer)
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeBytes(body)
    }

    /// Any answer, with the connection closed after it.
    mutating func appendClosing(_ response: APIResponse, reason: StaticString, to buffer: inout ByteBuffer) {
        refreshDate()
        buffer.writeString("HTTP/1.1 \(response.status) ")
        buffer.writeStaticString(reason)
        buffer.writeString("\r\ncontent-type: \(response.contentType)\r\ncache-control: no-store\r\n")
        for (name, value) in response.headers { buffer.writeString("\(name): \(value)\r\n") }
        buffer.writeBytes(date)
        buffer.writeString("connection: close\r\ncontent-length: \(response.body.count)\r\n\r\n")
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
