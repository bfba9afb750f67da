/// How much one request may ask for or carry; the OpenAPI document states the same figures.
package enum WireLimits {
    /// Contents in one call for counts: as many as a screen shows, and then some.
    package static let countBatchIDs = 100
    /// Lines in one call of bulk intake.
    package static let bulkLines = 100_000
    /// Bytes in one call of bulk intake, 16 MiB.
    package static let bulkBytes = 16 << 20
    /// Rejected lines that the answer to bulk intake lists; the others are only counted.
    package static let bulkRejectionsListed = 100
    /// Entries on one page of a list of likes, at most, and where the caller does not say.
    package static let pageEntries = 1_000
    package static let pageEntriesByDefault = 100
    /// Contents in the list of the most liked, at most, and where the caller does not say.
    package static let topEntries = 100
    package static let topEntriesByDefault = 10
    /// Likes that one call releases, rejects or holds back by name; and of one content, where it names no user.
    package static let heldItems = 1_000
    package static let heldOfContent = 100_000
    /// Bytes of an `Idempotency-Key`, which are visible ASCII.
    package static let idempotencyKeyBytes = 255
}
