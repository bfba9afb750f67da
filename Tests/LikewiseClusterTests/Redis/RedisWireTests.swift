import LikewiseCluster
import Testing

struct RedisWireTests {
    @Test func `a command is encoded as an array of texts and knows where its key is`() {
        let command = RedisCommand("SET", "key", "välue", key: 1)
        #expect(String(decoding: command.bytes, as: UTF8.self) == "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$6\r\nvälue\r\n")
        #expect(command.keyBytes.map(Array.init) == Array("key".utf8))
        #expect(RedisCommand("PING").keyBytes == nil)
    }

    @Test func `a script's call becomes a call with its text, with the key where it was`() throws {
        let script = RedisScript("return KEYS[1]")
        let command = script.call(key: Array("k".utf8), [Array("a".utf8)])
        #expect(
            String(decoding: command.bytes, as: UTF8.self)
                == "*5\r\n$7\r\nEVALSHA\r\n$40\r\n4a2267357833227dd98abdedb8cf24b15a986445\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n"
        )
        let text = try #require(command.withScriptText)
        #expect(
            String(decoding: text.bytes, as: UTF8.self)
                == "*5\r\n$4\r\nEVAL\r\n$14\r\nreturn KEYS[1]\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n")
        #expect(text.keyBytes.map(Array.init) == Array("k".utf8))
        #expect(text.withScriptText == nil)
    }

    @Test(
        arguments: [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
        ])
    func `SHA-1 is that of FIPS 180`(text: String, digest: String) {
        #expect(String(decoding: SHA1.hexadecimalDigest(of: Array(text.utf8)), as: UTF8.self) == digest)
    }

    @Test(
        arguments: [
            ("123456789", UInt16(0x31c3)), ("foo", 12_182), ("{foo}bar", 12_182), ("a{foo}{x}", 12_182), ("", 0),
        ])
    func `slots are those of the specification, hash tags too`(key: String, slot: UInt16) {
        #expect(RedisSlot.of(Array(key.utf8)) == slot & 0x3fff)
    }

    @Test(arguments: ["foo{}bar", "foo{bar", "{}", "}a{"])
    func `an empty or open hash tag is none`(key: String) {
        let bytes = Array(key.utf8)
        #expect(bytes.withUnsafeBytes { RedisSlot.hashTag(in: $0) } == 0..<bytes.count)
    }

    @Test(arguments: ["video", "a{b}c", "x{y", "{tag}"])
    func `a count and its lease share a slot`(content: String) {
        let bytes = Array(content.utf8)
        #expect(RedisSlot.of(RedisCounts.key(of: bytes)) == RedisSlot.of(RedisCounts.leaseKey(of: bytes)))
    }

    @Test func `addresses are read with and without brackets`() {
        #expect(RedisAddress("127.0.0.1:6379") == RedisAddress("127.0.0.1", 6379))
        #expect(RedisAddress("[::1]:7") == RedisAddress("::1", 7))
        #expect(RedisAddress("::1:7") == RedisAddress("::1", 7))
        #expect(RedisAddress("host") == nil)
        #expect(RedisAddress("host:70000") == nil)
    }
}
