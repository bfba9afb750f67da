/// The counts of one content: per reaction, and in all (users who hold any). 64 bits wide, never negative. Reactions that
/// are held back do not count.
///
/// Nearly every content knows only `like`, so the other reactions have room only once one of them is held.
public struct Tally: Hashable, Sendable {
    /// Users who hold any reaction.
    public private(set) var total: UInt64 = 0
    /// Users who hold `like`.
    public private(set) var likes: UInt64 = 0
    /// Users who hold code i + 2, or empty. Trailing zeros are cut, so that equal counts are equal values.
    private var others: [UInt64] = []

    /// Nobody holds anything.
    @inlinable
    public init() {}

    /// How many users hold `reaction`; 0 for `none`, and for one that is held back.
    public func count(of reaction: Reaction) -> UInt64 {
        let code = Int(reaction.rawValue)
        if code == 1 { return likes }
        return code >= 2 && code - 2 < others.count ? others[code - 2] : 0
    }

    /// The reactions that someone holds, in the order of their codes.
    public var held: [(reaction: Reaction, count: UInt64)] {
        var result: [(reaction: Reaction, count: UInt64)] = []
        if likes > 0 { result.append((.like, likes)) }
        for (i, n) in others.enumerated() where n > 0 { result.append((Reaction(rawValue: UInt8(i + 2)), n)) }
        return result
    }

    /// Moves one user from `old` to `new`. What is held back counts as nothing.
    public mutating func apply(old: Reaction, new: Reaction) {
        if old == .none && new == .like {
            total += 1
            likes += 1
        } else {
            applyAny(old: old, new: new)
        }
    }

    private mutating func applyAny(old: Reaction, new: Reaction) {
        let (old, new) = (old.counted, new.counted)
        guard old != new else { return }
        if old != .none {
            precondition(count(of: old) > 0, "no user holds reaction \(old.rawValue), so none can let go of it")
            add(-1, to: old)
        }
        if new != .none { add(1, to: new) }
    }

    /// Adds `delta` users to `reaction`. A tally that would go below zero is a broken invariant.
    public mutating func add(_ delta: Int64, to reaction: Reaction) {
        let code = Int(reaction.rawValue)
        precondition(code >= 1 && code <= Int(Reaction.limit), "no count is kept for reaction \(code)")
        let changed = Int64(bitPattern: count(of: reaction)) + delta
        precondition(changed >= 0, "reaction \(code) would count \(changed)")
        total = UInt64(Int64(bitPattern: total) + delta)
        if code == 1 {
            likes = UInt64(changed)
            return
        }
        while others.count <= code - 2 { others.append(0) }
        others[code - 2] = UInt64(changed)
        while others.last == 0 { others.removeLast() }
    }
}
