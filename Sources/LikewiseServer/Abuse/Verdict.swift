/// Why a like is not counted.
package enum AbuseReason: String, CaseIterable, Sendable {
    /// Far more of a content's likes come from this address than its share of all likes lets expect.
    case address
    /// The same, of the address' block.
    case block
    /// The same, of the client.
    case client
    /// The content is liked from few blocks, and this is one of them.
    case spread
    /// The user, or many on this content, like and unlike in turn.
    case toggling
    /// The user comes from ever other networks.
    case scattered
    /// The user or the address keeps time like a machine.
    case regular
    /// The user likes faster than people can.
    case rate
    /// Most of what comes from there is held.
    case source
    /// The user's likes were held before.
    case user
}

/// What is to be done with a like.
package enum Verdict: Hashable, Sendable {
    case count
    /// It is kept and shown to the one who gave it, but not counted until somebody releases it.
    case hold(AbuseReason)
    /// It is not taken.
    case refuse(AbuseReason)
}

/// A verdict, with how sure it is.
package struct Judgement: Sendable {
    package var verdict: Verdict
    /// The strongest evidence against the like, in units of what suffices to hold it.
    package var score: Double
    /// The number of the like, by which a later judgement names it.
    package var ticket: UInt64
    /// Tickets of earlier likes that were counted, and now look like the work of the same farm: hold them too. At most
    /// `AbuseBounds.mostHeldAtOnce`; the rest follows with the next judgements.
    package var alsoHold: [UInt64] = []
}
