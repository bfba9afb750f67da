// The port to the durable table of registers and tallies. `SQLiteLedger` is the embedded one; one conformance suite
// runs on every implementation.

package import LikewiseCore

/// The durable table of registers, tallies and contents. It lags behind the event log, and stores in the same
/// transaction how far it has come, so that each record is taken exactly once.
package protocol Ledger: Sendable {
    /// Takes `batches` in one transaction, durable on return. A batch whose `through` is not beyond the position held
    /// for its shard is skipped whole. Throws with nothing changed; also for a batch that `LedgerBatch.check` refuses.
    func apply(_ batches: [LedgerBatch]) throws(LedgerError)

    /// A reader with a connection of its own, for one thread at a time. It sees what was committed when a call began.
    func makeReader() throws(LedgerError) -> any LedgerReader

    /// Makes the names of the reactions durable, by code (the code of names[i] is i + 1). Names are only ever added:
    /// throws `.failed` unless `names` begins with those held.
    func setReactions(_ names: [String]) throws(LedgerError)

    /// Makes trend buckets durable beside any batch; one with the start and length of one held already replaces it.
    func save(_ trends: [TrendBucket]) throws(LedgerError)

    /// Removes up to `limit` registers of deleted contents. False when none are left.
    func purge(limit: Int) throws(LedgerError) -> Bool

    /// Lets go of memory that is kept for the next transaction only; called when none has come for a while.
    func releaseMemory()
}

extension Ledger {
    package func releaseMemory() {}
}

package protocol LedgerReader: AnyObject {
    /// For each shard that ever wrote: the sequence of the last record held.
    func positions() throws(LedgerError) -> [UInt16: UInt64]
    /// The names given to `setReactions`; empty on a fresh ledger.
    func reactions() throws(LedgerError) -> [String]
    /// The latest clock reading among everything ever taken, deletions too; 0 on a fresh ledger.
    func latestReading() throws(LedgerError) -> UInt64

    /// The content called `id`, or nil where nothing was ever recorded of it.
    func content(_ id: [UInt8]) throws(LedgerError) -> LedgerContent?
    /// The register of `user` on the content with this key; `.untouched` where there is none.
    func register(content key: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register
    /// The same as `content` for each of `ids`, of which one may come more than once.
    func contents(_ ids: [[UInt8]]) throws(LedgerError) -> [LedgerContent?]
    /// The same as `register` for each question.
    func registers(_ questions: RegisterQuestions) throws(LedgerError) -> [Register]
    /// Calls `body` with up to `limit` users that have a register (held or not) on the content, in the order of their
    /// bytes, beginning behind `after` (empty: from the start). Answers the last one given, or nil where fewer than
    /// `limit` were left.
    func users(
        ofContent key: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]?
    /// Calls `body` with the ids of up to `limit` contents with a key above `after`, upwards. Answers the last key
    /// given, or nil where fewer than `limit` were left.
    func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64?

    /// Up to `limit` likes that `user` holds, held back ones too, newest first, behind `position`.
    func likes(ofUser user: [UInt8], behind position: LikePosition?, limit: Int) throws(LedgerError) -> [LedgerLike]
    /// Up to `limit` likes that count on the content called `id`, newest first, behind `position`.
    func likes(ofContent id: [UInt8], behind position: LikePosition?, limit: Int) throws(LedgerError) -> [LedgerLike]
    /// Up to `limit` likes that are held back, newest first (`LedgerLike.heldPosition`), behind `position`. Looks at no
    /// register that is not held back, but perhaps at all that are.
    func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike]

    /// Stored answers that expire after `milliseconds` (since 1970).
    func answers(unexpiredAt milliseconds: UInt64) throws(LedgerError) -> [StoredAnswer]
    /// Trend buckets that start at `milliseconds` or later, by start, then length; entries in the order given.
    func trends(since milliseconds: UInt64) throws(LedgerError) -> [TrendBucket]

    /// Lets go of memory that is kept for the next call only; called when none has come for a while.
    func releaseMemory()
}

extension LedgerReader {
    package func releaseMemory() {}

    package func contents(_ ids: [[UInt8]]) throws(LedgerError) -> [LedgerContent?] {
        var found: [LedgerContent?] = []
        for id in ids { found.append(try content(id)) }
        return found
    }

    package func registers(_ questions: RegisterQuestions) throws(LedgerError) -> [Register] {
        var found = [Register](repeating: .untouched, count: questions.count)
        for i in questions.sorted() {
            found[i] = try questions.withUser(of: i) { (user) throws(LedgerError) in
                try register(content: questions.content(of: i), user: user)
            }
        }
        return found
    }
}

/// Registers that are asked for together.
package struct RegisterQuestions: Sendable {
    private struct Question {
        var content: Int64
        /// The first eight bytes of the user's id as a number that sorts as they do, zeros behind its end.
        var head: UInt64
        var offset: Int
        var length: Int
    }

    private var questions: [Question] = []
    private var users: [UInt8] = []

    package init() {}

    package var count: Int { questions.count }

    /// Asks for the register of `user` on the content with this key.
    package mutating func add(content key: Int64, user: UnsafeRawBufferPointer) {
        var head: UInt64 = 0
        for i in 0..<8 { head = head << 8 | UInt64(i < user.count ? user[i] : 0) }
        questions.append(Question(content: key, head: head, offset: users.count, length: user.count))
        users.append(contentsOf: user)
    }

    package mutating func removeAll() {
        questions.removeAll(keepingCapacity: true)
        users.removeAll(keepingCapacity: true)
    }

    package func content(of question: Int) -> Int64 { questions[question].content }

    package func withUser<R, E: Error>(
        of question: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        let (offset, length) = (questions[question].offset, questions[question].length)
        let result: Result<R, E> = users.withUnsafeBytes { users in
            Result { () throws(E) in try body(UnsafeRawBufferPointer(rebasing: users[offset..<offset + length])) }
        }
        return try result.get()
    }

    /// The questions in the order of the ledger: by content, then by the bytes of the user.
    package func sorted() -> [Int] {
        users.withUnsafeBytes { users in
            questions.indices.sorted { a, b in
                let (a, b) = (questions[a], questions[b])
                if a.content != b.content { return a.content < b.content }
                if a.head != b.head { return a.head < b.head }
                return compare(
                    UnsafeRawBufferPointer(rebasing: users[a.offset..<a.offset + a.length]),
                    UnsafeRawBufferPointer(rebasing: users[b.offset..<b.offset + b.length])) < 0
            }
        }
    }
}

/// A content as the ledger holds it.
package struct LedgerContent: Hashable, Sendable {
    /// The ledger's own number for the content's present life; deletion gives it a new one.
    package var key: Int64
    package var description: ContentDescription
    package var tally: Tally
    /// The version of the latest deletion; `.zero` where there was none.
    package var deleted: Version

    package init(key: Int64, description: ContentDescription, tally: Tally, deleted: Version) {
        self.key = key
        self.description = description
        self.tally = tally
        self.deleted = deleted
    }
}

/// What is known of a content beside its likes.
package struct ContentDescription: Hashable, Sendable {
    package enum Visibility: UInt8, Sendable {
        case `public` = 0
        case `private` = 1
    }

    /// `content_type`; empty where none was ever said.
    package var type: [UInt8] = []
    package var visibility: Visibility = .public
    /// Whether the operator registered it (`PUT /v1/content/{id}`), rather than a first like making it known.
    package var registered = false

    package init(type: [UInt8] = [], visibility: Visibility = .public, registered: Bool = false) {
        self.type = type
        self.visibility = visibility
        self.registered = registered
    }
}

/// A place in a list of likes, newest first: by version downwards, then by id upwards (as bytes).
package struct LikePosition: Hashable, Sendable {
    package var version: Version
    /// The content's id in a list of a user's likes, the user's id in a list of a content's.
    package var id: [UInt8]

    package init(version: Version, id: [UInt8]) {
        self.version = version
        self.id = id
    }

    /// Whether `self` comes before `other` in the list.
    package func precedes(_ other: LikePosition) -> Bool {
        version != other.version ? version > other.version : id.lexicographicallyPrecedes(other.id)
    }
}

/// A like that is held.
package struct LedgerLike: Hashable, Sendable {
    package var content: [UInt8]
    package var user: [UInt8]
    package var register: Register

    package init(content: [UInt8], user: [UInt8], register: Register) {
        self.content = content
        self.user = user
        self.register = register
    }
}

/// The first answer to a write with an idempotency key.
package struct StoredAnswer: Hashable, Sendable {
    package var key: [UInt8]
    /// A hash of what was asked: the same key with another one is refused.
    package var fingerprint: UInt64
    /// Milliseconds since 1970.
    package var expires: UInt64
    package var payload: [UInt8]

    package init(key: [UInt8], fingerprint: UInt64, expires: UInt64, payload: [UInt8]) {
        self.key = key
        self.fingerprint = fingerprint
        self.expires = expires
        self.payload = payload
    }
}

/// The contents that gained most in one span of time.
package struct TrendBucket: Hashable, Sendable {
    /// Milliseconds since 1970.
    package var start: UInt64
    /// Milliseconds.
    package var length: UInt64
    package var entries: [Entry]

    package struct Entry: Hashable, Sendable {
        package var content: [UInt8]
        /// Likes given less likes taken back.
        package var gained: Int64

        package init(content: [UInt8], gained: Int64) {
            self.content = content
            self.gained = gained
        }
    }

    package init(start: UInt64, length: UInt64, entries: [Entry]) {
        self.start = start
        self.length = length
        self.entries = entries
    }
}

/// What one shard's log says from the ledger's position up to `through`, ordered for the ledger: each content once,
/// each of its registers once.
package struct LedgerBatch: Sendable {
    package var shard: UInt16
    /// The sequence of the last log record in this batch.
    package var through: UInt64
    package var contents: [ContentChange] = []
    /// An answer with the key of one held already replaces it.
    package var answers: [StoredAnswer] = []
    /// A bucket with the start and length of one held already replaces it; one without entries removes it.
    package var trends: [TrendBucket] = []
    /// Answers that expired before this (milliseconds since 1970) may be removed, and so may buckets that ended more
    /// than `TrendBucket.retentionMilliseconds` before.
    package var now: UInt64
    /// The bytes of the users' ids; rows point into it.
    package var userBytes: [UInt8] = []

    package init(shard: UInt16, through: UInt64, now: UInt64) {
        self.shard = shard
        self.through = through
        self.now = now
    }

    /// What changes about one content, in this order: deletion, description, rows. The content is known from then on,
    /// also where nothing of it changes.
    package struct ContentChange: Sendable {
        package var id: [UInt8]
        /// Where present and later than the deletion held: registers, counts and description start anew.
        package var deleted: Version?
        /// Where present, replaces the one held.
        package var description: ContentDescription?
        /// The type that a like told of: becomes the content's where it has none after the above. Only where several
        /// write at once; a single writer knows, and gives a description.
        package var typeIfNone: [UInt8]?
        /// Sorted by the users' bytes, each user once.
        package var rows: [Row] = []

        package init(id: [UInt8]) { self.id = id }
    }

    /// A register to be merged (`Register.merge`). Where the merge takes it, one user moves in the tally from the
    /// reaction that the ledger held to the register's. Where the ledger holds the same version or a later one, nothing
    /// changes.
    package struct Row: Sendable {
        package var userOffset: UInt32
        package var userLength: UInt8
        /// The reaction held before the first change in this batch. The ledger goes by what it holds itself, so that
        /// tallies count the registers whatever this says; from `none` it expects to find no register, and is faster.
        package var old: Reaction
        package var register: Register
        /// Whether the ledger has no register of this user, as was proved when the first change was evaluated: by the
        /// content's filter, or by a lookup; `forgetProofs` takes it back. A ledger need not look again.
        package var isNew: Bool

        package init(
            userOffset: UInt32, userLength: UInt8, old: Reaction, register: Register, isNew: Bool = false
        ) {
            self.userOffset = userOffset
            self.userLength = userLength
            self.old = old
            self.register = register
            self.isNew = isNew
        }
    }
}

extension LedgerBatch {
    /// What was proved before the ledger was first given this batch, proves nothing where it is given it again.
    package mutating func forgetProofs() {
        for content in contents.indices {
            for row in contents[content].rows.indices { contents[content].rows[row].isNew = false }
        }
    }
}

package enum LedgerError: Error, Hashable, CustomStringConvertible {
    /// No space left for the ledger; goes on by itself when there is room.
    case full
    /// The ledger cannot be used as it is: the message says what is wrong and what to run.
    case unusable(String)
    /// Contents have moved between the servers of a ledger: read the positions again, and go on from there.
    case moved
    /// Anything else, with the store's words.
    case failed(String)

    package var description: String {
        switch self {
        case .full: "no space left for the ledger"
        case .moved: "contents have moved between the ledger's servers"
        case .unusable(let message), .failed(let message): message
        }
    }
}
