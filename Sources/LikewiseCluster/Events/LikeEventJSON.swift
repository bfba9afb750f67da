// An event as JSON, one object:
//
//     {"event_id":"019abc…-0000-5f3a…","action":"like","content_id":"video_1","content_type":"video","user_id":"ann",
//      "reaction":"like","previous_reaction":"love","version":"01a2…","region":0,"timestamp":1795334400000}
//
// `version` is the reading of the hybrid clock as 16 hexadecimal digits, since a JSON number of 64 bits is not the same
// number to every reader. Versions are ordered by `version`, then by `region`. Fields that a reader does not know are to be
// passed over; fields are added, and never change their meaning.

package import LikewiseAPI
package import LikewiseCore
import LikewiseEngine

/// Why bytes are no event.
package enum LikeEventProblem: Error, Equatable, Sendable {
    /// They are not one JSON object.
    case json(BodyProblem)
    /// A field that must be there is missing, or is not what it must be.
    case field(String)
    /// A reaction that this process does not know; an operator has added it elsewhere.
    case unknownReaction(String)
}

/// Writes and reads events.
package enum LikeEventJSON {
    /// The names of `action`, by kind and by whether a reaction is held.
    private enum Action {
        static let like = "like"
        static let unlike = "unlike"
        static let contentPut = "content_put"
        static let contentDeleted = "content_deleted"
    }

    /// The event as the topic carries it.
    package static func encode(_ event: LikeEvent, reactions: ReactionSet) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { body in
                let id = event.id
                body.field("event_id", "\(hex(id.version.reading))-\(hex(id.version.region))-\(hex(id.key))")
                body.field("action", action(event))
                body.field("content_id", utf8: event.content)
                if !event.type.isEmpty { body.field("content_type", utf8: event.type) }
                if event.kind == .register { body.field("user_id", utf8: event.user) }
                if let name = reactions.name(of: event.reaction) { body.field("reaction", name) }
                if let name = reactions.name(of: event.previous) { body.field("previous_reaction", name) }
                if event.kind == .contentPut {
                    body.field("visibility", event.visibility == .public ? "public" : "private")
                }
                body.field("version", hex(event.version.reading))
                body.field("region", UInt64(event.version.region))
                body.field("timestamp", event.version.milliseconds)
            }
        }
    }

    private static func action(_ event: LikeEvent) -> String {
        switch event.kind {
        case .register: event.reaction == .none ? Action.unlike : Action.like
        case .contentPut: Action.contentPut
        case .contentDeleted: Action.contentDeleted
        }
    }

    private static func hex<T: FixedWidthInteger & UnsignedInteger>(_ number: T) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: T.bitWidth / 4 - digits.count) + digits
    }

    /// The event in `bytes`.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, reactions: ReactionSet
    ) throws(LikeEventProblem) -> LikeEvent {
        var fields = Fields()
        do throws(BodyProblem) { try fields.scan(bytes) } catch { throw .json(error) }
        return try fields.event(reactions)
    }

    /// The fields of an event that this version reads, as they stand.
    private struct Fields {
        var action, content, type, user, reaction, previous, visibility, version: [UInt8]?
        var region: UInt16?

        mutating func scan(_ bytes: UnsafeRawBufferPointer) throws(BodyProblem) {
            var scanner = JSONScanner(bytes)
            guard scanner.peek() == UInt8(ascii: "{") else { throw .notAnObject }
            try scanner.enter(UInt8(ascii: "{"))
            var first = true
            while let name = try scanner.nextField(first: &first) {
                guard let slot = Self.slot(UnsafeRawBufferPointer(rebasing: bytes[name.start..<name.end])) else {
                    if Self.isRegion(UnsafeRawBufferPointer(rebasing: bytes[name.start..<name.end])) {
                        region = try Self.number(&scanner, bytes)
                    } else {
                        try scanner.skipValue()
                    }
                    continue
                }
                self[keyPath: slot] = try Self.string(&scanner, bytes)
            }
            try scanner.finish()
        }

        private static func isRegion(_ name: UnsafeRawBufferPointer) -> Bool { name.elementsEqual("region".utf8) }

        private static func slot(_ name: UnsafeRawBufferPointer) -> WritableKeyPath<Fields, [UInt8]?>? {
            func equals(_ known: StaticString) -> Bool {
                name.count == known.utf8CodeUnitCount && known.withUTF8Buffer { name.elementsEqual($0) }
            }
            switch name.count {
            case 6: return equals("action") ? \.action : nil
            case 7: return equals("user_id") ? \.user : equals("version") ? \.version : nil
            case 8: return equals("reaction") ? \.reaction : nil
            case 10: return equals("content_id") ? \.content : equals("visibility") ? \.visibility : nil
            case 12: return equals("content_type") ? \.type : nil
            case 17: return equals("previous_reaction") ? \.previous : nil
            default: return nil
            }
        }

        /// The string that begins here; nil for any other value, which is passed.
        private static func string(
            _ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer
        ) throws(BodyProblem) -> [UInt8]? {
            guard scanner.peek() == UInt8(ascii: "\"") else {
                try scanner.skipValue()
                return nil
            }
            let string = try scanner.takeString()
            guard string.hasEscapes else { return Array(bytes[string.start..<string.end]) }
            var resolved: [UInt8] = []
            try scanner.unescape(string, into: &resolved)
            return resolved
        }

        private static func number(
            _ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer
        ) throws(BodyProblem) -> UInt16? {
            _ = scanner.peek()
            let start = scanner.at
            try scanner.skipValue()
            return UInt16(String(decoding: bytes[start..<scanner.at], as: UTF8.self))
        }

        func event(_ reactions: ReactionSet) throws(LikeEventProblem) -> LikeEvent {
            guard let content, Self.isID(content, limit: IDRules.contentBytes) else { throw .field("content_id") }
            guard let version, let reading = UInt64(String(decoding: version, as: UTF8.self), radix: 16),
                reading <= UInt64(Int64.max)
            else { throw .field("version") }
            guard let region else { throw .field("region") }
            let kind: LikeEvent.Kind
            switch String(decoding: action ?? [], as: UTF8.self) {
            case Action.like, Action.unlike: kind = .register
            case Action.contentPut: kind = .contentPut
            case Action.contentDeleted: kind = .contentDeleted
            default: throw .field("action")
            }
            var event = LikeEvent(kind, content: content, version: Version(reading: reading, region: region))
            if let type {
                guard IDRules.isName(type) else { throw .field("content_type") }
                event.type = type
            }
            if let visibility, visibility.elementsEqual("private".utf8) { event.visibility = .private }
            guard kind == .register else { return event }
            guard let user, Self.isID(user, limit: IDRules.userBytes) else { throw .field("user_id") }
            event.user = user
            if let previous { event.previous = try Self.reaction(previous, reactions) }
            guard action?.elementsEqual(Action.like.utf8) == true else { return event }
            guard let reaction else { throw .field("reaction") }
            event.reaction = try Self.reaction(reaction, reactions)
            return event
        }

        /// The code of a name, also of one that is no longer accepted as input.
        private static func reaction(
            _ name: [UInt8], _ reactions: ReactionSet
        ) throws(LikeEventProblem) -> Reaction {
            for (index, known) in reactions.names.enumerated() where known.utf8.elementsEqual(name) {
                return Reaction(rawValue: UInt8(index + 1))
            }
            throw .unknownReaction(String(decoding: name, as: UTF8.self))
        }

        private static func isID(_ bytes: [UInt8], limit: Int) -> Bool {
            bytes.withUnsafeBytes { bytes in
                do throws(IDRules.Problem) {
                    try IDRules.check(bytes, limit: limit)
                    return true
                } catch { return false }
            }
        }
    }
}
