// Fills filters from the ledger, on a thread that may wait, in pieces that do not hold a shard up.

import LikewiseCore

struct FilterLoader: Sendable {
    /// Users or contents of one piece.
    private static let piece = 8_192

    let pool: ReaderPool
    let inboxes: [Inbox]
    let seed: UInt64

    /// Fills the filters that a shard asked for. What cannot be taken on can be asked for again.
    func load(_ requests: [ShardCore.FilterRequest], shard: Int) {
        let inbox = inboxes[shard]
        for request in requests {
            let taken = pool.submit { reader in
                var after: [UInt8]? = []
                while let start = after {
                    var hashes: [UInt64] = []
                    hashes.reserveCapacity(FilterLoader.piece)
                    do throws(LedgerError) {
                        after = try reader.users(
                            ofContent: request.key, after: start, limit: FilterLoader.piece
                        ) { user in
                            hashes.append(Hash64.combine(request.contentHash, Hash64.of(user, seed: seed)))
                        }
                    } catch {
                        _ = inbox.trySend(.filterFailed(request))
                        return
                    }
                    let isLast = after == nil
                    guard handedOver(inbox, { .filter(request, keyHashes: hashes, isLast: isLast, taken: $0) }) else {
                        return
                    }
                }
            }
            if !taken { _ = inbox.trySend(.filterFailed(request)) }
        }
    }

    /// Sends a piece and waits until the shard has taken it, so that pieces do not pile up; false when it is ending.
    private func handedOver(_ inbox: Inbox, _ message: (@escaping @Sendable () -> Void) -> ShardMessage) -> Bool {
        let isTaken = Monitor(false)
        let sent = inbox.trySend(
            message {
                isTaken.withLockAndSignal { taken in
                    taken = true
                    return ((), true)
                }
            })
        guard sent else { return false }
        return isTaken.wait(until: nil) { $0 ? true : nil } ?? false
    }

    /// Tells all shards which contents the ledger holds. Until it is through, shards ask the ledger.
    func loadKnownContents() {
        _ = pool.submit { reader in
            var after: Int64? = 0
            while let start = after {
                var hashes = [[UInt64]](repeating: [], count: inboxes.count)
                do throws(LedgerError) {
                    after = try reader.contents(after: start, limit: FilterLoader.piece) { id in
                        let shard = inboxes.count == 1 ? 0 : Hash64.jump(Hash64.of(id, seed: 0), shards: inboxes.count)
                        hashes[shard].append(Hash64.of(id, seed: seed))
                    }
                } catch { return }
                for (inbox, hashes) in zip(inboxes, hashes) {
                    let isLast = after == nil
                    guard handedOver(inbox, { .knownContents(hashes: hashes, isLast: isLast, taken: $0) }) else {
                        return
                    }
                }
            }
        }
    }
}
