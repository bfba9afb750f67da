// The count of one content as a cache holds it. As text, so that an operator can read it with redis-cli:
//
//     1773478000123456 42 1234 like=1200 love=34 .type=video .visibility=0 .registered=1 .cost=812 .expires=1773481600000
//
// When it was so (microseconds), the ledger's number for the content, the users who hold anything, then the reactions that
// anyone holds. What begins with a dot is not a reaction; what a node does not know of that it skips.

package import LikewiseCore
package import LikewiseEngine

/// The counts of one content at one moment.
package struct CachedCount: Hashable, Sendable {
    /// The content's id.
    package var content: [UInt8]
    /// The ledger's number for the content's present life; 0 where the ledger does not know it.
    package var number: Int64
    /// When the ledger said so, by the ledger's clock: microseconds since 1970.
    package var asOf: UInt64
    /// How many hold what.
    package var tally: Tally
    /// Type, visibility, and whether it was registered.
    package var description: ContentDescription
    /// The version of the latest deletion: registers before it are void.
    package var deleted: Version
    /// How long the ledger took to say it: microseconds; 0 where nobody measured it.
    package var cost: UInt64
    /// When Redis forgets it: milliseconds since 1970; 0 where it did not come from there.
    package var expires: UInt64

    /// What the ledger said of `content` at `asOf`.
    package init(
        content: [UInt8], number: Int64, asOf: UInt64, tally: Tally,
        description: ContentDescription = ContentDescription(), deleted: Version = .zero, cost: UInt64 = 0,
        expires: UInt64 = 0
    ) {
        self.content = content
        self.number = number
        self.asOf = asOf
        self.tally = tally
        self.description = description
        self.deleted = deleted
        self.cost = cost
        self.expires = expires
    }
}

extension CachedCount {
    /// The value that Redis keeps.
    package func text(_ reactions: ReactionSet) -> [UInt8] {
        var text = "\(asOf) \(number) \(tally.total)"
        for (reaction, count) in tally.held {
            if let name = reactions.name(of: reaction) { text += " \(name)=\(count)" }
        }
        var bytes = Array(text.utf8)
        if !description.type.isEmpty {
            bytes += " .type=".utf8
            bytes += description.type
        }
        bytes += " .visibility=\(description.visibility.rawValue) .registered=\(description.registered ? 1 : 0)".utf8
        if deleted != .zero { bytes += " .deleted=\(deleted.reading).\(deleted.region)".utf8 }
        bytes += " .cost=\(cost) .expires=\(expires)".utf8
        return bytes
    }

    /// Reads a value; nil where it is none of ours, names a reaction that `reactions` does not know, or does not add up.
    package init?(content: [UInt8], text: [UInt8], _ reactions: ReactionSet) {
        var words = text.split(separator: UInt8(ascii: " ")).makeIterator()
        guard let asOf = words.next().flatMap({ Self.number($0) }),
            let number = words.next().flatMap({ Self.number($0) }), number <= UInt64(Int64.max),
            let total = words.next().flatMap({ Self.number($0) })
        else { return nil }
        self.init(content: content, number: Int64(number), asOf: asOf, tally: Tally())
        while let word = words.next() {
            guard let equals = word.firstIndex(of: UInt8(ascii: "=")),
                take(name: word[..<equals], value: word[(equals + 1)...], reactions)
            else { return nil }
        }
        guard tally.total == total else { return nil }
    }

    private mutating func take(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>, _ reactions: ReactionSet) -> Bool {
        guard name.first == UInt8(ascii: ".") else {
            guard let reaction = reactions.held(named: name), let count = Self.number(value),
                count <= UInt64(Int64.max),
                tally.total <= UInt64(Int64.max) - count, tally.count(of: reaction) == 0
            else { return false }
            tally.add(Int64(count), to: reaction)
            return true
        }
        switch String(decoding: name.dropFirst(), as: UTF8.self) {
        case "type": description.type = Array(value)
        case "visibility":
            guard let number = Self.number(value).flatMap({ UInt8(exactly: $0) }),
                let visibility = ContentDescription.Visibility(rawValue: number)
            else { return false }
            description.visibility = visibility
        case "registered": description.registered = value.elementsEqual("1".utf8)
        case "deleted":
            let parts = value.split(separator: UInt8(ascii: "."))
            guard parts.count == 2, let reading = Self.number(parts[0]), let region = Self.number(parts[1]) else {
                return false
            }
            deleted = Version(reading: reading, region: UInt16(truncatingIfNeeded: region))
        case "cost": cost = Self.number(value) ?? 0
        case "expires": expires = Self.number(value) ?? 0
        default: break
        }
        return true
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            let (shifted, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (next, overflowedToo) = shifted.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !overflowed, !overflowedToo else { return nil }
            number = next
        }
        return number
    }
}
