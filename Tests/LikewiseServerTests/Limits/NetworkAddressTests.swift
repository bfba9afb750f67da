import LikewiseServer
import Testing

@Suite("Addresses of callers")
struct NetworkAddressTests {
    @Test(
        "an address is read as people and proxies write it",
        arguments: [
            ("192.0.2.1", "::ffff:192.0.2.1"), ("192.0.2.1:4711", "192.0.2.1"), ("[2001:db8::1]", "2001:db8:0:0::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"), ("::1", "0:0:0:0:0:0:0:1"),
        ])
    func reads(text: String, same: String) throws {
        #expect(try #require(NetworkAddress(text)) == NetworkAddress(same))
    }

    @Test(
        "what is no address is none",
        arguments: [
            "", "192.0.2", "192.0.2.256", "192.0.2.1:", "192.0.2.1:99999", "[192.0.2.1]", "[::1", "::1]", "unknown",
            "_hidden",
            "1::2::3", "192.0.2.1 ", "192.0.2.1\u{0}", "192.0.2.1\u{0}.example", "::1\u{0}", "192.0.2.1:+80",
            String(repeating: "1", count: 5_000),
        ])
    func refuses(text: String) {
        #expect(NetworkAddress(text) == nil)
    }

    @Test("callers of IPv6 are told apart by their first 64 bits, those of IPv4 by all")
    func subscribers() throws {
        let one = try #require(NetworkAddress("2001:db8:1:2:3::4"))
        #expect(one.subscriber == NetworkAddress("2001:db8:1:2:ffff::9")?.subscriber)
        #expect(one.subscriber != NetworkAddress("2001:db8:1:3::4")?.subscriber)
        #expect(NetworkAddress("192.0.2.1")?.subscriber != NetworkAddress("192.0.2.2")?.subscriber)
    }

    @Test(
        "a range has the addresses that begin with its bits",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/8", "::10.0.0.1", false),
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false), ("2001:db8::/65", "2001:db8::7fff:0:0:1", true),
            ("2001:db8::/65", "2001:db8::8000:0:0:1", false), ("::/0", "192.0.2.1", true),
        ])
    func ranges(range: String, address: String, isIn: Bool) throws {
        #expect(try #require(NetworkRange(range)).contains(try #require(NetworkAddress(address))) == isIn)
    }

    @Test(
        "what is no range is none",
        arguments: ["10.0.0.1/8", "10.0.0.0/33", "::/129", "/8", "10.0.0.0/", "10.0.0.0/8/8", "a/8", "10.0.0.0/+8"])
    func noRanges(text: String) {
        #expect(NetworkRange(text) == nil)
    }

    @Test(
        "behind trusted proxies the caller is the last who is none of them; what he made up before that is passed over",
        arguments: [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"), ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "1.1.1.1,198.51.100.1 , 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"), ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "nonsense, 10.0.0.2", "10.0.0.2"), ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", ",,", "10.0.0.1"),
            ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ])
    func forwarded(peer: String, field: String, caller: String) throws {
        let proxies = TrustedProxies([try #require(NetworkRange("10.0.0.0/8"))])
        let peer = try #require(NetworkAddress(peer))
        let found = Array(field.utf8).withUnsafeBytes { proxies.caller(peer: peer, forwardedFor: $0) }
        #expect(found == NetworkAddress(caller))
        #expect(proxies.caller(peer: peer, forwardedFor: nil) == peer)
    }

    @Test("without trusted proxies the field says nothing")
    func none() throws {
        let peer = try #require(NetworkAddress("10.0.0.1"))
        #expect(
            Array("198.51.100.1".utf8).withUnsafeBytes { TrustedProxies().caller(peer: peer, forwardedFor: $0) } == peer
        )
    }
}
