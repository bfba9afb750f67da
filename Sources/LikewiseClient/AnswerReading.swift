// Answers as they come over the wire. Fields that this version does not know are passed over; a missing one that it
// needs makes the answer one that it does not understand.

import LikewiseAPI

extension JSONValue {
    /// What `value` gives, or the error for an answer without it.
    static func needed<Value>(_ value: Value?, _ name: String) throws(LikewiseError) -> Value {
        guard let value else { throw .notUnderstood("\(name) is missing or of another kind") }
        return value
    }

    func text(_ name: String) throws(LikewiseError) -> String { try JSONValue.needed(self[name]?.text, name) }
    func count(_ name: String) throws(LikewiseError) -> UInt64 { try JSONValue.needed(self[name]?.count, name) }
    func flag(_ name: String) throws(LikewiseError) -> Bool { try JSONValue.needed(self[name]?.flag, name) }

    func entries(_ name: String) throws(LikewiseError) -> [JSONValue] {
        try JSONValue.needed(self[name]?.entries, name)
    }

    /// `reactions`: counts by name.
    func reactions() throws(LikewiseError) -> [String: UInt64] {
        let fields = try JSONValue.needed(self["reactions"]?.fields, "reactions")
        let counts = fields.compactMapValues(\.count)
        guard counts.count == fields.count else { throw .notUnderstood("reactions has what is no count") }
        return counts
    }

    /// `since`, in milliseconds since 1970.
    func since() throws(LikewiseError) -> UInt64 {
        try JSONValue.needed(self["since"]?.text.flatMap(Timestamp.milliseconds(of:)), "since")
    }
}

extension LikewiseError {
    static func notUnderstood(_ what: String) -> LikewiseError {
        LikewiseError(.answer, "the answer is not one of this version: \(what)")
    }
}

extension Count {
    init(_ json: JSONValue) throws(LikewiseError) {
        contentID = try json.text("content_id")
        count = try json.count("count")
        reactions = try json.reactions()
        isApproximate = try json.flag("approx")
        display = try json.text("display")
        reaction = json["reaction"]?.text
    }

    /// The count of a live event, or an entry of a batch.
    package init(bytes: [UInt8]) throws(LikewiseError) { try self.init(JSONValue(answer: bytes)) }
}

extension LikeResult {
    init(_ json: JSONValue) throws(LikewiseError) {
        contentID = try json.text("content_id")
        userID = try json.text("user_id")
        reaction = try json.flag("liked") ? try json.text("reaction") : nil
        changed = try json.flag("changed")
        count = try json.count("count")
        reactions = try json.reactions()
        isApproximate = try json.flag("approx")
    }
}

extension LikeResult {
    /// The answer to a write.
    package init(bytes: [UInt8]) throws(LikewiseError) { try self.init(JSONValue(answer: bytes)) }
}

extension LikeStatus {
    init(_ json: JSONValue) throws(LikewiseError) {
        contentID = try json.text("content_id")
        userID = try json.text("user_id")
        guard try json.flag("liked") else { return }
        reaction = try json.text("reaction")
        sinceMilliseconds = try json.since()
    }
}

extension LikedContent {
    init(_ json: JSONValue) throws(LikewiseError) {
        contentID = try json.text("content_id")
        reaction = try json.text("reaction")
        sinceMilliseconds = try json.since()
    }
}

extension Liker {
    init(_ json: JSONValue) throws(LikewiseError) {
        userID = try json.text("user_id")
        reaction = try json.text("reaction")
        sinceMilliseconds = try json.since()
    }
}

extension TopContent {
    init(_ json: JSONValue) throws(LikewiseError) {
        contentID = try json.text("content_id")
        gained = try json.count("gained")
        count = try json.count("count")
        display = try json.text("display")
    }
}

extension JSONValue {
    /// The body of an answer.
    init(answer bytes: [UInt8]) throws(LikewiseError) {
        do throws(BodyProblem) { try self.init(parsing: bytes) } catch {
            throw .notUnderstood("it is no JSON")
        }
    }
}

extension LikewiseError {
    /// The error that an answer with this status is. Bodies of proxies are passed over.
    package init(status: Int, body: [UInt8], retryAfter: Duration?) {
        let json = try? JSONValue(parsing: body)
        let code = json?["code"]?.text.flatMap(ProblemCode.init(rawValue:))
        self.init(.problem, json?["detail"]?.text ?? code?.title ?? "the server answered with status \(status)")
        self.status = status
        self.code = code
        self.retryAfter = retryAfter
    }

    /// Whether a write that was answered so may have been carried out.
    package var isOutcomeUnknown: Bool {
        switch kind {
        case .argument, .token: false
        case .connection: mayHaveTakenEffect
        case .timeout, .answer: true
        case .problem:
            switch code {
            case .storageFailed, .internal, .idempotencyKeyInUse: true
            case .some: false
            case nil: (status ?? 500) >= 500
            }
        }
    }
}
