// What kills cost a level: the likes that were acknowledged, against what the count says afterwards.
//
// Every like of the load is by another user. After a kill the likes that were not answered are sent again, as a client
// does, until each is acknowledged; so the count has to have grown by the number of users acknowledged since it was last
// read, no more and no less. Only then a thousand of the level's first users tap once more, which must not move it: what
// it moves by is counted apart, since these repeats are the measurement's own.

/// The sum over kills of one process.
package struct LossAccount: Equatable {
    /// Kills so far.
    package private(set) var kills = 0
    /// Users whose like was acknowledged, before the kill or when sent again after it.
    package private(set) var acknowledged = 0
    /// Likes acknowledged that the count lacks.
    package private(set) var lost = 0
    /// Likes that the count holds beyond those acknowledged.
    package private(set) var doubled = 0
    /// Likes sent again by users who had liked long before.
    package private(set) var repeats = 0
    /// Of these, how many moved the count.
    package private(set) var repeatsCounted = 0

    package init() {}

    /// Adds a kill: users acknowledged between two readings of the count, and by how much these differ. Within one kill
    /// a loss and a doubling cancel out; what is shown is their difference.
    package mutating func add(acknowledged: Int, counted: Int) {
        kills += 1
        self.acknowledged += acknowledged
        lost += max(0, acknowledged - counted)
        doubled += max(0, counted - acknowledged)
    }

    /// Adds repeats, and by how much the count moved with them.
    package mutating func add(repeats: Int, counted: Int) {
        self.repeats += repeats
        repeatsCounted += max(0, counted)
    }

    /// What a person reads in the table: `0 of 120,345`, `12 lost of …`, `3 twice of …`.
    package var summary: String {
        var parts: [String] = []
        if lost > 0 { parts.append("\(Grouped.text(lost)) lost") }
        if doubled > 0 { parts.append("\(Grouped.text(doubled)) twice") }
        if parts.isEmpty { parts.append("0") }
        let text = "\(parts.joined(separator: ", ")) of \(Grouped.text(acknowledged))"
        return repeatsCounted == 0
            ? text : text + "; \(Grouped.text(repeatsCounted)) of \(Grouped.text(repeats)) repeats counted again"
    }
}

/// Numbers for people.
package enum Grouped {
    /// `1234567` as `1,234,567`.
    package static func text(_ number: Int) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        groups.insert(digits, at: 0)
        return (number < 0 ? "-" : "") + groups.joined(separator: ",")
    }
}
