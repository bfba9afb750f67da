package import LikewiseAPI
package import LikewiseCore

/// One line of a bulk intake, checked.
package struct BulkLine {
    package var content: Slice
    package var user: Slice
    package var type: Slice?
    /// `none` for an unlike.
    package var reaction: Reaction

    /// Reads `line`; strings with escapes are appended to `scratch`, resolved. Throws what the line's rejection says.
    package init(_ line: UnsafeRawBufferPointer, scratch: inout [UInt8], reactions: ReactionSet) throws(APIProblem) {
        let fields: IntentFields
        do throws(BodyProblem) {
            fields = try IntentBody.scan(line, scratch: &scratch)
            guard let content = fields.content else { throw .missing(.contentID) }
            guard let user = fields.user else { throw .missing(.userID) }
            guard fields.action != nil else { throw .missing(.action) }
            self.content = content
            self.user = user
        } catch { throw APIProblem(error) }
        type = fields.type
        reaction = .like
        let buffered = scratch
        func with<T>(_ slice: Slice, _ use: (UnsafeRawBufferPointer) throws(APIProblem) -> T) throws(APIProblem) -> T {
            try slice.withBytes(body: line, scratch: buffered, use)
        }
        try with(content) { bytes throws(APIProblem) in
            try BulkLine.check(bytes, limit: IDRules.contentBytes, .contentID)
        }
        try with(user) { bytes throws(APIProblem) in try BulkLine.check(bytes, limit: IDRules.userBytes, .userID) }
        if let type {
            try with(type) { bytes throws(APIProblem) in
                guard IDRules.isName(bytes) else {
                    throw APIProblem(
                        .invalidRequest, "content_type must be 1 to \(IDRules.nameBytes) of a-z 0-9 _ -.",
                        field: "content_type")
                }
            }
        }
        if let given = fields.reaction {
            reaction = try with(given) { bytes throws(APIProblem) in
                guard let reaction = reactions.reaction(named: bytes) else {
                    throw APIProblem(
                        .invalidRequest,
                        "reaction must be one of: \(reactions.acceptedNames.joined(separator: ", ")).",
                        field: "reaction")
                }
                return reaction
            }
        }
        if let action = fields.action {
            let isLike = try with(action) { bytes throws(APIProblem) in
                if bytes.elementsEqual("like".utf8) { return true }
                if bytes.elementsEqual("unlike".utf8) { return false }
                throw APIProblem(.invalidRequest, "action must be like or unlike.", field: "action")
            }
            if !isLike { reaction = .none }
        }
    }

    private static func check(
        _ id: UnsafeRawBufferPointer, limit: Int, _ field: BodyField
    ) throws(APIProblem) {
        do throws(IDRules.Problem) { try IDRules.check(id, limit: limit) } catch {
            throw APIProblem(.invalidRequest, "\(field.rawValue) \(error.words).", field: field.rawValue)
        }
    }
}
