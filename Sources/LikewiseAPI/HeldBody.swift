/// The body of a call that releases, rejects or holds back likes: `items`, each with `content_id` and `user_id`; or
/// one `content_id`, with a `user_id` or for all of that content.
package struct HeldBody: Equatable, Sendable {
    /// One like.
    package struct Item: Equatable, Sendable {
        package var content: Slice
        package var user: Slice
    }

    /// The likes that are named, 1 to `WireLimits.heldItems`; empty where `content` is.
    package var items: [Item] = []
    /// The content whose likes are all meant.
    package var content: Slice?

    /// The fields of `body`; strings with escapes are appended to `scratch`, resolved.
    ///
    /// Throws what `IntentBody.scan` throws, and for a list that is empty or too long.
    package static func scan(
        _ body: UnsafeRawBufferPointer, scratch: inout [UInt8]
    ) throws(BodyProblem) -> HeldBody {
        var scanner = JSONScanner(body)
        var items: [Item]?
        var (content, user): (Slice?, Slice?)
        var first = true
        try scanner.enterBody()
        while let name = try scanner.nextField(first: &first) {
            switch try scanner.field(named: name, scratch: &scratch) {
            case .items:
                guard items == nil else { throw .duplicate(.items) }
                items = try list(&scanner, scratch: &scratch)
            case .contentID: try scanner.take(.contentID, into: &content, scratch: &scratch)
            case .userID: try scanner.take(.userID, into: &user, scratch: &scratch)
            default: try scanner.skipValue()
            }
        }
        try scanner.finish()
        if let items { return HeldBody(items: items) }
        guard let content else { throw .missing(.contentID) }
        guard let user else { return HeldBody(content: content) }
        return HeldBody(items: [Item(content: content, user: user)])
    }

    private static func list(_ scanner: inout JSONScanner, scratch: inout [UInt8]) throws(BodyProblem) -> [Item] {
        guard scanner.peek() == UInt8(ascii: "[") else {
            try scanner.skipValue()
            throw .wrongType(.items)
        }
        try scanner.enter(UInt8(ascii: "["))
        var items: [Item] = []
        var first = true
        while try scanner.nextEntry(first: &first) {
            guard items.count < WireLimits.heldItems else {
                throw .tooManyEntries(.items, limit: WireLimits.heldItems)
            }
            items.append(try item(&scanner, scratch: &scratch))
        }
        if items.isEmpty { throw .emptyList(.items) }
        return items
    }

    private static func item(_ scanner: inout JSONScanner, scratch: inout [UInt8]) throws(BodyProblem) -> Item {
        guard scanner.peek() == UInt8(ascii: "{") else {
            try scanner.skipValue()
            throw .wrongType(.items)
        }
        try scanner.enter(UInt8(ascii: "{"))
        var (content, user): (Slice?, Slice?)
        var first = true
        while let name = try scanner.nextField(first: &first) {
            switch try scanner.field(named: name, scratch: &scratch) {
            case .contentID: try scanner.take(.contentID, into: &content, scratch: &scratch)
            case .userID: try scanner.take(.userID, into: &user, scratch: &scratch)
            default: try scanner.skipValue()
            }
        }
        guard let content else { throw .missing(.contentID) }
        guard let user else { throw .missing(.userID) }
        return Item(content: content, user: user)
    }
}
