/// What a user holds on a content: a code, 1 to 64, or `none`. The names are the operator's (`ReactionSet`).
///
/// One that is held back (`isHeld`) was given and is kept like any other, and does not count: a code of its own, so that
/// everything that carries a register carries that too.
public struct Reaction: RawRepresentable, Hashable, Sendable {
    /// The code, with `heldBit` set while it is held back; 0 for none.
    public var rawValue: UInt8

    /// The reaction with a code.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Its own, because the one of `RawRepresentable` is generic and called through a witness.
    @inlinable
    public static func == (a: Reaction, b: Reaction) -> Bool { a.rawValue == b.rawValue }

    /// The highest code.
    public static let limit: UInt8 = 64
    /// No reaction held.
    @inlinable
    public static var none: Reaction { Reaction(rawValue: 0) }
    /// The reaction of a call that names none; always code 1.
    @inlinable
    public static var like: Reaction { Reaction(rawValue: 1) }
}

// MARK: Held back

extension Reaction {
    /// Set in the code of a reaction that is held back.
    public static let heldBit: UInt8 = 0x80

    /// Whether it was given and does not count, until somebody releases or rejects it.
    @inlinable
    public var isHeld: Bool { rawValue & 0x80 != 0 }
    /// What tallies count it as: `none` while it is held back.
    @inlinable
    public var counted: Reaction { isHeld ? .none : self }
    /// What the user gave, held back or not.
    @inlinable
    public var asGiven: Reaction { Reaction(rawValue: rawValue & 0x7f) }
    /// The same, held back. There is nothing to hold back of `none`.
    @inlinable
    public var asHeld: Reaction { self == .none ? self : Reaction(rawValue: rawValue | 0x80) }
    /// Whether the code is one that a register can have.
    @inlinable
    public var isSound: Bool { rawValue & 0x7f <= Reaction.limit && rawValue != 0x80 }

    /// What is held once the user asks for `wanted` (`none`: an unlike; held back: a like that was judged so). What is held
    /// back stays so when its reaction changes, and asking again for what was given changes nothing.
    @inlinable
    public func changed(to wanted: Reaction) -> Reaction {
        if (rawValue | wanted.rawValue) & 0x80 == 0 || wanted == .none { return wanted }
        if wanted.asGiven == asGiven { return self }
        return isHeld ? wanted.asHeld : wanted
    }

    /// What is held once the operator lets it count: the same, unless it was held back.
    @inlinable
    public var released: Reaction { asGiven }
    /// What is held once the operator rejects it: the same, unless it was held back.
    @inlinable
    public var rejected: Reaction { counted }
}

/// The reactions' names, by code. A code is given once and never again to another name, so that log and ledger keep
/// their meaning when the operator changes the set: a name that is taken out is refused as input but still counted.
public struct ReactionSet: Hashable, Sendable {
    /// Why a set of names cannot be used.
    public enum Problem: Error, Equatable {
        /// More than 64 names, counting the ones that were used in the past.
        case tooMany
        /// A name is not 1–32 of `a-z 0-9 _ -`.
        case badName(String)
        /// `like` is missing: calls that name no reaction mean it.
        case likeMissing
    }

    /// The names that a new data folder begins with.
    public static let standard = ["like", "love", "haha", "wow", "sad", "angry"]

    /// All names ever given out; the code of `names[i]` is i + 1.
    public let names: [String]
    private let accepted: UInt64

    /// The set that accepts `wanted`, with the codes of `known` (from an earlier start) kept.
    public init(_ wanted: [String], known: [String] = []) throws(Problem) {
        guard wanted.contains("like") else { throw .likeMissing }
        var names = known.isEmpty ? ["like"] : known
        for name in wanted {
            guard IDRules.isName(Array(name.utf8)) else { throw .badName(name) }
            if !names.contains(name) { names.append(name) }
        }
        guard names.count <= Int(Reaction.limit) else { throw .tooMany }
        guard names[0] == "like" else { throw .likeMissing }
        self.names = names
        var accepted: UInt64 = 0
        for (i, name) in names.enumerated() where wanted.contains(name) { accepted |= 1 << UInt64(i) }
        self.accepted = accepted
    }

    private init(names: [String], accepted: UInt64) {
        self.names = names
        self.accepted = accepted
    }

    /// The same set in memory of its own, for a thread that asks often.
    public func copy() -> ReactionSet {
        ReactionSet(names: names.map { String(decoding: Array($0.utf8), as: UTF8.self) }, accepted: accepted)
    }

    /// The reaction called `name`, or nil where the set does not accept it.
    public func reaction(named name: UnsafeRawBufferPointer) -> Reaction? {
        for (i, known) in names.enumerated() where accepted & (1 << UInt64(i)) != 0 {
            if known.utf8.count == name.count && known.utf8.elementsEqual(name) {
                return Reaction(rawValue: UInt8(i + 1))
            }
        }
        return nil
    }

    /// The reaction called `name`, or nil where the set does not accept it.
    public func reaction(named name: String) -> Reaction? {
        var name = name
        return name.withUTF8 { reaction(named: UnsafeRawBufferPointer($0)) }
    }

    /// The name of a reaction held, also while it is held back; nil for `none` and for a code that was never given out.
    public func name(of reaction: Reaction) -> String? {
        let code = Int(reaction.asGiven.rawValue)
        return code >= 1 && code <= names.count ? names[code - 1] : nil
    }

    /// The names that are accepted as input, in the order of their codes.
    public var acceptedNames: [String] {
        names.enumerated().filter { accepted & (1 << UInt64($0.offset)) != 0 }.map(\.element)
    }
}
