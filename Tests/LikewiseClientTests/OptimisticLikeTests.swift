import LikewiseClient
import LikewiseTestSupport
import Testing

@Suite("A like that is shown before it is answered")
struct OptimisticLikeTests {
    private static func reactions(_ held: [String: UInt64]) -> String {
        held.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
    }

    private static func count(_ held: [String: UInt64], own: String? = nil) throws -> Count {
        let total = held.values.reduce(0, +)
        let reaction = own.map { ",\"liked\":true,\"reaction\":\"\($0)\"" } ?? ""
        let json =
            "{\"content_id\":\"c\",\"count\":\(total),\"reactions\":{\(reactions(held))},\"approx\":false,"
            + "\"display\":\"\(total)\"\(reaction)}"
        return try Count(bytes: Array(json.utf8))
    }

    private static func result(_ held: [String: UInt64], own: String?) throws -> LikeResult {
        let total = held.values.reduce(0, +)
        let reaction = own.map { ",\"reaction\":\"\($0)\"" } ?? ""
        let json =
            "{\"content_id\":\"c\",\"user_id\":\"u\",\"liked\":\(own != nil)\(reaction),\"count\":\(total),"
            + "\"reactions\":{\(reactions(held))},\"approx\":false,\"changed\":true}"
        return try LikeResult(bytes: Array(json.utf8))
    }

    /// A state of which the server has said `held`.
    private static func known(_ held: [String: UInt64], own: String? = nil) throws -> OptimisticLike {
        var like = OptimisticLike()
        #expect(like.refreshed(try count(held, own: own)) == [])
        return like
    }

    @Test("A tap is shown at once, and sent")
    func tap() throws {
        var like = try Self.known(["like": 5])
        #expect(like.tapped("like") == [.send(reaction: "like")])
        #expect(like.shown.isLiked && like.shown.count == 6 && like.shown.isPending)
        #expect(like.answered(try Self.result(["like": 8], own: "like")) == [.waitGrace(1)])
        #expect(like.shown.isLiked && like.shown.count == 8 && !like.shown.isPending)
    }

    @Test("Another reaction replaces the first, and counts once")
    func change() throws {
        var like = try Self.known(["like": 5, "wow": 1], own: "wow")
        #expect(like.tapped("love") == [.send(reaction: "love")])
        #expect(like.shown.count == 6)
        #expect(like.shown.reactions == ["like": 5, "love": 1])
    }

    @Test("Ten taps send two changes, and the last one is what holds")
    func manyTaps() throws {
        var like = try Self.known([:])
        #expect(like.tapped("like") == [.send(reaction: "like")])
        for _ in 0..<4 {
            #expect(like.tapped(nil) == [])
            #expect(like.shown.count == 0)
            #expect(like.tapped("like") == [])
            #expect(like.shown.count == 1)
        }
        #expect(like.tapped(nil) == [])
        #expect(like.answered(try Self.result(["like": 1], own: "like")) == [.send(reaction: nil)])
        #expect(!like.shown.isLiked && like.shown.count == 0)
        #expect(like.answered(try Self.result([:], own: nil)) == [.waitGrace(1)])
        #expect(!like.shown.isPending)
    }

    @Test("A failure takes back what was shown, and asks where it may have taken effect")
    func failure() throws {
        var like = try Self.known(["like": 5])
        _ = like.tapped("like")
        #expect(like.failed(mayHaveTakenEffect: false) == [.waitGrace(1)])
        #expect(!like.shown.isLiked && like.shown.count == 5 && !like.shown.isPending)
        _ = like.tapped("like")
        #expect(like.failed(mayHaveTakenEffect: true) == [.waitGrace(2), .refresh])
        #expect(like.refreshed(try Self.count(["like": 6], own: "like")) == [])
        #expect(like.shown.isLiked && like.shown.count == 6)
    }

    @Test("A live count from before the own change neither hides nor doubles it, and the newest holds in the end")
    func liveBefore() throws {
        var like = try Self.known(["like": 5])
        _ = like.tapped("like")
        _ = like.live(try Self.count(["like": 7]))
        #expect(like.shown.count == 6)
        let effects = like.answered(try Self.result(["like": 8], own: "like"))
        #expect(like.shown.count == 8)
        _ = like.live(try Self.count(["like": 9]))
        #expect(like.shown.count == 8)
        #expect(effects == [.waitGrace(1)])
        _ = like.graceIsOver(1)
        #expect(like.shown.count == 9)
        _ = like.live(try Self.count(["like": 10]))
        #expect(like.shown.count == 10)
    }

    @Test("Only the last grace ends the waiting")
    func oldGrace() throws {
        var like = try Self.known([:])
        _ = like.tapped("like")
        _ = like.answered(try Self.result(["like": 1], own: "like"))
        _ = like.tapped(nil)
        _ = like.live(try Self.count(["like": 1]))
        _ = like.graceIsOver(1)
        #expect(like.shown.count == 0)
        #expect(like.answered(try Self.result([:], own: nil)) == [.waitGrace(2)])
        _ = like.graceIsOver(1)
        #expect(like.shown.count == 0)
        _ = like.live(try Self.count([:]))
        _ = like.graceIsOver(2)
        #expect(like.shown.count == 0)
    }

    @Test("A count that lags never hides the own like")
    func lagging() throws {
        var like = try Self.known([:], own: "like")
        #expect(like.shown.isLiked && like.shown.count == 1 && like.shown.reactions == ["like": 1])
        _ = like.live(try Self.count(["love": 3]))
        #expect(like.shown.count == 4 && like.shown.reactions == ["love": 3, "like": 1])
    }

    @Test(
        "Whatever comes in whatever order, what is shown is whole, and in the end it is what holds",
        arguments: SeededRandom.seeds(100))
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var like = OptimisticLike()
        // The server: others' reactions, the own one, and what is on its way.
        var others: [String: UInt64] = ["like": UInt64(random.below(3))]
        var (own, wanted): (String?, String?) = (nil, nil)
        var (onItsWay, isAsked, grace): (String??, Bool, UInt64?) = (nil, false, nil)
        func held() -> [String: UInt64] {
            var held = others
            if let own { held[own, default: 0] += 1 }
            return held.filter { $0.value > 0 }
        }
        func take(_ effects: [OptimisticLike.Effect]) {
            for effect in effects {
                switch effect {
                case .send(let reaction):
                    #expect(onItsWay == nil, "two changes at a time, LIKEWISE_SEED=\(seed)")
                    onItsWay = .some(reaction)
                case .refresh: isAsked = true
                case .waitGrace(let number): grace = number
                }
            }
        }
        func check() {
            let shown = like.shown
            #expect(shown.count >= (shown.isLiked ? 1 : 0), "LIKEWISE_SEED=\(seed)")
            #expect(shown.count == shown.reactions.values.reduce(0, +), "LIKEWISE_SEED=\(seed)")
            #expect(!shown.reactions.values.contains(0), "LIKEWISE_SEED=\(seed)")
        }
        func step(_ kind: Int) throws {
            switch kind {
            case 0:
                wanted = random.pick([nil, "like", "love"])
                take(like.tapped(wanted))
                #expect(like.shown.reaction == wanted, "LIKEWISE_SEED=\(seed)")
            case 1: others[random.pick(["like", "love", "wow"])] = UInt64(random.below(4))
            case 2: take(like.live(try Self.count(held())))
            case 3:
                guard let change = onItsWay else { break }
                onItsWay = nil
                own = change
                take(like.answered(try Self.result(held(), own: own)))
            case 4:
                guard let change = onItsWay else { break }
                onItsWay = nil
                let isUnknown = random.chance(oneIn: 2)
                if isUnknown, random.chance(oneIn: 2) { own = change }
                take(like.failed(mayHaveTakenEffect: isUnknown))
                wanted = like.shown.reaction
            case 5:
                guard isAsked else { break }
                isAsked = false
                take(like.refreshed(try Self.count(held(), own: own)))
            default:
                guard let number = grace else { break }
                grace = nil
                take(like.graceIsOver(number))
            }
            check()
        }
        take(like.refreshed(try Self.count(held(), own: own)))
        for _ in 0..<300 { try step(random.below(7)) }
        // All calls end, the server tells of its last change, and the grace is over.
        while onItsWay != nil { try step(3) }
        try step(5)
        take(like.refreshed(try Self.count(held(), own: own)))
        take(like.live(try Self.count(held())))
        try step(6)
        #expect(like.shown.reaction == own, "LIKEWISE_SEED=\(seed)")
        #expect(like.shown.reactions == held(), "LIKEWISE_SEED=\(seed)")
        #expect(!like.shown.isPending, "LIKEWISE_SEED=\(seed)")
    }
}
