// The preamble of a proxy. What it says does not depend on how it is cut into reads, it is bounded, and it is what another,
// plainer reading of the same bytes says.

import Glibc
import LikewiseServer

/// Called by libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func proxy(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(data, count) { bytes in
        let whole = ProxyPreamble.scan(bytes)
        var choices = Choices(bytes)
        for cut in cuts(of: bytes.count, &choices) {
            let early = ProxyPreamble.scan(bytes.first(cut))
            require(early == .partial || early == whole, "\(cut) bytes are \(early), and all of them \(whole)")
        }
        switch whole {
        case .partial:
            require(bytes.count < ProxyPreamble.maxBytes, "more than \(ProxyPreamble.maxBytes) bytes are waited for")
        case .whole(let client, let length):
            require(length <= min(bytes.count, ProxyPreamble.maxBytes), "a length of \(length) of \(bytes.count) bytes")
            require(ProxyPreamble.scan(bytes.first(length)) == whole, "the preamble alone is another")
            require(ProxyPreamble.scan(bytes.first(length - 1)) == .partial, "the preamble ends earlier")
            let expected = bytes[0] == 13 ? binaryClient(bytes.first(length)) : textClient(bytes.first(length))
            require(expected == .some(client), "the client is \(client as Any), not \(expected as Any)")
        case .malformed: break
        }
    }
}

/// The client of a preamble of version 2; nil inside where it names none, and outside where it is no preamble.
private func binaryClient(_ bytes: UnsafeRawBufferPointer) -> NetworkAddress?? {
    let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    guard bytes.count >= 16, bytes.prefix(12).elementsEqual(signature) else { return nil }
    guard Int(bytes[14]) * 256 + Int(bytes[15]) == bytes.count - 16, bytes[12] >> 4 == 2 else { return nil }
    if bytes[12] & 15 == 0 { return .some(nil) }
    var text = [CChar](repeating: 0, count: 64)
    switch bytes[13] {
    case 0x11: inet_ntop(AF_INET, bytes.baseAddress.map { $0 + 16 }, &text, 64)
    case 0x21: inet_ntop(AF_INET6, bytes.baseAddress.map { $0 + 16 }, &text, 64)
    default: return .some(nil)
    }
    let end = text.firstIndex(of: 0) ?? 0
    return NetworkAddress(String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
}

/// The same of version 1, read byte by byte.
private func textClient(_ bytes: UnsafeRawBufferPointer) -> NetworkAddress?? {
    guard bytes.count <= 107, bytes.suffix(2).elementsEqual([13, 10]) else { return nil }
    let words = bytes.dropLast(2).split(separator: 32, omittingEmptySubsequences: false).map { Array($0) }
    guard words.count >= 2, words[0] == Array("PROXY".utf8) else { return nil }
    if words[1] == Array("UNKNOWN".utf8) { return .some(nil) }
    guard words.count == 6, words[4...].allSatisfy(isPort) else { return nil }
    let family = words[1] == Array("TCP4".utf8) ? AF_INET : words[1] == Array("TCP6".utf8) ? AF_INET6 : 0
    guard family != 0, address(words[3], family) != nil else { return nil }
    return address(words[2], family).map { .some($0) }
}

private func isPort(_ word: [UInt8]) -> Bool {
    guard (1...5).contains(word.count), word.allSatisfy({ 48...57 ~= $0 }) else { return false }
    return (word.count == 1 || word[0] != 48) && word.reduce(0) { $0 * 10 + Int($1) - 48 } <= 65_535
}

private func address(_ word: [UInt8], _ family: CInt) -> NetworkAddress? {
    guard !word.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16)
    guard inet_pton(family, (word + [0]).map { CChar(bitPattern: $0) }, &bytes) == 1 else { return nil }
    if family == AF_INET { return NetworkAddress(v4: bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) }) }
    return bytes.withUnsafeBytes { NetworkAddress(bytes: $0) }
}
