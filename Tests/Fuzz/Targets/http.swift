// The head of a request, and the hot calls. What the scanner says does not depend on how the bytes are cut into reads; what it
// takes, the parser of the full stack (llhttp, set as NIO sets it) takes with the same method, target, body, end and fate
// of the connection; and what is a hot call means the same to the routes and the JSON of the full stack.

import CNIOLLHTTP
import HTTPTypes
import LikewiseCore
import LikewiseServer

private let maxHeadBytes = 16 << 10
private let maxBodyBytes = 64 << 10
private let plain = RequestScanner(maxHeadBytes: maxHeadBytes)
private let curious = RequestScanner(
    maxHeadBytes: maxHeadBytes, readsAuthorization: true, readsForwardedFor: true, leavesOrigin: true,
    readsUserAgent: true)
private let small = RequestScanner(maxHeadBytes: 256)
private let reactions = try? ReactionSet(ReactionSet.standard)

/// Called by libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func http(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(data, count) { bytes in
        var choices = Choices(bytes)
        for scanner in [plain, curious, small] { pieces(scanner, bytes, &choices) }
        guard case .head(let head) = plain.scan(bytes) else { return }
        sameHead(head, curious.scan(bytes), bytes)
        compare(head, bytes)
        hotCall(head, bytes)
    }
}

// MARK: Pieces

/// However few bytes have come, the scanner waits or says what it says of all of them. A head that cannot be taken may be
/// refused for its length before the rest shows what else is wrong with it.
private func pieces(_ scanner: RequestScanner, _ bytes: UnsafeRawBufferPointer, _ choices: inout Choices) {
    let whole = scanner.scan(bytes)
    for cut in cuts(of: bytes.count, &choices) {
        let early = scanner.scan(bytes.first(cut))
        if early == .partial || early == whole { continue }
        require(isRefusal(early) && isRefusal(whole), "\(cut) bytes are \(early), and all of them \(whole)")
    }
    if whole == .partial {
        require(bytes.count < scanner.maxHeadBytes, "more bytes than \(scanner.maxHeadBytes) are waited for")
    }
    guard case .head(let head) = whole else { return }
    require(head.length <= min(bytes.count, scanner.maxHeadBytes), "a head of \(head.length) of \(bytes.count) bytes")
    require(bytes.slice((head.length - 4)..<head.length).elementsEqual("\r\n\r\n".utf8), "no empty line ends the head")
    require(scanner.scan(bytes.first(head.length)) == whole, "the head alone is another")
    require(scanner.scan(bytes.first(head.length - 1)) == .partial, "the head ends earlier")
    for range in [head.target, head.authorization, head.forwardedFor, head.userAgent].compactMap(\.self) {
        require(range.upperBound <= head.length - 4 || range.isEmpty, "\(range) is not in the head")
    }
}

private func isRefusal(_ scan: HeadScan) -> Bool {
    switch scan {
    case .irregular, .tooLarge, .targetTooLong: true
    case .partial, .head: false
    }
}

/// A scanner that notes more fields sees the same request, and where they are.
private func sameHead(_ head: ScannedHead, _ other: HeadScan, _ bytes: UnsafeRawBufferPointer) {
    guard case .head(var more) = other else { fatalError("broken: with more fields noted the head is \(other)") }
    let notes: [(String, Range<Int>?)] = [
        ("authorization", more.authorization), ("x-forwarded-for", more.forwardedFor), ("user-agent", more.userAgent),
    ]
    for (name, range) in notes {
        guard let range else { continue }
        let before = bytes.first(range.lowerBound)
        let line = before.suffix(from: (before.lastIndex(of: 10) ?? -1) + 1)
        require(
            String(decoding: line, as: UTF8.self).lowercased().hasPrefix(name + ":"),
            "the value of \(name) is behind '\(String(decoding: line, as: UTF8.self))'")
    }
    (more.authorization, more.forwardedFor, more.userAgent) = (nil, nil, nil)
    // What is noted decides whether the hot routes take it, and nothing else.
    more.isHot = head.isHot
    require(more == head, "with more fields noted the head is \(more), not \(head)")
}

// MARK: The other parser

/// What llhttp saw.
private final class Seen {
    var target: [UInt8] = []
    var bodyBytes = 0
    var heads = 0
    var ends = 0
    var method = ""
    var version = (0, 0)
    var contentLength: UInt64 = 0
    var keepsAlive = false
    var error = HPE_OK
}

private func seen(_ parser: UnsafeMutablePointer<llhttp_t>?) -> Seen? {
    guard let data = parser?.pointee.data else { return nil }
    return Unmanaged<Seen>.fromOpaque(data).takeUnretainedValue()
}

private func settings() -> llhttp_settings_t {
    var settings = llhttp_settings_t()
    c_nio_llhttp_settings_init(&settings)
    settings.on_url = { parser, bytes, count in
        if let seen = seen(parser), seen.heads == 0 {
            seen.target += UnsafeRawBufferPointer(start: bytes, count: count)
        }
        return 0
    }
    settings.on_headers_complete = { parser in
        guard let seen = seen(parser), let parser else { return -1 }
        seen.heads += 1
        guard seen.heads == 1 else { return 0 }
        seen.method = String(cString: c_nio_llhttp_method_name(llhttp_method(rawValue: UInt32(parser.pointee.method))))
        seen.version = (Int(parser.pointee.http_major), Int(parser.pointee.http_minor))
        seen.contentLength = parser.pointee.content_length
        seen.keepsAlive = c_nio_llhttp_should_keep_alive(parser) != 0
        return 0
    }
    settings.on_body = { parser, _, count in
        if let seen = seen(parser), seen.ends == 0 { seen.bodyBytes += count }
        return 0
    }
    settings.on_message_complete = { parser in
        seen(parser)?.ends += 1
        // As NIO does: https://github.com/nodejs/llhttp/issues/202.
        parser?.pointee.content_length = 0
        return 0
    }
    return settings
}

private func parse(_ parts: UnsafeRawBufferPointer...) -> Seen {
    let seen = Seen()
    var settings = settings()
    var parser = llhttp_t()
    withUnsafeMutablePointer(to: &settings) { settings in
        c_nio_llhttp_init(&parser, HTTP_REQUEST, settings)
        parser.data = Unmanaged.passUnretained(seen).toOpaque()
        for part in parts where seen.error == HPE_OK && !part.isEmpty {
            seen.error = c_nio_llhttp_execute_swift(&parser, part.baseAddress, part.count)
        }
    }
    return seen
}

private let next = Array("GET /next HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
private let longestBody = [UInt8](repeating: UInt8(ascii: "G"), count: maxBodyBytes)

private func compare(_ head: ScannedHead, _ bytes: UnsafeRawBufferPointer) {
    let alone = parse(bytes.first(head.length))
    require(alone.error == HPE_OK && alone.heads == 1, "llhttp takes no head: error \(alone.error)")
    require(parse(bytes.first(head.length - 1)).heads == 0, "llhttp's head ends earlier")
    require(alone.target.elementsEqual(bytes[head.target]), "llhttp's target is another")
    require(alone.version == (1, 1), "llhttp's version is \(alone.version)")
    let isSameMethod =
        switch head.method {
        case .get: alone.method == "GET"
        case .post: alone.method == "POST"
        case .delete: alone.method == "DELETE"
        case .other: !["GET", "POST", "DELETE"].contains(alone.method)
        }
    require(isSameMethod, "llhttp's method is \(alone.method), not \(head.method)")
    require(Int(exactly: alone.contentLength) == head.contentLength, "llhttp's body has \(alone.contentLength) bytes")
    require(head.isLast || alone.keepsAlive, "llhttp ends the connection")
    guard head.contentLength <= maxBodyBytes else { return }
    longestBody.withUnsafeBytes { body in
        next.withUnsafeBytes { next in
            let all = parse(bytes.first(head.length), body.first(head.contentLength), next)
            require(all.bodyBytes == head.contentLength, "llhttp's body has \(all.bodyBytes) bytes")
            require(all.ends >= 1, "llhttp ends the request later")
            require(head.isLast || (all.error == HPE_OK && all.ends == 2), "llhttp finds no request behind this one")
        }
    }
}

// MARK: The full stack's reading

private func hotCall(_ head: ScannedHead, _ bytes: UnsafeRawBufferPointer) {
    guard let reactions, bytes.count - head.length >= head.contentLength else { return }
    var scratch: [UInt8] = []
    guard let call = HotCall(head, bytes, reactions: reactions, maxBodyBytes: maxBodyBytes, scratch: &scratch) else {
        return
    }
    let target = String(decoding: bytes[head.target], as: UTF8.self)
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let method: HTTPRequest.Method = head.method == .get ? .get : head.method == .post ? .post : .delete
    guard case .route(let route) = Route.match(method, String(parts[0])) else {
        fatalError("broken: there is no route for the hot call \(target)")
    }
    let body = bytes.slice(head.length..<(head.length + head.contentLength))
    switch call {
    case .count(let content, let user):
        require(route == .count(Array(content)), "\(target) is \(route)")
        let query = parts.count > 1 ? String(parts[1]) : nil
        require(query == user.map { "user_id=" + String(decoding: $0, as: UTF8.self) }, "\(target) has another user")
    case .countBatch(let contents, let user):
        require(route == .countBatch, "\(target) is \(route)")
        guard let fields = object(body) else { return }
        let named = FieldNames.contents.compactMap { fields[$0] as? [String] }
        require(named.first?.map { Array($0.utf8) } == contents.map { Array($0) }, "the contents are \(named)")
        expect(user.map { Array($0) }, FieldNames.user, in: fields)
    case .change(let change):
        require(route == (head.method == .post ? .like : .unlike), "\(target) is \(route)")
        guard let fields = object(body) else { return }
        expect(Array(change.content), FieldNames.content, in: fields)
        expect(Array(change.user), FieldNames.user, in: fields)
        guard head.method == .post else { return require(change.reaction == .none, "an unlike holds a reaction") }
        expect(change.type.isEmpty ? nil : Array(change.type), FieldNames.type, in: fields)
        let reaction = fields["reaction"].map { $0 as? String ?? "" } ?? "like"
        require(reactions.name(of: change.reaction) == reaction, "the reaction is \(change.reaction), not \(reaction)")
    }
}

/// The object in a body as Foundation reads it; nil where it may be none to it.
private func object(_ body: UnsafeRawBufferPointer) -> [String: Any]? {
    guard let value = foundationValue(body) else {
        require(mayHaveHugeNumber(body), "Foundation does not take the body")
        return nil
    }
    guard let fields = value as? [String: Any] else { fatalError("broken: the body is \(value), no object") }
    return fields
}
