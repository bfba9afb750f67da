import LikewiseCore
import Testing

@Suite("Reaction set")
struct ReactionSetTests {
    @Test("The standard set gives like code 1 and the others the next ones")
    func standard() throws {
        let set = try ReactionSet(ReactionSet.standard)
        for (i, name) in ["like", "love", "haha", "wow", "sad", "angry"].enumerated() {
            #expect(set.reaction(named: name) == Reaction(rawValue: UInt8(i + 1)))
            #expect(set.name(of: Reaction(rawValue: UInt8(i + 1))) == name)
        }
        #expect(set.reaction(named: "like") == .like)
        #expect(set.acceptedNames == ReactionSet.standard)
    }

    @Test("Like has code 1 wherever it stands in the list")
    func likeIsFirst() throws {
        let set = try ReactionSet(["star", "like", "heart"])
        #expect(set.names == ["like", "star", "heart"])
        #expect(set.reaction(named: "like") == .like)
    }

    @Test(
        "A name that the set does not have is refused",
        arguments: ["", "Like", "like ", "lik", "likes", "LIKE", "unknown", "lïke", "like\0"])
    func unknown(name: String) throws {
        #expect(try ReactionSet(ReactionSet.standard).reaction(named: name) == nil)
    }

    @Test("No name belongs to none, or to a code that was never given out", arguments: [0, 7, 64, 65, 255] as [UInt8])
    func namelessCodes(code: UInt8) throws {
        #expect(try ReactionSet(ReactionSet.standard).name(of: Reaction(rawValue: code)) == nil)
    }

    @Test("Codes stay when the operator changes the set, takes a name out and puts it back")
    func codesAreKept() throws {
        let first = try ReactionSet(["like", "love", "wow"])
        let second = try ReactionSet(["star", "like", "wow"], known: first.names)
        #expect(second.names == ["like", "love", "wow", "star"])
        #expect(second.reaction(named: "love") == nil)
        #expect(second.name(of: Reaction(rawValue: 2)) == "love")
        #expect(second.reaction(named: "wow") == Reaction(rawValue: 3))
        #expect(second.reaction(named: "star") == Reaction(rawValue: 4))
        #expect(second.acceptedNames == ["like", "wow", "star"])
        let third = try ReactionSet(["love", "like"], known: second.names)
        #expect(third.names == second.names)
        #expect(third.reaction(named: "love") == Reaction(rawValue: 2))
        #expect(third.reaction(named: "star") == nil)
    }

    @Test("A name that is wanted twice has one code")
    func twice() throws {
        #expect(try ReactionSet(["like", "love", "love", "like"]).names == ["like", "love"])
    }

    @Test("64 reactions fit, with codes up to 64, and 65 do not")
    func limit() throws {
        let names = ["like"] + (2...64).map { "r\($0)" }
        let set = try ReactionSet(names)
        #expect(set.names.count == 64)
        #expect(set.reaction(named: "r64") == Reaction(rawValue: Reaction.limit))
        #expect(set.name(of: Reaction(rawValue: 64)) == "r64")
        #expect(set.acceptedNames == names)
        #expect(throws: ReactionSet.Problem.tooMany) { try ReactionSet(names + ["r65"]) }
    }

    @Test("Names of the past count against the limit")
    func limitWithThePast() throws {
        let past = ["like"] + (2...64).map { "r\($0)" }
        #expect(throws: ReactionSet.Problem.tooMany) { try ReactionSet(["like", "new"], known: past) }
        #expect(try ReactionSet(["like"], known: past).acceptedNames == ["like"])
    }

    @Test(
        "A name that is not 1 to 32 of a-z 0-9 _ - is refused",
        arguments: ["", "Love", "two words", "é", "a/b", "a.b", "a\n", String(repeating: "a", count: 33)])
    func badNames(name: String) {
        #expect(throws: ReactionSet.Problem.badName(name)) { try ReactionSet(["like", name]) }
    }

    @Test(
        "A name of 32 characters is fine", arguments: [String(repeating: "a", count: 32), "a", "-", "_", "0", "a-z_09"])
    func goodNames(name: String) throws {
        #expect(try ReactionSet(["like", name]).reaction(named: name) == Reaction(rawValue: 2))
    }

    @Test("A set without like is refused, also where it is empty or the past knows other codes")
    func likeMissing() {
        #expect(throws: ReactionSet.Problem.likeMissing) { try ReactionSet([]) }
        #expect(throws: ReactionSet.Problem.likeMissing) { try ReactionSet(["love"]) }
        #expect(throws: ReactionSet.Problem.likeMissing) { try ReactionSet(["love"], known: ["like"]) }
        #expect(throws: ReactionSet.Problem.likeMissing) { try ReactionSet(["like"], known: ["love", "like"]) }
    }
}
