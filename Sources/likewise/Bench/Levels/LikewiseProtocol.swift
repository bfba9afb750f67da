/// A like by `POST /v1/likes`.
package struct LikewiseCaller: CallerProtocol {
    private let head: [UInt8]

    /// A caller of the server at `port`.
    package init(port: UInt16) {
        head = Array(
            "POST /v1/likes HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\nContent-Length: "
                .utf8)
    }

    package mutating func begin(user: Int, output: inout [UInt8]) {
        let body = #"{"content_id":"\#(LoadNames.content)","user_id":"\#(LoadNames.user(user))"}"#
        output.append(contentsOf: head)
        output.append(contentsOf: "\(body.utf8.count)\r\n\r\n\(body)".utf8)
    }

    package mutating func receive(_ input: inout ReplyBuffer, output: inout [UInt8]) -> CallerProgress {
        guard let answer = HTTPAnswer.take(from: &input) else { return .waiting }
        switch answer.status {
        case 200: return .counted
        case 409: return .alreadyLiked
        default: return .refused("likewise answered \(answer.status): \(answer.body)")
        }
    }
}

/// An answer over HTTP/1.1 whose length is in `Content-Length`, as all of Likewise's plain answers are.
package struct HTTPAnswer: Equatable {
    package var status: Int
    package var body: String

    package init(status: Int, body: String) {
        self.status = status
        self.body = body
    }

    /// The first answer in `input`, taken out of it; nil while it is incomplete.
    package static func take(from input: inout ReplyBuffer) -> HTTPAnswer? {
        let rest = input.rest
        guard let end = endOfHead(rest) else { return nil }
        let status = number(rest[(rest.startIndex + min(9, rest.count))..<end])
        guard let length = contentLength(rest[..<end]), rest.count >= end - rest.startIndex + length else { return nil }
        let body = String(decoding: rest[end..<(end + length)], as: UTF8.self)
        input.drop(end - rest.startIndex + length)
        return HTTPAnswer(status: status, body: body)
    }

    private static func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        guard bytes.count >= mark.count else { return nil }
        for start in bytes.startIndex...(bytes.endIndex - mark.count)
        where bytes[start] == mark[0] && bytes[start..<(start + mark.count)].elementsEqual(mark) {
            return start + mark.count
        }
        return nil
    }

    private static func contentLength(_ head: ArraySlice<UInt8>) -> Int? {
        let name = Array("content-length:".utf8)
        for line in head.split(separator: UInt8(ascii: "\n")) where line.count > name.count {
            // ASCII letters only differ from their capitals in one bit.
            if zip(line, name).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) {
                return number(line.dropFirst(name.count).drop { $0 == UInt8(ascii: " ") })
            }
        }
        return nil
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        var value = 0
        for byte in bytes {
            guard byte >= 0x30 && byte <= 0x39 else { break }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}
