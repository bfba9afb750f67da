// Likes as they reach a server, with whom each is from: what the detector is measured on.

package import LikewiseServer

/// Who stands behind a like.
package enum LikeOrigin: UInt8, CaseIterable, Sendable {
    case person
    /// A click farm with one address, or a few, and many accounts.
    case oneAddress
    /// One with few accounts and a pool of addresses.
    case manyAddresses
    /// One that takes days.
    case slowDrip
    /// One that likes and unlikes in turn.
    case toggling

    /// The kinds of farms.
    package static let farms = allCases.filter { $0 != .person }
}

/// A like or an unlike of a trace. A detector is shown all but `origin` and `farm`.
package struct TracedLike: Sendable {
    /// Since the trace began.
    package var milliseconds: Int64
    package var user: UInt32
    package var content: UInt32
    package var address: NetworkAddress
    /// The program that it came with; equal numbers, equal programs.
    package var client: UInt32
    package var isUnlike = false
    package var origin = LikeOrigin.person
    /// The number of the farm, from 1; 0: a person.
    package var farm = 0
}

/// A row of a recorded trace: who liked what when.
package struct RecordedLike: Sendable {
    package var second: Int64
    package var user: UInt32
    package var content: UInt32

    package init(second: Int64, user: UInt32, content: UInt32) {
        (self.second, self.user, self.content) = (second, user, content)
    }

    /// The rows of a text `timestamp_s,user_id,content_id` with numbers alone; its first line is passed over. Times are
    /// counted from the first row.
    package static func rows(_ text: some Sequence<UInt8>) -> [RecordedLike] {
        var rows: [RecordedLike] = []
        var fields: (Int64, Int64, Int64) = (0, 0, 0)
        var (field, isHead, isEmpty) = (0, true, true)
        for byte in text {
            switch byte {
            case UInt8(ascii: "\n"):
                if !isHead && !isEmpty && field == 2 {
                    rows.append(
                        RecordedLike(
                            second: fields.0, user: UInt32(truncatingIfNeeded: fields.1),
                            content: UInt32(truncatingIfNeeded: fields.2)))
                }
                (fields, field, isHead, isEmpty) = ((0, 0, 0), 0, false, true)
            case UInt8(ascii: ","): field += 1
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = Int64(byte - UInt8(ascii: "0"))
                isEmpty = false
                if field == 0 { fields.0 = fields.0 * 10 + digit }
                if field == 1 { fields.1 = fields.1 * 10 + digit }
                if field == 2 { fields.2 = fields.2 * 10 + digit }
            default: break
            }
        }
        let first = rows.first?.second ?? 0
        for place in rows.indices { rows[place].second -= first }
        return rows
    }
}
