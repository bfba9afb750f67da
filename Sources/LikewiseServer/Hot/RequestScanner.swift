// The head of an HTTP/1.1 request, as far as the hot routes need it, found in place.
//
// It reads only what is plain: CRLF line ends, one Content-Length or none, no Transfer-Encoding, no folded lines. Whatever
// else comes is `irregular`, and the whole rest of that connection is left to NIO's parser, so that two parsers never
// have to agree on where an odd request ends.

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The head of a plain request. Ranges count from the head's first byte.
package struct ScannedHead: Equatable {
    package enum Method: Equatable {
        case get
        case post
        case delete
        case other
    }

    package var length = 0
    package var method = Method.other
    package var target = 0..<0
    /// Bytes of the body that follows.
    package var contentLength = 0
    /// The value of Authorization, where it is read and there is one.
    package var authorization: Range<Int>?
    /// The value of X-Forwarded-For, where it is read and there is one.
    package var forwardedFor: Range<Int>?
    /// The value of User-Agent, where it is read and there is one.
    package var userAgent: Range<Int>?
    /// Nothing in the head asks for more than the hot routes do.
    package var isHot = true
    /// The body is JSON, or its type is not said.
    package var isJSON = true
    /// There is a Content-Type.
    package var hasType = false
    /// The client waits for a go-ahead before it sends the body.
    package var expectsContinue = false
    /// The connection ends with this request, or may.
    package var isLast = false
}

/// What the bytes that a request begins with come to.
package enum HeadScan: Equatable {
    /// The head is not whole yet.
    case partial
    case head(ScannedHead)
    /// Left to the full parser.
    case irregular
    /// Longer than the bound, or with too many fields.
    case tooLarge
    /// The target alone is longer than its bound.
    case targetTooLong
}

/// Finds the head that some bytes begin with.
package struct RequestScanner {
    /// Bytes of a request's target.
    package static let maxTargetBytes = 8 << 10
    /// Header fields of one request.
    package static let maxFields = 200

    /// Bytes of a whole head.
    package let maxHeadBytes: Int
    /// Whether Authorization is noted. Where it means nothing, a request with it is for the full stack.
    package let readsAuthorization: Bool
    /// Whether X-Forwarded-For is noted.
    package let readsForwardedFor: Bool
    /// Whether a request with Origin is for the full stack: its answer depends on that.
    package let leavesOrigin: Bool
    /// Whether User-Agent is noted.
    package let readsUserAgent: Bool

    package init(
        maxHeadBytes: Int, readsAuthorization: Bool = false, readsForwardedFor: Bool = false,
        leavesOrigin: Bool = false, readsUserAgent: Bool = false
    ) {
        self.maxHeadBytes = maxHeadBytes
        self.readsAuthorization = readsAuthorization
        self.readsForwardedFor = readsForwardedFor
        self.leavesOrigin = leavesOrigin
        self.readsUserAgent = readsUserAgent
    }

    /// The head that `bytes` begin with.
    package func scan(_ bytes: UnsafeRawBufferPointer) -> HeadScan {
        guard let base = bytes.baseAddress else { return .partial }
        var head = ScannedHead()
        var hosts = 0
        var lengths = 0
        var fields = 0
        var at = 0
        while true {
            guard let found = memchr(base + at, 0x0a, bytes.count - at) else { return partial(bytes, at) }
            let feed = base.distance(to: UnsafeRawPointer(found))
            if feed >= maxHeadBytes { return tooLarge(feed, at) }
            guard feed > at, bytes[feed - 1] == 0x0d else { return .irregular }
            let line = UnsafeRawBufferPointer(rebasing: bytes[at..<(feed - 1)])
            if at == 0 {
                guard requestLine(line, &head) else { return .irregular }
                if head.target.count > RequestScanner.maxTargetBytes { return .targetTooLong }
            } else if line.isEmpty {
                head.length = feed + 1
                if hosts != 1 { head.isHot = false }
                if head.method == .get && head.contentLength > 0 { head.isHot = false }
                return .head(head)
            } else {
                fields += 1
                if fields > RequestScanner.maxFields { return .tooLarge }
                guard header(line, at, &head, &hosts, &lengths) else { return .irregular }
            }
            at = feed + 1
        }
    }

    private func partial(_ bytes: UnsafeRawBufferPointer, _ lineStart: Int) -> HeadScan {
        let isTooLong = lineStart == 0 && bytes.count > RequestScanner.maxTargetBytes + 64
        return isTooLong || bytes.count >= maxHeadBytes ? tooLarge(bytes.count, lineStart) : .partial
    }

    /// What is wrong with a head of `count` bytes and more whose last line begins at `lineStart`: where it is the first,
    /// the target is at fault.
    private func tooLarge(_ count: Int, _ lineStart: Int) -> HeadScan {
        lineStart == 0 && count > RequestScanner.maxTargetBytes + 64 ? .targetTooLong : .tooLarge
    }

    /// `METHOD /target HTTP/1.1`, with single spaces.
    private func requestLine(_ line: UnsafeRawBufferPointer, _ head: inout ScannedHead) -> Bool {
        guard let space = line.firstIndex(of: 0x20), space > 0 else { return false }
        for byte in line[..<space] where !isToken(byte) { return false }
        let rest = space + 1
        guard line.count > rest + 9, line[rest] == UInt8(ascii: "/") else { return false }
        let end = line.count - 9
        guard equals(line, end, " HTTP/1.1") else { return false }
        for byte in line[rest..<end] where byte <= 0x20 || byte >= 0x7f { return false }
        head.target = rest..<end
        switch space {
        case 3 where equals(line, 0, "GET"): head.method = .get
        case 4 where equals(line, 0, "POST"): head.method = .post
        case 6 where equals(line, 0, "DELETE"): head.method = .delete
        case 3 where equals(line, 0, "PUT"), 4 where equals(line, 0, "HEAD"), 5 where equals(line, 0, "PATCH"),
            7 where equals(line, 0, "OPTIONS"):
            head.isHot = false
        // NIO's parser knows some methods and rejects the others.
        default: return false
        }
        return true
    }

    private func header(
        _ line: UnsafeRawBufferPointer, _ start: Int, _ head: inout ScannedHead, _ hosts: inout Int,
        _ lengths: inout Int
    ) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return false }
        for byte in line[..<colon] where !isToken(byte) { return false }
        guard isFieldText(line, from: colon + 1) else { return false }
        let value = trim(line, colon + 1)
        switch colon {
        case 4 where named(line, "host"): hosts += 1
        case 6 where named(line, "expect"):
            guard sameLetters(value, "100-continue") else { return false }
            head.expectsContinue = true
            head.isHot = false
        case 6 where leavesOrigin && named(line, "origin"): head.isHot = false
        case 7 where named(line, "upgrade"): return false
        case 10 where named(line, "connection"):
            if !sameLetters(value, "keep-alive") { endConnection(&head) }
        case 10 where readsUserAgent && named(line, "user-agent"):
            if head.userAgent != nil { head.isHot = false }
            head.userAgent = range(of: value, in: line, start)
        case 12 where named(line, "content-type"):
            // Two of them are for the full stack to judge.
            if head.hasType { head.isHot = false }
            head.hasType = true
            let type = UnsafeRawBufferPointer(rebasing: value.prefix { $0 != UInt8(ascii: ";") })
            if !sameLetters(trim(type, 0), "application/json") { head.isJSON = false }
        case 13 where named(line, "if-none-match"): head.isHot = false
        case 13 where named(line, "authorization"):
            // Two of them are for the full stack to refuse.
            guard readsAuthorization, head.authorization == nil, let found = range(of: value, in: line, start) else {
                head.isHot = false
                break
            }
            head.authorization = found
        case 14 where named(line, "content-length"):
            lengths += 1
            guard lengths == 1, let length = number(value) else { return false }
            head.contentLength = length
        case 15 where named(line, "idempotency-key"): head.isHot = false
        case 15 where readsForwardedFor && named(line, "x-forwarded-for"):
            // Two of them are for the full stack to put together.
            if head.forwardedFor != nil { head.isHot = false }
            head.forwardedFor = range(of: value, in: line, start)
        case 16 where named(line, "proxy-connection"):
            // NIO's parser takes it for Connection.
            if !sameLetters(value, "keep-alive") { endConnection(&head) }
        case 17 where named(line, "transfer-encoding"): return false
        default: break
        }
        return true
    }

    /// Where in the head a value is whose line begins at `start`.
    private func range(of value: UnsafeRawBufferPointer, in line: UnsafeRawBufferPointer, _ start: Int) -> Range<Int>? {
        guard let from = value.baseAddress, let base = line.baseAddress else { return nil }
        let offset = start + (from - base)
        return offset..<(offset + value.count)
    }

    private func endConnection(_ head: inout ScannedHead) {
        head.isLast = true
        head.isHot = false
    }

    // MARK: Bytes

    private func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2e, 0x5e...0x60, 0x7c, 0x7e: true
        default: false
        }
    }

    /// Whether there is no control character but tabs from `start` on. Eight bytes at a time, as a token has hundreds: in
    /// `word - ones * n` without the bits of `word` the high bit of a byte comes up where one is below n.
    private func isFieldText(_ line: UnsafeRawBufferPointer, from start: Int) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var at = start
        while line.count - at >= 8 {
            let word = line.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let deletes = word ^ (ones &* 0x7f)
            let marks = ((word &- (ones &* 0x20)) & ~word | (deletes &- ones) & ~deletes) & (ones &* 0x80)
            if marks != 0, !areFieldText(line[at..<(at + 8)]) { return false }
            at += 8
        }
        return areFieldText(line[at...])
    }

    private func areFieldText(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        for byte in bytes where (byte < 0x20 && byte != 0x09) || byte == 0x7f { return false }
        return true
    }

    private func trim(_ line: UnsafeRawBufferPointer, _ start: Int) -> UnsafeRawBufferPointer {
        var from = start
        var to = line.count
        while from < to, line[from] == 0x20 || line[from] == 0x09 { from += 1 }
        while to > from, line[to - 1] == 0x20 || line[to - 1] == 0x09 { to -= 1 }
        return UnsafeRawBufferPointer(rebasing: line[from..<to])
    }

    private func number(_ value: UnsafeRawBufferPointer) -> Int? {
        guard value.count >= 1, value.count <= 15 else { return nil }
        var n = 0
        for byte in value {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            n = n * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return n
    }

    private func equals(_ line: UnsafeRawBufferPointer, _ start: Int, _ text: StaticString) -> Bool {
        guard line.count - start >= text.utf8CodeUnitCount, let base = line.baseAddress else { return false }
        return memcmp(base + start, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    /// Whether the line begins with `name`, in any case. `name` is lower case.
    private func named(_ line: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        sameLetters(UnsafeRawBufferPointer(rebasing: line[..<name.utf8CodeUnitCount]), name)
    }

    private func sameLetters(_ value: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard value.count == text.utf8CodeUnitCount else { return false }
        for i in 0..<value.count {
            let byte = value[i]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            if (isUpper ? byte | 0x20 : byte) != text.utf8Start[i] { return false }
        }
        return true
    }
}
