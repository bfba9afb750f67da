// What the topic `likewise.events` carries: one event a transition, which says all that the merge needs. Its JSON is in
// `LikeEventJSON`, and for people in docs/events.md.

package import LikewiseCore
package import LikewiseEngine

/// One event of the topic.
package struct LikeEvent: Hashable, Sendable {
    /// What happened.
    package enum Kind: UInt8, Sendable {
        /// A user's register changed: he holds `reaction` from then on, or nothing.
        case register
        /// The operator registered the content, with `type` and `visibility`.
        case contentPut
        /// The content was deleted with all its likes of an earlier version.
        case contentDeleted
    }

    package var kind: Kind
    package var content: [UInt8]
    /// Empty for events of a content.
    package var user: [UInt8] = []
    /// The content's type; empty where the caller did not say it.
    package var type: [UInt8] = []
    package var visibility: ContentDescription.Visibility = .public
    package var reaction: Reaction = .none
    /// What the node that evaluated the intent took the user to hold before: for consumers and trends, never for counts.
    package var previous: Reaction = .none
    package var version: Version

    package init(_ kind: Kind, content: [UInt8], version: Version) {
        self.kind = kind
        self.content = content
        self.version = version
    }

    /// The register that the event asks to be merged.
    package var register: Register { Register(version: version, reaction: reaction) }

    /// What tells this event from every other: the same for the same event, however often it is sent.
    package var id: (version: Version, key: UInt64) { (version, Hash64.combine(hash(content), hash(user))) }

    private func hash(_ bytes: [UInt8]) -> UInt64 { Hash64.of(bytes, seed: 0) }
}
