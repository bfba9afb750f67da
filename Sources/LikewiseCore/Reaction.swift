/// What a user holds on a content: a code, 1 to 64, or `none`. The names are the operator's (`ReactionSet`).
public struct Reaction: RawRepresentable, Hashable, Sendable {
    /// The code; 0 for none.
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

    /// The name of a reaction held, or nil for `none` and for a code that was never given out.
    public func name(of reaction: Reaction) -> String? {
        let code = Int(reaction.rawValue)
        return code >= 1 && code <= names.count ? names[code - 1] : nil
    }

    /// The names that are accepted as input, in the order of their codes.
    public var acceptedNames: [String] {
        names.enumerated().filter { accepted & (1 << UInt64($0.offset)) != 0 }.map(\.element)
    }
}
