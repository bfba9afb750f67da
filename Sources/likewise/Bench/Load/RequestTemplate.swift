/// A request whose bytes stay the same but for a number in it, which goes up by one from request to request.
package struct RequestTemplate: RequestSource, Sendable {
    /// The bytes to send.
    package private(set) var bytes: [UInt8]
    /// Where the number's digits are; empty where the request never changes.
    private let digits: Range<Int>

    /// `target` is sent as it is; in `body`, `#` stands for the number, which has ten digits so that the length stays.
    package init(_ method: String, _ target: String, body: String? = nil) {
        let zeros = "0000000000"
        var text = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        guard let body else {
            bytes = Array((text + "\r\n").utf8)
            digits = 0..<0
            return
        }
        let parts = body.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let filled = parts.joined(separator: zeros)
        text += "Content-Type: application/json\r\nContent-Length: \(filled.utf8.count)\r\n\r\n"
        bytes = Array((text + filled).utf8)
        let start = text.utf8.count + (parts.first?.utf8.count ?? 0)
        digits = parts.count == 2 ? start..<start + zeros.count : 0..<0
    }

    package var kind: Int { 0 }
    package var kindCount: Int { 1 }

    /// Makes it the next request.
    package mutating func advance() {
        for i in digits.reversed() {
            if bytes[i] != UInt8(ascii: "9") {
                bytes[i] += 1
                return
            }
            bytes[i] = UInt8(ascii: "0")
        }
    }
}
