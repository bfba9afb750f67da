package import LikewiseCore

/// What a recount found.
package struct RecountResult: Hashable, Sendable {
    /// A tally that says something else than the registers.
    package struct Drift: Hashable, Sendable {
        /// The content's id; nil for registers or tallies of a number that belongs to no content.
        package var content: [UInt8]?
        /// The ledger's number of the content.
        package var key: Int64
        package var reaction: Reaction
        /// Registers that hold the reaction.
        package var counted: UInt64
        /// What the tally says.
        package var tallied: UInt64

        package init(content: [UInt8]?, key: Int64, reaction: Reaction, counted: UInt64, tallied: UInt64) {
            self.content = content
            self.key = key
            self.reaction = reaction
            self.counted = counted
            self.tallied = tallied
        }
    }

    /// Registers of contents that are not deleted, held or not.
    package var registers: UInt64 = 0
    /// Of those, the ones that hold a reaction which counts.
    package var likes: UInt64 = 0
    /// Of the registers, the ones whose reaction is held back.
    package var held: UInt64 = 0
    package var contents: UInt64 = 0
    /// The first drifts found, by content's number, then by reaction.
    package var drifts: [Drift] = []
    /// How many drifts there are, beyond those in `drifts` too.
    package var driftCount: UInt64 = 0

    /// How many drifts are given in full.
    package static let driftLimit = 100

    package init() {}

    /// Counters of one content: none, each reaction by its code, and all that is held back.
    static let places = Int(Reaction.limit) + 2

    /// The counter of what a register holds.
    @inline(__always)
    static func place(of reaction: Reaction) -> Int {
        reaction.isHeld ? places - 1 : Int(reaction.rawValue)
    }

    /// Adds the counters of a content.
    mutating func add(_ counts: [UInt64]) {
        registers += counts.reduce(0, +)
        likes += counts.dropFirst().dropLast().reduce(0, +)
        held += counts.last ?? 0
    }

    mutating func compare(_ counts: [UInt64], _ tallies: [UInt64], of key: Int64, content: [UInt8]?) {
        for code in 1...Int(Reaction.limit) where counts[code] != tallies[code] {
            driftCount += 1
            if drifts.count == Self.driftLimit { continue }
            drifts.append(
                Drift(
                    content: content, key: key, reaction: Reaction(rawValue: UInt8(code)), counted: counts[code],
                    tallied: tallies[code]))
        }
    }
}
