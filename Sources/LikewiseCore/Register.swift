/// The one cell per (content, user): the reaction held, or none, with its version.
///
/// It changes only by `merge`, which keeps the higher version: commutative, associative and idempotent, so that the
/// order in which events arrive, and how often, changes nothing (a last-writer-wins register: Shapiro et al.,
/// "Conflict-free Replicated Data Types", 2011).
public struct Register: Hashable, Sendable {
    /// When it was last changed.
    public var version: Version
    /// What is held since.
    public var reaction: Reaction

    /// A register as somebody has left it.
    @inlinable
    public init(version: Version, reaction: Reaction) {
        self.version = version
        self.reaction = reaction
    }

    /// A register that nobody has touched.
    @inlinable
    public static var untouched: Register { Register(version: .zero, reaction: .none) }

    /// Whether this one gives way to `other`. Equal versions with different reactions come from a broken clock only;
    /// the higher code wins then, so that merge stays commutative.
    @inlinable
    public func yields(to other: Register) -> Bool {
        version != other.version ? version < other.version : reaction.rawValue < other.reaction.rawValue
    }

    /// Takes `other` in; answers what that did to the reaction, or nil where this register stays as it is.
    @inlinable
    @discardableResult
    public mutating func merge(_ other: Register) -> Transition? {
        guard yields(to: other) else { return nil }
        defer { self = other }
        return Transition(old: reaction, new: other.reaction, version: other.version)
    }
}

/// What an intent did to a register.
public struct Transition: Hashable, Sendable {
    /// What was held before.
    public var old: Reaction
    /// What is held from then on.
    public var new: Reaction
    /// The register's version from then on.
    public var version: Version

    /// A change from `old` to `new`.
    @inlinable
    public init(old: Reaction, new: Reaction, version: Version) {
        self.old = old
        self.new = new
        self.version = version
    }
}

extension Register {
    /// What it does to hold `wanted` from now on: nothing where it is held already, else a transition whose version is
    /// later than the register's.
    @inlinable
    public func evaluate(_ wanted: Reaction, clock: inout HybridClock, milliseconds: UInt64) -> Transition? {
        guard wanted != reaction else { return nil }
        clock.observe(version)
        return Transition(old: reaction, new: wanted, version: clock.next(milliseconds: milliseconds))
    }
}
