import LikewiseAPI
import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Events")
struct LikeEventTests {
    private let reactions: ReactionSet

    init() throws { reactions = try ReactionSet(ReactionSet.standard) }

    private func decode(_ text: String) throws(LikeEventProblem) -> LikeEvent {
        let result = Array(text.utf8).withUnsafeBytes { bytes in
            Result<LikeEvent, LikeEventProblem> { () throws(LikeEventProblem) in
                try LikeEventJSON.decode(bytes, reactions: reactions)
            }
        }
        return try result.get()
    }

    @Test("what is written is read back as it was", arguments: UInt64(1)...50)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var event = LikeEvent(
            [.register, .contentPut, .contentDeleted].randomElement(using: &random) ?? .register,
            content: Array("vidéo \"\(seed)\"\\".utf8),
            version: Version(
                reading: UInt64.random(in: 1...UInt64(Int64.max), using: &random),
                region: UInt16.random(in: 0...(.max), using: &random)))
        if event.kind == .register {
            event.user = Array("ann😀\(seed)".utf8)
            event.reaction = Reaction(rawValue: UInt8.random(in: 0...6, using: &random))
            event.previous = Reaction(rawValue: UInt8.random(in: 0...6, using: &random))
            if random.chance(oneIn: 3) { event.reaction = event.reaction.asHeld }
            if random.chance(oneIn: 3) { event.previous = event.previous.asHeld }
        }
        if event.kind == .contentPut { event.visibility = .private }
        if event.kind != .contentDeleted { event.type = Array("video".utf8) }
        let bytes = LikeEventJSON.encode(event, reactions: reactions)
        #expect(try decode(String(decoding: bytes, as: UTF8.self)) == event)
    }

    @Test("fields that this version does not know are passed over")
    func unknownFields() throws {
        let event = try decode(
            #"{"session":"s","event_id":"x","nested":{"a":[1,null]},"action":"like","content_id":"c","user_id":"u","#
                + #""reaction":"love","version":"00000000000000ff","region":3,"timestamp":0}"#)
        #expect(event.version == Version(reading: 255, region: 3))
        #expect(event.reaction == Reaction(rawValue: 2))
    }

    @Test(
        "what is no event is refused, and the field named",
        arguments: [
            ("[]", LikeEventProblem.json(.notAnObject)),
            (#"{"action":"like"}"#, .field("content_id")),
            (#"{"action":"like","content_id":"c","user_id":"u","reaction":"like","region":0}"#, .field("version")),
            (
                #"{"action":"like","content_id":"c","user_id":"u","reaction":"like","region":0,"version":"ffffffffffffffff"}"#,
                .field("version")
            ),
            (#"{"action":"like","content_id":"c","user_id":"u","reaction":"like","version":"1"}"#, .field("region")),
            (
                #"{"action":"like","content_id":"c","user_id":"u","reaction":"like","version":"1","region":65536}"#,
                .field("region")
            ),
            (#"{"action":"shout","content_id":"c","user_id":"u","version":"1","region":0}"#, .field("action")),
            (#"{"action":"like","content_id":"c","version":"1","region":0,"reaction":"like"}"#, .field("user_id")),
            (#"{"action":"like","content_id":"c","user_id":"u","version":"1","region":0}"#, .field("reaction")),
            (
                #"{"action":"like","content_id":"c","user_id":"u","version":"1","region":0,"reaction":"meh"}"#,
                .unknownReaction("meh")
            ),
        ])
    func refused(text: String, problem: LikeEventProblem) {
        #expect(throws: problem) { try decode(text) }
    }

    // Computed with org.apache.kafka.common.utils.Utils.murmur2's published test vectors.
    @Test(
        "keys are hashed as Kafka's own clients do",
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ])
    func murmur(key: String, hash: Int32) {
        let positive = Int(UInt32(bitPattern: hash) & 0x7fff_ffff)
        for count in [1, 7, 16, 1_000_003] {
            #expect(EventKey.partition(of: Array(key.utf8), count: count) == Int32(positive % count))
        }
    }

    @Test("a register's events are only in the partitions that are asked about, whatever the spread")
    func partitions() {
        for number in 0..<200 {
            let (content, user) = (Array("c\(number % 5)".utf8), Array("user\(number)".utf8))
            let known = EventKey.partitions(content: content, user: user, count: 16)
            var spread = 1
            while spread <= EventKey.maxSpread {
                let key = EventKey.of(content, user: user, spread: spread)
                #expect(known.contains(EventKey.partition(of: key, count: 16)))
                spread *= 2
            }
        }
    }
}
