// Bulk intake: lines of JSON in pieces that the server takes.

import LikewiseAPI
import NIOHTTP1

extension LikewiseClient {
    /// Sends many intents, in the order given, in pieces of up to 100,000 intents and 16 MiB. Intents that the server
    /// does not take are listed in the result and stop nothing. On return all that were accepted are on stable storage.
    ///
    /// A piece that failed is sent again as any call is. When that does not help, the error's `taken` says what the
    /// pieces before came to; sending all of it again does no harm, since nothing counts twice.
    /// - Parameter exactTotals: whether each piece carries an Idempotency-Key, so that a piece that was repeated has
    ///   the totals of the first time. The server then holds the piece in memory, and takes four such at a time (beyond
    ///   that it asks to wait). Without, a repeated piece may say `unchanged` of what it changed the first time.
    public func send(_ intents: some Sequence<Intent>, exactTotals: Bool = true) async throws -> BulkResult {
        var total = BulkResult()
        var piece = BulkPiece()
        do {
            for intent in intents {
                if piece.add(intent) { continue }
                try await send(&piece, exactTotals, &total)
                guard piece.add(intent) else { throw LikewiseError(.argument, "an intent has more than 16 MiB") }
            }
            try await send(&piece, exactTotals, &total)
        } catch var error as LikewiseError {
            error.taken = total
            throw error
        }
        return total
    }

    private func send(_ piece: inout BulkPiece, _ exactTotals: Bool, _ total: inout BulkResult) async throws {
        guard piece.count > 0 else { return }
        var call = Call("v1", "likes", "batch")
        call.method = .POST
        call.contentType = "application/x-ndjson"
        call.body = piece.takeBody()
        call.isWrite = true
        if exactTotals { call.key = exchange.newKey() }
        let bytes = try await exchange.answer(call, timeout: exchange.configuration.bulkTimeout)
        try total.add(try JSONValue(answer: bytes), lines: piece.count, from: piece.first)
        piece.advance()
    }
}

/// The lines of one request.
struct BulkPiece: ~Copyable {
    private var body = JSONWriter(capacity: 64 << 10)
    private var bytes: [UInt8] = []
    /// The place of its first intent among all.
    private(set) var first = 0
    /// Its intents.
    private(set) var count = 0

    /// Takes the intent in; false where there is no room for it in this piece.
    mutating func add(_ intent: Intent) -> Bool {
        guard count < WireLimits.bulkLines else { return false }
        body.removeAll()
        body.object { line in
            line.field("content_id", intent.contentID)
            line.field("user_id", intent.userID)
            line.field("action", intent.reaction == nil ? "unlike" : "like")
            if let reaction = intent.reaction { line.field("reaction", reaction) }
            if let type = intent.contentType { line.field("content_type", type) }
        }
        guard bytes.count + body.count + 1 <= WireLimits.bulkBytes else { return false }
        body.withBytes { bytes.append(contentsOf: $0) }
        bytes.append(0x0a)
        count += 1
        return true
    }

    /// The lines, which it then holds no longer.
    mutating func takeBody() -> [UInt8] {
        let body = bytes
        bytes = []
        return body
    }

    /// Goes on behind its last intent.
    mutating func advance() {
        first += count
        count = 0
    }
}

extension BulkResult {
    /// Adds what a piece with so many lines came to, whose first intent is at `first`.
    mutating func add(_ json: JSONValue, lines: Int, from first: Int) throws(LikewiseError) {
        let taken = Int(clamping: try json.count("accepted"))
        accepted += taken
        changed += Int(clamping: try json.count("changed"))
        rejectedCount += max(0, lines - taken)
        for entry in try json.entries("rejected") {
            let line = Int(clamping: try entry.count("line"))
            rejected.append(
                Rejection(index: first + line - 1, code: try entry.text("code"), detail: entry["detail"]?.text))
        }
    }
}
