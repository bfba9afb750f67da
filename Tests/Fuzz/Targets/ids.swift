// Ids and what carries them: the rules for them, base64url, cursors, percent-encoding and routes, emoji, dates. Each is compared with
// the standard library's or the C library's idea of it, and what can be written must be read as the same.

import Glibc
import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseServer

/// Called by libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func ids(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(data, count) { bytes in
        rules(bytes)
        base64(Array(bytes))
        cursors(Array(bytes))
        percent(Array(bytes))
        emoji(Array(bytes))
        routes(Array(bytes))
        if bytes.count >= 8 { dates(bytes.loadUnaligned(as: UInt64.self)) }
    }
}

// MARK: Rules

private let nameBytes = Set("abcdefghijklmnopqrstuvwxyz0123456789_-".utf8)

private func isAllowed(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Bool {
    do throws(IDRules.Problem) {
        try IDRules.check(bytes, limit: limit)
        return true
    } catch { return false }
}

private func rules(_ bytes: UnsafeRawBufferPointer) {
    let text = String(validating: bytes, as: UTF8.self)
    let hasControls = text?.unicodeScalars.contains { $0.properties.generalCategory == .control } ?? true
    for limit in [IDRules.contentBytes, IDRules.userBytes, IDRules.nameBytes] {
        let expected = 1...limit ~= bytes.count && !hasControls
        require(isAllowed(bytes, limit: limit) == expected, "an id of at most \(limit) bytes is not \(expected)")
    }
    let isName = 1...32 ~= bytes.count && nameBytes.isSuperset(of: bytes)
    require(IDRules.isName(bytes) == isName, "a name is not \(isName)")
}

/// What passes for an emoji is one character, and the same one when it is read again, with more behind it too.
private func emoji(_ bytes: [UInt8]) {
    guard let emoji = Emoji(leading: bytes) else { return }
    require(String(validating: emoji.bytes, as: UTF8.self)?.count == 1, "an emoji is not one character")
    for more in [[], Array("= and more".utf8)] {
        require(Emoji(leading: emoji.bytes + more) == emoji, "an emoji is another one when it is read again")
    }
}

// MARK: Encodings

private func base64(_ bytes: [UInt8]) {
    require(Base64URL.decode(Base64URL.encode(bytes)) == bytes, "base64url loses bytes")
    if let decoded = Base64URL.decode(bytes) {
        require(Base64URL.encode(decoded) == bytes, "two texts stand for the same bytes")
    }
}

private func cursors(_ bytes: [UInt8]) {
    if let cursor = try? Cursor(decoding: bytes) {
        require(Array(cursor.encoded().utf8) == bytes, "two cursors stand for the same place")
    }
    guard bytes.count > 10, bytes.count - 10 <= Cursor.idBytes else { return }
    let reading = bytes[..<8].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    let cursor = Cursor(reading: reading, region: UInt16(bytes[8]) << 8 | UInt16(bytes[9]), id: Array(bytes[10...]))
    let text = Array(cursor.encoded().utf8)
    require(text.count <= Cursor.encodedBytes, "a cursor of \(text.count) bytes")
    require((try? Cursor(decoding: text)) == cursor, "a cursor leads elsewhere")
    // One character mistyped is noticed.
    let at = Int(bytes[10]) % text.count
    var wrong = text
    wrong[at] = wrong[at] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
    require((try? Cursor(decoding: wrong)) == nil, "a mistyped cursor is taken")
}

private func encoded(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    return String(
        decoding: bytes.flatMap { [UInt8(ascii: "%"), digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

private func percent(_ bytes: [UInt8]) {
    require(PercentEncoding.decode(encoded(bytes).utf8) == bytes, "percent-encoding loses bytes")
    let isPlain = !bytes.contains(UInt8(ascii: "%"))
    let decoded = PercentEncoding.decode(bytes)
    if isPlain { require(decoded == bytes, "plain bytes are decoded to others") }
    let escapes = bytes.count { $0 == UInt8(ascii: "%") }
    if let decoded { require(decoded.count == bytes.count - 2 * escapes, "an escape is not three bytes") }
    if bytes.last == UInt8(ascii: "%") { require(decoded == nil, "half an escape is taken") }
}

// MARK: Routes

/// Any path is matched without harm, and ids of any bytes come out of a path as they went in.
private func routes(_ bytes: [UInt8]) {
    let methods: [HTTPRequest.Method] = [.get, .put, .post, .delete, .head, .options]
    for method in methods { _ = Route.match(method, String(decoding: bytes, as: UTF8.self)) }
    guard bytes.count >= 2, let cut = bytes.first.map({ 1 + Int($0) % (bytes.count - 1) }) else { return }
    let (user, content) = (Array(bytes[..<cut]), Array(bytes[cut...]))
    let (userText, contentText) = (encoded(user), encoded(content))
    expect(.status(user: user, content: content), .get, "/v1/users/\(userText)/likes/\(contentText)")
    expect(.hold(user: user, content: content), .put, "/v1/users/\(userText)/likes/\(contentText)")
    expect(.userLikes(user), .head, "/v1/users/\(userText)/likes")
    expect(.count(content), .get, "/v1/likes/count/\(contentText)")
    expect(.heldLike(content: content, user: user), .get, "/v1/admin/held/\(contentText)/\(userText)")
    expect(.unlikeContent(content), .delete, "/v1/likes/\(contentText)")
    expect(.contentLikes(content), .get, "/v1/content/\(contentText)/likes")
    if content != Array("top".utf8) { expect(.getContent(content), .get, "/v1/content/\(contentText)") }
}

private func expect(_ route: Route, _ method: HTTPRequest.Method, _ path: String) {
    guard case .route(route) = Route.match(method, path) else {
        fatalError("broken: \(method) \(path) is \(Route.match(method, path)), not \(route)")
    }
}

// MARK: Dates

private func dates(_ number: UInt64) {
    let milliseconds = min(number, Timestamp.lastMilliseconds)
    expectDate(Timestamp.string(milliseconds: number), milliseconds / 1000, "%Y-%m-%dT%H:%M:%S")
    // Years of more than four digits need no date.
    let seconds = number % 253_402_300_800
    expectDate(HTTPDate.string(seconds), seconds, "%a, %d %b %Y %H:%M:%S GMT")
    require(
        Timestamp.string(milliseconds: number).hasSuffix(".\(String(1000 + milliseconds % 1000).dropFirst())Z"),
        "the milliseconds of \(milliseconds) are others")
}

/// `text` begins with the C library's form of a moment.
private func expectDate(_ text: String, _ seconds: UInt64, _ format: String) {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    let length = strftime(&buffer, buffer.count, format, &parts)
    let expected = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    require(text.hasPrefix(expected), "\(seconds) s are \(text), not \(expected)")
}
