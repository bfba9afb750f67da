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
        let rest = input.rest
        guard let head = rest.withUnsafeBytes({ HTTPHead(scanning: $0) }), rest.count >= head.totalBytes else {
            return .waiting
        }
        let body = rest.dropFirst(head.headBytes).prefix(head.bodyBytes)
        defer { input.drop(head.totalBytes) }
        switch head.status {
        case 200: return .counted
        case 409: return .alreadyLiked
        default: return .refused("likewise answered \(head.status): \(String(decoding: body, as: UTF8.self))")
        }
    }
}
