// The bodies of the calls that like, change and unlike, and each line of bulk intake: one flat object.
//
// Nothing is copied. A field is answered as a range of the body (`Slice`), or, where the string had escapes, as a range
// of a scratch buffer that the caller keeps and empties. What a value means (an id's length, a reaction's name) is
// checked by who uses it; here it is a string or it is refused.
//
// Measured in release on the machine that the design's figures come from: see `SpeedTests`.

/// A string of a body, without a copy of it.
package struct Slice: Equatable, Sendable {
    /// The first byte, in the body or in the scratch buffer.
    package let offset: Int
    /// Bytes.
    package let length: Int
    /// Whether the bytes are in the scratch buffer: the string had escapes.
    package let inScratch: Bool

    package init(offset: Int, length: Int, inScratch: Bool) {
        self.offset = offset
        self.length = length
        self.inScratch = inScratch
    }

    /// Hands `use` the bytes: UTF-8, valid until it returns. `body` and `scratch` are those of the scan.
    @inlinable
    package func withBytes<Result, Failure: Error>(
        body: UnsafeRawBufferPointer, scratch: [UInt8],
        _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if !inScratch { return try use(UnsafeRawBufferPointer(rebasing: body[offset..<offset + length])) }
        return try scratch.withUnsafeBufferPointer { (all) throws(Failure) -> Result in
            try use(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(all)[offset..<offset + length]))
        }
    }

    /// The bytes as a string of its own.
    package func string(body: UnsafeRawBufferPointer, scratch: [UInt8]) -> String {
        withBytes(body: body, scratch: scratch) { String(decoding: $0, as: UTF8.self) }
    }
}

/// What an intent's body holds; nil for what it does not.
package struct IntentFields: Equatable, Sendable {
    /// `content_id`, also given as `contentId`, `video_id` or `videoId`.
    package var content: Slice?
    /// `user_id`, also given as `userId`.
    package var user: Slice?
    /// `content_type`, also given as `contentType`.
    package var type: Slice?
    package var reaction: Slice?
    package var action: Slice?
    package var visibility: Slice?

    package init() {}
}

/// One flat object with an intent's fields.
package enum IntentBody {
    /// The known fields of `body`. Strings with escapes are appended to `scratch`, resolved; after an error there may
    /// be some that nobody refers to.
    ///
    /// Throws for what is not JSON, not an object, a known field that is not a string, and a known field that is
    /// there twice. Unknown fields are checked and passed over.
    package static func scan(
        _ body: UnsafeRawBufferPointer, scratch: inout [UInt8]
    ) throws(BodyProblem) -> IntentFields {
        var scanner = JSONScanner(body)
        var fields = IntentFields()
        var first = true
        try scanner.enterBody()
        while let name = try scanner.nextField(first: &first) {
            switch try scanner.field(named: name, scratch: &scratch) {
            case .contentID: try scanner.take(.contentID, into: &fields.content, scratch: &scratch)
            case .userID: try scanner.take(.userID, into: &fields.user, scratch: &scratch)
            case .contentType: try scanner.take(.contentType, into: &fields.type, scratch: &scratch)
            case .reaction: try scanner.take(.reaction, into: &fields.reaction, scratch: &scratch)
            case .action: try scanner.take(.action, into: &fields.action, scratch: &scratch)
            case .visibility: try scanner.take(.visibility, into: &fields.visibility, scratch: &scratch)
            case .contentIDs, .items, nil: try scanner.skipValue()
            }
        }
        try scanner.finish()
        return fields
    }
}

extension JSONScanner {
    /// Steps into the object that a body must be.
    mutating func enterBody() throws(BodyProblem) {
        switch peek() {
        case UInt8(ascii: "{"): try enter(UInt8(ascii: "{"))
        case UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            throw .notAnObject
        default: try enter(UInt8(ascii: "{"))
        }
    }

    /// The string that begins here as the value of `field`, put into `slot` unless that is taken.
    @inline(__always)
    mutating func take(
        _ field: BodyField, into slot: inout Slice?, scratch: inout [UInt8]
    ) throws(BodyProblem) {
        guard slot == nil else { throw .duplicate(field) }
        slot = try takeSlice(of: field, scratch: &scratch)
    }

    /// The string that begins here, as a slice; `field` is to blame if it is none.
    @inline(__always)
    mutating func takeSlice(of field: BodyField, scratch: inout [UInt8]) throws(BodyProblem) -> Slice {
        if peek() != UInt8(ascii: "\"") {
            try skipValue()
            throw .wrongType(field)
        }
        let string = try takeString()
        guard string.hasEscapes else { return Slice(offset: string.start, length: string.count, inScratch: false) }
        let offset = scratch.count
        try unescape(string, into: &scratch)
        return Slice(offset: offset, length: scratch.count - offset, inScratch: true)
    }

    /// The field that `name` means, or nil for one that nobody asked for.
    @inline(__always)
    func field(named name: JSONString, scratch: inout [UInt8]) throws(BodyProblem) -> BodyField? {
        name.hasEscapes ? try escapedField(name, scratch: &scratch) : field(at: name.start, count: name.count)
    }

    private func escapedField(_ name: JSONString, scratch: inout [UInt8]) throws(BodyProblem) -> BodyField? {
        let offset = scratch.count
        defer { scratch.removeLast(scratch.count - offset) }
        try unescape(name, into: &scratch)
        return scratch.withUnsafeBytes { JSONScanner($0).field(at: offset, count: $0.count - offset) }
    }

    @inline(__always)
    private func field(at offset: Int, count: Int) -> BodyField? {
        switch count {
        case 5:
            if equals("items", at: offset) { return .items }
        case 6:
            if equals("userId", at: offset) { return .userID }
            if equals("action", at: offset) { return .action }
        case 7:
            if equals("user_id", at: offset) { return .userID }
            if equals("videoId", at: offset) { return .contentID }
        case 8:
            if equals("reaction", at: offset) { return .reaction }
            if equals("video_id", at: offset) { return .contentID }
            if equals("videoIds", at: offset) { return .contentIDs }
        case 9:
            if equals("contentId", at: offset) { return .contentID }
            if equals("video_ids", at: offset) { return .contentIDs }
        case 10:
            if equals("content_id", at: offset) { return .contentID }
            if equals("contentIds", at: offset) { return .contentIDs }
            if equals("visibility", at: offset) { return .visibility }
        case 11:
            if equals("content_ids", at: offset) { return .contentIDs }
            if equals("contentType", at: offset) { return .contentType }
        case 12:
            if equals("content_type", at: offset) { return .contentType }
        default: break
        }
        return nil
    }
}
