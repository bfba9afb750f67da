import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("The PROXY protocol")
struct ProxyPreambleTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    private static func scan(_ bytes: [UInt8]) -> ProxyPreamble { bytes.withUnsafeBytes { ProxyPreamble.scan($0) } }

    private static func scan(_ text: String) -> ProxyPreamble { scan(Array(text.utf8)) }

    private static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
    }

    private static let v4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 18, 103, 1, 187]
    private static let v6: [UInt8] =
        [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 1, count: 16)
        + [18, 103, 1, 187]

    struct Sound: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var client: String?
        var testDescription: String { name }
    }

    private static let preambles = [
        Sound(
            name: "1, IPv4", bytes: Array("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n".utf8), client: "192.0.2.7"),
        Sound(
            name: "1, IPv6", bytes: Array("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n".utf8), client: "2001:db8::7"
        ),
        Sound(
            name: "1, the longest",
            bytes: Array(
                "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
                    .utf8), client: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1"),
        Sound(name: "1, unknown", bytes: Array("PROXY UNKNOWN\r\n".utf8)),
        Sound(name: "1, unknown with more", bytes: Array("PROXY UNKNOWN ffff::1 a b c\r\n".utf8)),
        Sound(name: "2, IPv4", bytes: binary(0x21, 0x11, v4), client: "192.0.2.7"),
        Sound(name: "2, IPv6", bytes: binary(0x21, 0x21, v6), client: "2001:db8::7"),
        Sound(name: "2, IPv4 with more", bytes: binary(0x21, 0x11, v4 + [3, 0, 4, 1, 2, 3, 4]), client: "192.0.2.7"),
        Sound(name: "2, the proxy's own", bytes: binary(0x20, 0x00, [])),
        Sound(name: "2, the proxy's own with an address", bytes: binary(0x20, 0x11, v4)),
        Sound(name: "2, unknown", bytes: binary(0x21, 0x00, [])),
        Sound(name: "2, a local socket", bytes: binary(0x21, 0x31, [UInt8](repeating: 65, count: 216))),
    ]

    @Test("A sound one says who the client is, and where it ends, whatever follows", arguments: preambles)
    func sound(_ sound: Sound) {
        let client = sound.client.flatMap { NetworkAddress($0) }
        let expected = ProxyPreamble.whole(client: client, length: sound.bytes.count)
        #expect(ProxyPreambleTests.scan(sound.bytes) == expected)
        #expect(ProxyPreambleTests.scan(sound.bytes + Array("GET / HTTP/1.1\r\n".utf8)) == expected)
    }

    @Test("Every part of a sound one is waited for", arguments: preambles)
    func parts(_ sound: Sound) {
        for length in 0..<sound.bytes.count {
            #expect(ProxyPreambleTests.scan(Array(sound.bytes[..<length])) == .partial, "\(length)")
        }
    }

    @Test(
        "What is none is none",
        arguments: [
            "GET / HTTP/1.1\r\n", "PROXY\r\n", "PROXY TCP4\r\n", "PROXY TCP5 192.0.2.7 192.0.2.8 1 2\r\n",
            "PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n", "PROXY TCP6 192.0.2.7 192.0.2.8 1 2\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.8 1\r\n", "PROXY TCP4 192.0.2.7 192.0.2.8 1 2 3\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.8 65536 2\r\n", "PROXY TCP4 192.0.2.7 192.0.2.8 01 2\r\n",
            "PROXY TCP4 192.0.2.7:9 192.0.2.8 1 2\r\n", "PROXY TCP6 192.0.2.7:9 192.0.2.8:9 1 2\r\n",
            "PROXY TCP6 [2001:db8::7] 2001:db8::1 1 2\r\n", "PROXY  TCP4 192.0.2.7 192.0.2.8 1 2\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\n", "proxy TCP4 192.0.2.7 192.0.2.8 1 2\r\n", "\n", "\u{16}\u{3}\u{1}",
            "PROXY TCP4 192.0.2.7\u{0} 192.0.2.8 1 2\r\n", "PROXY TCP6 2001:db8::7 2001:db8::1\u{0}a 1 2\r\n",
            "PROXY UNKNOWN " + String(repeating: "a", count: 100) + "\r\n",
        ])
    func none(_ text: String) { #expect(ProxyPreambleTests.scan(text) == .malformed) }

    @Test("What is none in version 2 is none")
    func noneBinary() {
        let scan = ProxyPreambleTests.scan as ([UInt8]) -> ProxyPreamble
        #expect(scan(ProxyPreambleTests.binary(0x11, 0x11, ProxyPreambleTests.v4)) == .malformed)
        #expect(scan(ProxyPreambleTests.binary(0x22, 0x11, ProxyPreambleTests.v4)) == .malformed)
        #expect(scan(ProxyPreambleTests.binary(0x21, 0x41, ProxyPreambleTests.v4)) == .malformed)
        #expect(scan(ProxyPreambleTests.binary(0x21, 0x11, [1, 2, 3])) == .malformed)
        #expect(scan(ProxyPreambleTests.binary(0x21, 0x21, ProxyPreambleTests.v4)) == .malformed)
        #expect(scan(ProxyPreambleTests.signature + [0x21, 0x11, 0xff, 0xff]) == .malformed)
        #expect(scan(ProxyPreambleTests.signature.dropLast() + [0]) == .malformed)
    }

    @Test("Whatever comes, it is judged within the bound", arguments: SeededRandom.seeds(20))
    func garbage(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            var bytes = ProxyPreambleTests.preambles[random.within(0...11)].bytes
            for _ in 0..<random.within(0...4) {
                bytes[random.within(0...(bytes.count - 1))] = UInt8(random.within(0...255))
            }
            bytes += [UInt8](repeating: 65, count: ProxyPreamble.maxBytes)
            #expect(ProxyPreambleTests.scan(bytes) != .partial, "seed \(seed): \(bytes.prefix(64))")
        }
    }
}
