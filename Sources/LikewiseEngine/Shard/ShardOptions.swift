package struct ShardOptions: Sendable {
    package var shard: UInt16
    package var shards: Int
    package var region: UInt16
    /// Keys the hashes of this process; intents must be made with the same.
    package var seed: UInt64
    /// Whether likes of contents that nobody registered are refused (`--content strict`).
    package var strictContent: Bool
    /// Bytes that the overlay may take before writes are refused.
    package var overlayBytes: Int
    /// Bytes that loaded contents and their filters may take before the least used are unloaded.
    package var contentBytes: Int
    /// Bytes at which a generation is handed to the ledger even while the ledger is busy.
    package var generationBytes: Int
    /// Whether filters are used at all; without them every answer is the same, only slower.
    package var filters: Bool
    /// Questions to the ledger in one batch from which on those of the next batch are asked together (`ReadAhead`).
    package var readAheadFrom = 32

    package init(
        shard: UInt16 = 0, shards: Int = 1, region: UInt16 = 0, seed: UInt64, strictContent: Bool = false,
        overlayBytes: Int = 256 << 20, contentBytes: Int = 256 << 20, generationBytes: Int = 32 << 20,
        filters: Bool = true
    ) {
        self.shard = shard
        self.shards = shards
        self.region = region
        self.seed = seed
        self.strictContent = strictContent
        self.overlayBytes = overlayBytes
        self.contentBytes = contentBytes
        self.generationBytes = generationBytes
        self.filters = filters
    }
}
