// An event as JSON, one object:
//
//     {"event_id":"019abc…-0000-5f3a…","action":"like","content_id":"video_1","content_type":"video","user_id":"ann",
//      "reaction":"like","previous_reaction":"love","version":"01a2…","region":0,"timestamp":1795334400000}
//
// `version` is the reading of the hybrid clock as 16 hexadecimal digits, since a JSON number of 64 bits is not the same
// number to every reader. Versions are ordered by `version`, then by `region`. Fields that a reader does not know are to be
// passed over; fields are added, and never change their meaning. A like that is held back has the action `hold`, and what
// follows on one that was says so in `previous_held` instead of `previous_reaction`.

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
        static let like: StaticString = "like"
        /// A like that is held back: an action of its own, so that no reader takes it for one that counts.
        static let hold: StaticString = "hold"
        static let unlike: StaticString = "unlike"
        static let contentPut: StaticString = "content_put"
        static let contentDeleted: StaticString = "content_deleted"
    }

    /// The event as the topic carries it.
    package static func encode(_ event: LikeEvent, reactions: ReactionSet) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { body in
                let id = event.id
                body.field("event_id", "\(hex(id.version.reading))-\(hex(id.version.region))-\(hex(id.key))")
                body.field("action", action(event).description)
                body.field("content_id", utf8: event.content)
                if !event.type.isEmpty { body.field("content_type", utf8: event.type) }
                if event.kind == .register { body.field("user_id", utf8: event.user) }
                if let name = reactions.name(of: event.reaction) { body.field("reaction", name) }
                if let name = reactions.name(of: event.previous) {
                    body.field(event.previous.isHeld ? "previous_held" : "previous_reaction", name)
                }
                if event.kind == .contentPut {
                    body.field("visibility", event.visibility == .public ? "public" : "private")
                }
                body.field("version", hex(event.version.reading))
                body.field("region", UInt64(event.version.region))
                body.field("timestamp", event.version.milliseconds)
            }
        }
    }

    private static func action(_ event: LikeEvent) -> StaticString {
        switch event.kind {
        case .register:
            event.reaction == .none ? Action.unlike : event.reaction.isHeld ? Action.hold : Action.like
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
        var fields = Fields(bytes)
        do throws(BodyProblem) { try fields.scan() } catch { throw .json(error) }
        return try fields.event(reactions)
    }

    /// The fields of an event that this version reads, where they stand.
    private struct Fields {
        private let bytes: UnsafeRawBufferPointer
        private var scanner: JSONScanner
        private var action, content, type, user, reaction, previous, previousHeld, visibility, version: JSONString?
        private var region: UInt16?

        init(_ bytes: UnsafeRawBufferPointer) {
            self.bytes = bytes
            scanner = JSONScanner(bytes)
        }

        mutating func scan() throws(BodyProblem) {
            guard scanner.peek() == UInt8(ascii: "{") else { throw .notAnObject }
            try scanner.enter(UInt8(ascii: "{"))
            var first = true
            while let name = try scanner.nextField(first: &first) { try take(name) }
            try scanner.finish()
        }

        /// Takes the value of the field `name`. Of two fields with one name the last counts.
        private mutating func take(_ name: JSONString) throws(BodyProblem) {
            switch name.count {
            case 6 where stands("action", name): action = try string()
            case 6 where stands("region", name): region = try number()
            case 7 where stands("user_id", name): user = try string()
            case 7 where stands("version", name): version = try string()
            case 8 where stands("reaction", name): reaction = try string()
            case 10 where stands("content_id", name): content = try string()
            case 10 where stands("visibility", name): visibility = try string()
            case 12 where stands("content_type", name): type = try string()
            case 13 where stands("previous_held", name): previousHeld = try string()
            case 17 where stands("previous_reaction", name): previous = try string()
            default: try scanner.skipValue()
            }
        }

        @inline(__always)
        private func raw(_ string: JSONString) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[string.start..<string.end])
        }

        @inline(__always)
        private func stands(_ text: StaticString, _ string: JSONString) -> Bool {
            sameBytes(raw(string), UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }

        /// The string that begins here; nil for any other value, which is passed.
        private mutating func string() throws(BodyProblem) -> JSONString? {
            guard scanner.peek() == UInt8(ascii: "\"") else {
                try scanner.skipValue()
                return nil
            }
            return try scanner.takeString()
        }

        private mutating func number() throws(BodyProblem) -> UInt16? {
            _ = scanner.peek()
            let start = scanner.at
            try scanner.skipValue()
            return UInt16(String(decoding: bytes[start..<scanner.at], as: UTF8.self))
        }

        /// A string's own bytes.
        private func text(_ string: JSONString) throws(LikeEventProblem) -> [UInt8] {
            guard string.hasEscapes else { return Array(raw(string)) }
            var resolved: [UInt8] = []
            do throws(BodyProblem) { try scanner.unescape(string, into: &resolved) } catch { throw .json(error) }
            return resolved
        }

        /// Whether a string is `text`.
        private func says(_ wanted: StaticString, _ string: JSONString?) throws(LikeEventProblem) -> Bool {
            guard let string else { return false }
            if !string.hasEscapes { return stands(wanted, string) }
            return wanted.description.utf8.elementsEqual(try text(string))
        }

        func event(_ reactions: ReactionSet) throws(LikeEventProblem) -> LikeEvent {
            guard let content, let id = try id(content, limit: IDRules.contentBytes) else { throw .field("content_id") }
            guard let version, let reading = try reading(version) else { throw .field("version") }
            guard let region else { throw .field("region") }
            let isHeld = try says(Action.hold, action)
            let isLike = isHeld ? true : try says(Action.like, action)
            let kind = try isLike ? .register : otherKind()
            var event = LikeEvent(kind, content: id, version: Version(reading: reading, region: region))
            if let type {
                event.type = try text(type)
                guard IDRules.isName(event.type) else { throw .field("content_type") }
            }
            if try says("private", visibility) { event.visibility = .private }
            guard kind == .register else { return event }
            guard let user, let userID = try self.id(user, limit: IDRules.userBytes) else { throw .field("user_id") }
            event.user = userID
            if let previous { event.previous = try code(previous, reactions) }
            if let previousHeld { event.previous = try code(previousHeld, reactions).asHeld }
            guard isLike else { return event }
            guard let reaction else { throw .field("reaction") }
            event.reaction = try code(reaction, reactions)
            if isHeld { event.reaction = event.reaction.asHeld }
            return event
        }

        /// The kind of an event that is no like.
        private func otherKind() throws(LikeEventProblem) -> LikeEvent.Kind {
            if try says(Action.unlike, action) { return .register }
            if try says(Action.contentPut, action) { return .contentPut }
            if try says(Action.contentDeleted, action) { return .contentDeleted }
            throw .field("action")
        }

        /// The digits of a clock's reading; nil where they are none.
        private func reading(_ string: JSONString) throws(LikeEventProblem) -> UInt64? {
            let digits = try string.hasEscapes ? text(string) : Array(raw(string))
            guard let reading = UInt64(String(decoding: digits, as: UTF8.self), radix: 16),
                reading <= UInt64(Int64.max)
            else { return nil }
            return reading
        }

        /// The code of a name, also of one that is no longer accepted as input.
        private func code(_ string: JSONString, _ reactions: ReactionSet) throws(LikeEventProblem) -> Reaction {
            if !string.hasEscapes, let reaction = reactions.held(named: raw(string)) { return reaction }
            let name = try text(string)
            guard let reaction = reactions.held(named: name) else {
                throw .unknownReaction(String(decoding: name, as: UTF8.self))
            }
            return reaction
        }

        /// An id that the rules allow; nil for any other.
        private func id(_ string: JSONString, limit: Int) throws(LikeEventProblem) -> [UInt8]? {
            let bytes = try text(string)
            let isAllowed = bytes.withUnsafeBytes { bytes in
                do throws(IDRules.Problem) {
                    try IDRules.check(bytes, limit: limit)
                    return true
                } catch { return false }
            }
            return isAllowed ? bytes : nil
        }
    }
}
