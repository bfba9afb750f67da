// What callers ask of a shard, in groups.
//
// A connection, an event loop or a bulk body gathers its intents into one group per shard and hands that over whole: one
// lock, one wake-up and one completion for all of them. The ids lie one behind the other in the group's bytes, so that
// an intent is 32 bytes and no object.

package import LikewiseCore

/// One intent; its ids lie in the group's `bytes` from `offset` on: content, user, content type.
package struct Intent: Sendable {
    package enum Action: UInt8, Sendable {
        /// Answers the register (where a user is given) and the tally. Changes nothing.
        case read = 0
        /// Holds `reaction`, which counts unless it is one that is held back.
        case react = 1
        /// Holds nothing.
        case clear = 2
        /// Registers the content, with its type and visibility.
        case putContent = 3
        /// Deletes the content with its likes.
        case deleteContent = 4
        /// Stores the answer in `IntentGroup.answers[answer]` and changes nothing else.
        case remember = 5
        /// Lets the user's reaction count that is held back; changes nothing where none is.
        case release = 6
        /// Takes the user's reaction away that is held back; changes nothing where none is.
        case reject = 7
        /// Holds the user's reaction back that counts; changes nothing where none does.
        case hold = 8

        /// What a user who holds `held` holds once this was done, with `reaction` as the one asked for.
        @inline(__always)
        package func result(on held: Reaction, reaction: Reaction) -> Reaction {
            switch self {
            case .react: held.changed(to: reaction)
            case .clear: .none
            case .release: held.released
            case .reject: held.rejected
            case .hold: held.asHeld
            case .read, .putContent, .deleteContent, .remember: held
            }
        }
    }

    package var contentHash: UInt64
    package var keyHash: UInt64
    package var offset: UInt32
    /// Index into the group's `answers`, or -1.
    package var answer: Int32
    package var contentLength: UInt16
    package var userLength: UInt8
    package var typeLength: UInt8
    package var action: Action
    package var reaction: Reaction
    package var visibility: ContentDescription.Visibility
}

/// What became of an intent.
package struct Outcome: Sendable {
    package enum Status: UInt8, Sendable {
        /// Evaluated; if it changed anything, that is on stable storage.
        case done
        /// `--content strict`, and the content is not registered.
        case contentNotFound
        /// A queue or the overlay is at its bound. Nothing changed.
        case overloaded
        /// The disk is full. Nothing changed.
        case storageFull
        /// The disk failed. Whether the change is kept shows after a restart.
        case storageFailed
        /// The server stops. Nothing changed.
        case shuttingDown
        /// The ledger could not be read. Nothing changed.
        case ledgerFailed
        /// A limit that nodes share refuses it (`IntentGroup.refusals`). Nothing changed.
        case rateLimited
    }

    package var status: Status
    package var old: Reaction = .none
    package var new: Reaction = .none
    /// The register's version after the intent; `.zero` if untouched.
    package var version: Version = .zero
    /// The content's counts after the intent.
    package var tally = Tally()
    /// What is known of the content, for `read` without a user, `putContent` and `deleteContent`.
    package var description: ContentDescription?

    package init(status: Status) { self.status = status }

    package var changed: Bool { old != new }
}

/// What became of an intent that asked for no tally: so small that a bulk intake's thousands cost nothing to keep.
package struct BriefOutcome: Sendable {
    package var status: Outcome.Status
    package var old: Reaction = .none
    package var new: Reaction = .none
    /// The register's version after the intent; `.zero` if untouched.
    package var version: Version = .zero

    package init(status: Outcome.Status) { self.status = status }

    package var changed: Bool { old != new }
}

extension Outcome {
    /// The same without a tally.
    package init(_ brief: BriefOutcome) {
        self.init(status: brief.status)
        old = brief.old
        new = brief.new
        version = brief.version
    }
}

/// Intents that travel together to one shard, and what became of them.
///
/// `@unchecked Sendable`: it has one owner at a time. The caller fills it and hands it over; the shard's thread fills in
/// the outcomes and hands it back by `complete`.
package final class IntentGroup: @unchecked Sendable {
    /// The most intents of one group: bounds how long a shard is busy with one.
    package static let limit = 4096

    package private(set) var bytes: [UInt8] = []
    package private(set) var intents: [Intent] = []
    /// Answers to be stored together with an intent's change. The shard completes their payload.
    package private(set) var answers: [StoredAnswer] = []
    /// What the intents take from limits that nodes share, in their order; none where this node counts alone.
    package var sharedLimits: [SharedLimit] = []
    /// Why intents were `rateLimited`, in their order, once `complete` is called.
    package var refusals: [SharedRefusal] = []
    /// One per intent, once `complete` is called, where tallies are wanted.
    package var outcomes: [Outcome] = []
    /// One per intent, once `complete` is called, where they are not.
    package var briefOutcomes: [BriefOutcome] = []
    /// Whether outcomes carry the tally and what is known of the content; bulk intake does not ask for it.
    package let wantsTallies: Bool
    /// Called once, on the shard's thread: must hand over and return.
    package var complete: @Sendable (IntentGroup) -> Void

    package init(wantsTallies: Bool = true, complete: @escaping @Sendable (IntentGroup) -> Void = { _ in }) {
        self.wantsTallies = wantsTallies
        self.complete = complete
    }

    package var count: Int { intents.count }
    package var isFull: Bool { intents.count >= IntentGroup.limit }

    /// The most bytes that this group can add to the log.
    package var logBytes: Int {
        intents.count * LogRecord.headerBytes + bytes.count + answers.reduce(0) { $0 + LogRecord.answerBytes($1) }
    }

    /// Adds an intent; the ids must have been checked. `seed` is the engine's.
    package func append(
        _ action: Intent.Action, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer,
        type: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), reaction: Reaction = .none,
        visibility: ContentDescription.Visibility = .public, answer: StoredAnswer? = nil, seed: UInt64
    ) {
        append(
            action, content: content, contentHash: Hash64.of(content, seed: seed), user: user, type: type,
            reaction: reaction, visibility: visibility, answer: answer, seed: seed)
    }

    /// The same where the content's hash under the engine's seed is known.
    package func append(
        _ action: Intent.Action, content: UnsafeRawBufferPointer, contentHash: UInt64, user: UnsafeRawBufferPointer,
        type: UnsafeRawBufferPointer, reaction: Reaction, visibility: ContentDescription.Visibility = .public,
        answer: StoredAnswer? = nil, seed: UInt64
    ) {
        intents.append(
            Intent(
                contentHash: contentHash,
                keyHash: Hash64.combine(contentHash, Hash64.of(user, seed: seed)),
                offset: UInt32(bytes.count), answer: answer == nil ? -1 : Int32(answers.count),
                contentLength: UInt16(content.count), userLength: UInt8(user.count), typeLength: UInt8(type.count),
                action: action, reaction: reaction, visibility: visibility))
        bytes.append(contentsOf: content)
        bytes.append(contentsOf: user)
        if !type.isEmpty { bytes.append(contentsOf: type) }
        if let answer { answers.append(answer) }
    }

    /// Gives every intent the same outcome.
    package func fail(_ status: Outcome.Status) {
        if wantsTallies {
            outcomes = [Outcome](repeating: Outcome(status: status), count: intents.count)
        } else {
            briefOutcomes = [BriefOutcome](repeating: BriefOutcome(status: status), count: intents.count)
        }
    }
}

extension LogRecord {
    /// Bytes that a stored answer takes in the log at most.
    static func answerBytes(_ answer: StoredAnswer) -> Int {
        headerBytes + answer.key.count + 8 + max(answer.payload.count, OutcomeCodec.maxBytes)
    }
}
