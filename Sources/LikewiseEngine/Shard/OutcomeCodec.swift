// The outcome of a like as the payload of a stored answer: enough to write the same answer again after a restart.
//
//   1 tag (1), 1 status, 1 old, 1 new, 8 reading, 2 region, 1 reactions held, then for each: 1 code, 8 users

import LikewiseCore

package enum OutcomeCodec {
    /// The first byte of a payload that holds an outcome; other payloads are the server's.
    package static let tag: UInt8 = 1
    package static let maxBytes = 15 + 9 * Int(Reaction.limit)

    package static func encode(_ outcome: Outcome) -> [UInt8] {
        var out: [UInt8] = [tag, outcome.status.rawValue, outcome.old.rawValue, outcome.new.rawValue]
        func append<T: FixedWidthInteger>(_ value: T) {
            withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
        }
        append(outcome.version.reading)
        append(outcome.version.region)
        let held = outcome.tally.held
        out.append(UInt8(held.count))
        for (reaction, count) in held {
            out.append(reaction.rawValue)
            append(count)
        }
        return out
    }

    /// nil where `bytes` are no outcome.
    package static func decode(_ bytes: [UInt8]) -> Outcome? {
        guard bytes.count >= 15, bytes[0] == tag, let status = Outcome.Status(rawValue: bytes[1]) else { return nil }
        func load<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
            bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type)) }
        }
        var outcome = Outcome(status: status)
        outcome.old = Reaction(rawValue: bytes[2])
        outcome.new = Reaction(rawValue: bytes[3])
        outcome.version = Version(reading: load(4, as: UInt64.self), region: load(12, as: UInt16.self))
        let held = Int(bytes[14])
        guard bytes.count == 15 + 9 * held else { return nil }
        var last: UInt8 = 0
        for i in 0..<held {
            let code = bytes[15 + 9 * i]
            let count = load(16 + 9 * i, as: UInt64.self)
            // Each code once, or their sum has no bound.
            guard code > last, code <= Reaction.limit, count > 0, count <= UInt64(Int64.max) / UInt64(Reaction.limit)
            else { return nil }
            outcome.tally.add(Int64(count), to: Reaction(rawValue: code))
            last = code
        }
        return outcome
    }
}
