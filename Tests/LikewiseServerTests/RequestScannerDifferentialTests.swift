// Two parsers look at every connection: the scanner, then NIO's. Where they would see different requests in the same
// bytes, one caller could slip a request past the other. So whenever the scanner takes a head for plain, NIO must see the
// same one, ending at the same byte. (What the scanner leaves to NIO may be anything.)

import LikewiseServer
import LikewiseTestSupport
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@Suite("Request scanner against NIO's parser")
struct RequestScannerDifferentialTests {
    private static let cases = 50_000
    private static let maxHeadBytes = 16 << 10

    /// What NIO sees at the start of some bytes.
    private struct Seen {
        var head: HTTPRequestHead
        /// Bytes that it took for the body.
        var bodyBytes: Int
        /// Whether the request is at its end.
        var isWhole: Bool
        var error: (any Error)?
    }

    /// Decodes with the bounds that the server sets.
    private func decode(_ bytes: [UInt8]) throws -> Seen? {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = RequestScannerDifferentialTests.maxHeadBytes
        limits.maxHeaderListSize = RequestScannerDifferentialTests.maxHeadBytes
        limits.maxHeaderFieldCount = 200
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)))
        var failure: (any Error)?
        do { try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { failure = error }
        guard case .head(let head)? = try channel.readInbound(as: HTTPServerRequestPart.self) else { return nil }
        var seen = Seen(head: head, bodyBytes: 0, isWhole: false, error: failure)
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head: return seen
            case .body(let body): seen.bodyBytes += body.readableBytes
            case .end: seen.isWhole = true
            }
        }
        return seen
    }

    /// How NIO differs from the scanner about the head that `bytes` begin with; nil where it does not.
    private func difference(_ bytes: [UInt8]) throws -> String? {
        let scanner = RequestScanner(maxHeadBytes: RequestScannerDifferentialTests.maxHeadBytes)
        guard case .head(let head) = bytes.withUnsafeBytes({ scanner.scan($0) }) else { return nil }
        guard head.contentLength <= 1 << 20 else { return nil }
        // The head alone: whole, and not a byte earlier.
        guard let alone = try decode(Array(bytes[..<head.length])) else { return "NIO sees no head" }
        if let error = alone.error { return "NIO rejects the head: \(error)" }
        if try decode(Array(bytes[..<(head.length - 1)])) != nil { return "NIO's head ends earlier" }
        let method = alone.head.method.rawValue
        let isSameMethod =
            switch head.method {
            case .get: method == "GET"
            case .post: method == "POST"
            case .delete: method == "DELETE"
            case .other: !["GET", "POST", "DELETE"].contains(method)
            }
        if !isSameMethod { return "NIO's method is \(method)" }
        if alone.head.uri != String(decoding: bytes[head.target], as: UTF8.self) {
            return "NIO's target is \(alone.head.uri)"
        }
        if alone.head.version != .http1_1 { return "NIO's version is \(alone.head.version)" }
        let lengths = alone.head.headers["content-length"].map { Int($0) }
        if lengths.count > 1 || (lengths.first ?? 0) != head.contentLength {
            return "NIO's content-length is \(lengths)"
        }
        if alone.isWhole != (head.contentLength == 0) { return "NIO ends the request elsewhere" }
        // The whole request with a plain one behind it: NIO must take the body that the scanner counts, and no more.
        let body = [UInt8](repeating: UInt8(ascii: "G"), count: head.contentLength)
        let next = Array("GET /next HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        guard let whole = try decode(Array(bytes[..<head.length]) + body + next) else { return "NIO sees no request" }
        if !whole.isWhole || whole.bodyBytes != head.contentLength {
            return "NIO takes \(whole.bodyBytes) bytes of \(head.contentLength) for the body"
        }
        if !head.isLast {
            if let error = whole.error { return "NIO rejects what follows: \(error)" }
            if !alone.head.isKeepAlive { return "NIO closes the connection" }
        }
        return nil
    }

    private static let methods = [
        "GET", "POST", "DELETE", "PUT", "HEAD", "PATCH", "OPTIONS", "TRACE", "PURGE", "M-SEARCH", "BREW", "PRI",
        "SOURCE", "QUERY", "get",
    ]
    private static let fields = [
        "Content-Type: application/json", "Connection: keep-alive", "Connection: close", "Accept: */*", "X: \u{e9}",
        "Transfer-Encoding: chunked", "Proxy-Connection: close", "Expect: 100-continue", "Content-Length: 3",
        "Connection: keep-alive, upgrade", "Upgrade: websocket", "If-None-Match: \"a\"", "Empty:", "A: \tb\t ",
        "Keep-Alive: timeout=5", "TE: trailers", "Trailer: a", "Content-Length : 3", "Cookie: a=b; c=d",
        "HTTP2-Settings: x", "Content_Length: 4", "Content-Lengthy: 4", "XContent-Length: 4", "Date: now",
    ]
    private static let oddBytes: [UInt8] = [
        0x00, 0x01, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x22, 0x23, 0x28, 0x2c, 0x2f, 0x3a, 0x3b, 0x3c, 0x40, 0x5b,
        0x5c,
        0x7b, 0x7c, 0x7f, 0x80, 0xa0, 0xff, 0x30, 0x31, 0x2b, 0x2d, 0x25,
    ]

    private func request(_ random: inout SeededRandom) -> [UInt8] {
        let targets = ["/", "/v1/likes", "/v1/likes/count/a?user_id=b", "/a%20b", "/a#b?c", "/\"<>{}|\\^`", "//", "/?"]
        var text = "\(random.pick(Self.methods)) \(random.pick(targets)) HTTP/1.1\r\n"
        if !random.chance(oneIn: 10) { text += "Host: localhost\r\n" }
        for _ in 0..<random.below(4) { text += random.pick(Self.fields) + "\r\n" }
        if random.chance(oneIn: 2) { text += "Content-Length: \(random.below(40))\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        let at = random.below(bytes.count)
        switch random.below(8) {
        case 0: bytes[at] = random.pick(Self.oddBytes)
        case 1: bytes.insert(random.pick(Self.oddBytes), at: at)
        case 2: bytes.remove(at: at)
        case 3: bytes[at] ^= 1 << UInt8(random.below(8))
        case 4: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 5:
            let other = random.below(bytes.count)
            bytes.insert(contentsOf: Array(bytes[min(at, other)..<max(at, other)]), at: at)
        case 6: bytes.insert(contentsOf: Array((random.pick(Self.fields) + "\r\n").utf8), at: at)
        default: bytes.insert(contentsOf: random.pick([[0x0d, 0x0a], [0x0a], [0x0d, 0x0a, 0x20]]), at: at)
        }
    }

    @Test("What the scanner takes for plain, NIO takes for the same", arguments: SeededRandom.seeds(1))
    func mutations(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var differences: [String: [UInt8]] = [:]
        var plain = 0
        for _ in 0..<Self.cases {
            var bytes = request(&random)
            for _ in 0..<random.below(4) where bytes.count > 1 { mutate(&bytes, &random) }
            if bytes.isEmpty { continue }
            let scanner = RequestScanner(maxHeadBytes: Self.maxHeadBytes)
            if case .head = bytes.withUnsafeBytes({ scanner.scan($0) }) { plain += 1 }
            if let found = try difference(bytes), differences[found] == nil { differences[found] = bytes }
        }
        for (what, bytes) in differences.sorted(by: { $0.key < $1.key }) {
            Issue.record("\(what): \(String(decoding: bytes, as: UTF8.self).debugDescription), seed \(seed)")
        }
        #expect(plain > Self.cases / 10, "too few cases were plain, seed \(seed)")
    }

    @Test("Every byte in every place of a head is taken alike")
    func everyByte() throws {
        let text = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n"
        let base = Array(text.utf8)
        var differences: [String] = []
        for at in base.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = base
                bytes[at] = byte
                if let found = try difference(bytes) {
                    differences.append("\(found): byte \(byte) at \(at)")
                }
            }
        }
        #expect(differences.isEmpty)
    }

    @Test("Every method that NIO does not know is left to it", arguments: methods)
    func unknownMethod(_ method: String) throws {
        let bytes = Array("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(try difference(bytes) == nil)
    }
}
