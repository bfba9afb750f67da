/// The one cell per (content, user): the reaction held, or none, with its version.
///
/// It changes only by `merge`, which keeps the higher version: commutative, associative and idempotent, so that the
/// order in which events arrive, and how often, changes nothing (a last-writer-wins register: Shapiro et al.,
/// "Conflict-free Replicated Data Types", 2011).
package struct Register: Hashable, Sendable {
    package var version: Version
    package var reaction: Reaction

    @inlinable
    package init(version: Version, reaction: Reaction) {
        self.version = version
        self.reaction = reaction
    }

    /// A register that nobody has touched.
    @inlinable
    package static var untouched: Register { Register(version: .zero, reaction: .none) }

    /// Whether this one gives way to `other`. Equal versions with different reactions come from a broken clock only;
    /// the higher code wins then, so that merge stays commutative.
    @inlinable
    package func yields(to other: Register) -> Bool {
        version != other.version ? version < other.version : reaction.rawValue < other.reaction.rawValue
    }

    /// Takes `other` in; answers what that did to the reaction, or nil where this register stays as it is.
    @inlinable
    @discardableResult
    package mutating func merge(_ other: Register) -> Transition? {
        guard yields(to: other) else { return nil }
        defer { self = other }
        return Transition(old: reaction, new: other.reaction, version: other.version)
    }
}

/// What an intent did to a register.
package struct Transition: Hashable, Sendable {
    package var old: Reaction
    package var new: Reaction
    package var version: Version

    @inlinable
    package init(old: Reaction, new: Reaction, version: Version) {
        self.old = old
        self.new = new
        self.version = version
    }
}

extension Register {
    /// What the intent to hold `wanted` does here: nothing where it is held already, else a transition whose version
    /// is later than the register's.
    @inlinable
    package func evaluate(_ wanted: Reaction, clock: inout HybridClock, milliseconds: UInt64) -> Transition? {
        guard wanted != reaction else { return nil }
        clock.observe(version)
        return Transition(old: reaction, new: wanted, version: clock.next(milliseconds: milliseconds))
    }
}
