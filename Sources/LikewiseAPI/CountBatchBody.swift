/// The body of a call for many counts: `content_ids`, also given as `contentIds`, `video_ids` or `videoIds`, and
/// perhaps `user_id`.
package struct CountBatchBody: Equatable, Sendable {
    /// The contents asked for, in order, 1 to `WireLimits.countBatchIDs`. The same one may be there twice.
    package var contents: [Slice] = []
    /// `user_id`, also given as `userId`.
    package var user: Slice?

    /// The fields of `body`; strings with escapes are appended to `scratch`, resolved.
    ///
    /// Throws what `IntentBody.scan` throws, and for a list that is missing, empty or too long.
    package static func scan(
        _ body: UnsafeRawBufferPointer, scratch: inout [UInt8]
    ) throws(BodyProblem) -> CountBatchBody {
        var scanner = JSONScanner(body)
        var contents: [Slice]?
        var user: Slice?
        var first = true
        try scanner.enterBody()
        while let name = try scanner.nextField(first: &first) {
            switch try scanner.field(named: name, scratch: &scratch) {
            case .contentIDs:
                guard contents == nil else { throw .duplicate(.contentIDs) }
                contents = try list(&scanner, scratch: &scratch)
            case .userID: try scanner.take(.userID, into: &user, scratch: &scratch)
            default: try scanner.skipValue()
            }
        }
        try scanner.finish()
        guard let contents else { throw .missing(.contentIDs) }
        return CountBatchBody(contents: contents, user: user)
    }

    private static func list(
        _ scanner: inout JSONScanner, scratch: inout [UInt8]
    ) throws(BodyProblem) -> [Slice] {
        guard scanner.peek() == UInt8(ascii: "[") else {
            try scanner.skipValue()
            throw .wrongType(.contentIDs)
        }
        try scanner.enter(UInt8(ascii: "["))
        var slices: [Slice] = []
        var first = true
        while try scanner.nextEntry(first: &first) {
            guard slices.count < WireLimits.countBatchIDs else {
                throw .tooManyEntries(.contentIDs, limit: WireLimits.countBatchIDs)
            }
            slices.append(try scanner.takeSlice(of: .contentIDs, scratch: &scratch))
        }
        if slices.isEmpty { throw .emptyList(.contentIDs) }
        return slices
    }
}
