// The bodies of the answers, the same whichever way a call came in.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

/// A class, so that passing it on copies nothing; each event loop has its own (`copy`), so that no two cores count
/// references to the same names.
final class Answers: Sendable {
    let reactions: ReactionSet
    /// Whether counts may lag behind what was acknowledged.
    let isApproximate: Bool

    init(reactions: ReactionSet, isApproximate: Bool) {
        self.reactions = reactions
        self.isApproximate = isApproximate
    }

    /// The same, sharing no memory with this one.
    func copy() -> Answers { Answers(reactions: reactions.copy(), isApproximate: isApproximate) }

    /// `count`, `reactions` and `approx`.
    func counts(_ tally: Tally, to writer: inout JSONWriter) {
        writer.field("count", tally.total)
        writer.field(
            "reactions",
            object: { held in
                for (reaction, count) in tally.held {
                    guard let name = reactions.name(of: reaction) else { continue }
                    held.name(name)
                    held.number(count)
                }
            })
        writer.field("approx", isApproximate)
    }

    /// The fields of a like: ids, what is held, counts.
    func like(
        content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, _ outcome: Outcome, to writer: inout JSONWriter
    ) {
        writer.field("content_id", content)
        writer.field("user_id", user)
        writer.field("liked", outcome.new != .none)
        if let name = reactions.name(of: outcome.new) { writer.field("reaction", name) }
        counts(outcome.tally, to: &writer)
    }

    /// The fields of a count, with the user's reaction where a user was named.
    func count(content: UnsafeRawBufferPointer, _ outcome: Outcome, withUser: Bool, to writer: inout JSONWriter) {
        writer.field("content_id", content)
        counts(outcome.tally, to: &writer)
        writer.field("display", display: outcome.tally.total)
        guard withUser else { return }
        writer.field("liked", outcome.new != .none)
        if let name = reactions.name(of: outcome.new) { writer.field("reaction", name) }
    }

    /// The field `counts`: one entry for each content, in order.
    func counts(
        _ contents: [UnsafeRawBufferPointer], _ outcomes: [Outcome], withUser: Bool, to writer: inout JSONWriter
    ) {
        writer.field(
            "counts",
            list: { list in
                for (content, outcome) in zip(contents, outcomes) {
                    list.object { entry in count(content: content, outcome, withUser: withUser, to: &entry) }
                }
            })
    }

    /// What the problem of an intent that changed nothing says.
    static func unchangedDetail(isLike: Bool) -> String {
        isLike ? "The user holds this reaction already." : "The user holds no reaction here."
    }

    /// The problem that an outcome stands for; nil if it was done.
    static func problem(_ status: Outcome.Status) -> APIProblem? {
        switch status {
        case .done: nil
        case .contentNotFound:
            APIProblem(.contentNotFound, "The content is not registered: PUT /v1/content/{content_id} registers it.")
        case .overloaded: APIProblem(.overloaded, "A queue is full. Nothing was changed; try again.")
        case .storageFull:
            APIProblem(.storageFull, "The disk is full. Nothing was changed; try again when there is room.")
        case .storageFailed:
            APIProblem(.storageFailed, "The storage failed. Whether the change is kept shows after a restart.")
        case .ledgerFailed:
            APIProblem(.storageFailed, "The ledger could not be read. Nothing was changed; try again.")
        case .rateLimited: APIProblem(.rateLimited, "Too many changes. Nothing was changed; try again later.")
        case .shuttingDown: APIProblem(.shuttingDown, "The server is stopping. Nothing was changed; try again.")
        }
    }
}
