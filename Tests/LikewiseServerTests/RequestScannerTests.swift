import LikewiseServer
import Testing

@Suite("Request scanner")
struct RequestScannerTests {
    private static let maxHeadBytes = 16 << 10

    private func scan(_ bytes: [UInt8], maxHeadBytes: Int = RequestScannerTests.maxHeadBytes) -> HeadScan {
        bytes.withUnsafeBytes { RequestScanner(maxHeadBytes: maxHeadBytes).scan($0) }
    }

    private func scan(_ text: String) -> HeadScan { scan(Array(text.utf8)) }

    private func plainHead(_ text: String) -> ScannedHead? {
        if case .head(let head) = scan(text) { head } else { nil }
    }

    // MARK: Plain heads

    struct Plain: Sendable, CustomTestStringConvertible {
        var text: String
        var method: ScannedHead.Method
        var target: String
        var contentLength = 0
        var isHot = true
        var isJSON = true
        var expectsContinue = false
        var isLast = false
        var testDescription: String { text.debugDescription }
    }

    @Test(
        "A plain head is found with all that the hot calls need of it",
        arguments: [
            Plain(text: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", method: .get, target: "/"),
            Plain(text: "GET /a?b=c#d HTTP/1.1\r\nhost:a\r\n\r\n", method: .get, target: "/a?b=c#d"),
            Plain(
                text: "POST /v1/likes HTTP/1.1\r\nHOST: a\r\ncontent-length: 12\r\n\r\n", method: .post,
                target: "/v1/likes", contentLength: 12),
            Plain(
                text: "DELETE /v1/likes HTTP/1.1\r\nContent-Length:\t7 \t\r\nHost: a\r\n\r\n", method: .delete,
                target: "/v1/likes", contentLength: 7),
            Plain(
                text: "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 000000000000005\r\n\r\n", method: .post,
                target: "/x", contentLength: 5),
            Plain(
                text: "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: APPLICATION/json ; charset=utf-8\r\n\r\n",
                method: .post, target: "/x"),
            Plain(
                text: "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\r\n", method: .post, target: "/x",
                isJSON: false),
            Plain(
                text: "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type:\r\n\r\n", method: .post, target: "/x",
                isJSON: false),
            Plain(text: "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", method: .get, target: "/x"),
            Plain(text: "GET /x HTTP/1.1\r\nHost: a\r\nX-Note: \u{e9}\r\n\r\n", method: .get, target: "/x"),
            Plain(text: "GET /x HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09aZ: 1\r\n\r\n", method: .get, target: "/x"),
            Plain(text: "GET /x HTTP/1.1\r\nHost: a\r\nEmpty:\r\n\r\n", method: .get, target: "/x"),
        ])
    func plain(_ plain: Plain) throws {
        let head = try #require(plainHead(plain.text))
        let bytes = Array(plain.text.utf8)
        #expect(head.length == bytes.count)
        #expect(head.method == plain.method)
        #expect(String(decoding: bytes[head.target], as: UTF8.self) == plain.target)
        #expect(head.contentLength == plain.contentLength)
        #expect(head.isHot == plain.isHot)
        #expect(head.isJSON == plain.isJSON)
        #expect(head.expectsContinue == plain.expectsContinue)
        #expect(!head.isLast)
    }

    @Test("A head ends where it ends, whatever follows it")
    func follows() throws {
        let first = "POST /v1/likes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
        let head = try #require(plainHead(first + "{}GET / HTTP/1.1\r\n\r\n"))
        #expect(head.length == first.utf8.count)
    }

    @Test(
        "A head that asks for more than the hot calls do is plain, and not hot",
        arguments: [
            "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", "PUT /x HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n",
            "POST /x HTTP/1.1\r\nHost: a\r\nIdempotency-Key: x\r\n\r\n",
            "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n",
        ])
    func notHot(_ text: String) throws {
        let head = try #require(plainHead(text))
        #expect(!head.isHot)
        #expect(head.length == text.utf8.count)
        #expect(head.expectsContinue == text.contains("Expect"))
    }

    @Test(
        "A head that closes the connection, or may, is the last one that is scanned",
        arguments: [
            ("Connection: close", true), ("connection: CLOSE", true), ("Connection: keep-alive, close", true),
            ("Connection: upgrade", true), ("Connection:", true), ("Proxy-Connection: close", true),
            ("Connection: keep-alive", false), ("Connection: Keep-Alive", false),
            ("Connection: keep-alive\r\nConnection: close", true),
        ])
    func last(_ field: String, isLast: Bool) throws {
        let head = try #require(plainHead("GET /x HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n"))
        #expect(head.isLast == isLast)
        #expect(head.isHot == !isLast)
    }

    // MARK: Irregular ones

    @Test(
        "What is not plain is left to the full parser",
        arguments: [
            // Line ends.
            "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
            // Folded lines.
            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            // The request line.
            "GET  / HTTP/1.1\r\n\r\n", "GET /  HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "GET\t/ HTTP/1.1\r\n\r\n",
            "GET /\tHTTP/1.1\r\n\r\n", "GET /HTTP/1.1\r\n\r\n", "GET HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n", "GET / http/1.1\r\n\r\n", "GET / HTTP/1.12\r\n\r\n", "GET /\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n",
            "GET /\u{0} HTTP/1.1\r\n\r\n", "GET /\u{7f} HTTP/1.1\r\n\r\n", "GET /\u{e9} HTTP/1.1\r\n\r\n",
            "G@T / HTTP/1.1\r\n\r\n", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
            // Field names.
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n",
            "GET / HTTP/1.1\r\n: a\r\n\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\nA B: c\r\n\r\n",
            "GET / HTTP/1.1\r\nA(b): c\r\n\r\n", "GET / HTTP/1.1\r\nA\u{e9}: c\r\n\r\n",
            "GET / HTTP/1.1\r\nA\u{0}: c\r\n\r\n", "GET / HTTP/1.1\r\n\"A\": c\r\n\r\n",
            // Field values.
            "GET / HTTP/1.1\r\nA: b\u{0}c\r\n\r\n", "GET / HTTP/1.1\r\nA: b\u{1}\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\u{7f}\r\n\r\n", "GET / HTTP/1.1\r\nA: b\u{b}\r\n\r\n",
            // Where the body ends.
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 1 1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1.0\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: identity\r\nContent-Length: 1\r\n\r\n",
            // What changes the protocol.
            "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", "POST / HTTP/1.1\r\nExpect: 200-ok\r\n\r\n",
        ])
    func irregular(_ text: String) {
        #expect(scan(text) == .irregular)
    }

    // MARK: Bounds

    @Test("A head is taken up to the bound of its fields, and refused above it, whole or not")
    func manyFields() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\n"
        let plain = start + String(repeating: "A: b\r\n", count: RequestScanner.maxFields - 1) + "\r\n"
        #expect(plainHead(plain)?.length == plain.utf8.count)
        let above = start + String(repeating: "A: b\r\n", count: RequestScanner.maxFields)
        #expect(scan(above) == .tooLarge)
        #expect(scan(above + "\r\n") == .tooLarge)
    }

    @Test("A head is partial until its last byte, and the same head then, wherever it was cut")
    func partial() {
        let text =
            "POST /v1/likes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: 44\r\nX: y\r\n\r\n"
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count { #expect(scan(Array(bytes[..<count])) == .partial, "\(count) bytes") }
        let whole = scan(bytes)
        #expect(whole != .partial)
        for extra in 1...44 { #expect(scan(bytes + [UInt8](repeating: 0x7b, count: extra)) == whole) }
    }

    @Test("Nothing is partial")
    func nothing() {
        #expect(scan([]) == .partial)
        #expect(RequestScanner(maxHeadBytes: 16).scan(UnsafeRawBufferPointer(start: nil, count: 0)) == .partial)
    }

    @Test("A head is taken up to its bound, and refused above it, whole or not", arguments: [256, 4096])
    func tooLarge(_ bound: Int) {
        func text(_ count: Int) -> [UInt8] {
            let start = "GET / HTTP/1.1\r\nHost: a\r\nFill: "
            let fill = String(repeating: "x", count: count - start.utf8.count - 4)
            return Array((start + fill + "\r\n\r\n").utf8)
        }
        guard case .head(let head) = scan(text(bound), maxHeadBytes: bound) else {
            Issue.record("a head of \(bound) bytes was refused")
            return
        }
        #expect(head.length == bound)
        #expect(scan(text(bound + 1), maxHeadBytes: bound) == .tooLarge)
        #expect(scan(Array(text(2 * bound)[..<bound]), maxHeadBytes: bound) == .tooLarge)
        #expect(scan(Array(text(2 * bound)[..<(bound - 1)]), maxHeadBytes: bound) == .partial)
    }

    @Test("A target is taken up to its bound, and refused above it, whole or not")
    func longTarget() {
        func text(_ count: Int) -> String {
            "GET /" + String(repeating: "x", count: count - 1) + " HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        let bound = RequestScanner.maxTargetBytes
        #expect(plainHead(text(bound))?.target.count == bound)
        #expect(scan(text(bound + 1)) == .targetTooLong)
        let begun = Array("GET /".utf8) + [UInt8](repeating: 0x78, count: bound + 64)
        #expect(scan(begun) == .targetTooLong)
        #expect(scan(Array(begun[..<bound])) == .partial)
    }

    @Test("A body bound is not the scanner's: any length of up to 15 digits is told as it is")
    func longBody() {
        let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999\r\n\r\n"
        #expect(plainHead(text)?.contentLength == 999_999_999_999_999)
    }
}
