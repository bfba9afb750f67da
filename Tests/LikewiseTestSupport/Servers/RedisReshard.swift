// Moving a slot of a Redis Cluster, in the order that `redis-cli --cluster reshard` keeps to: the new owner is made
// ready before the old one redirects to it, the keys go one by one, and the new owner claims the slot before any other
// is told.
//
// The claim carries an epoch, one above the highest that the claimant has heard of. A slot that moves on before all
// have heard of it may be claimed twice with epochs that say nothing of which came first; then a node that holds the
// keys yields to the claim of one that does not, and deletes them. (Seen with Redis 7.0.15 and a client of twenty
// lines: a slot that went to and fro 60 times without a pause lost 20 counters; none in 300 moves that waited.) So a
// move has ended when all masters say the same.

import Foundation

extension RedisClusterProcesses {
    /// Moves a slot with its keys from one master to another, and returns when all masters agree on it. Blocks the
    /// thread; throws the first answer that is not as it should be.
    package func move(
        slot: UInt16, keys: [String], from source: RedisServerProcess, to target: RedisServerProcess
    ) throws {
        let (sourceName, targetName) = (try Self.identifier(of: source), try Self.identifier(of: target))
        func tell(_ server: RedisServerProcess, _ words: String...) throws {
            let answer = try server.say(["CLUSTER", "SETSLOT", "\(slot)"] + words)
            guard answer == "+OK\r\n" else {
                throw RedisServerFailed(description: "\(server.port), SETSLOT \(slot) \(words): \(answer)")
            }
        }
        try tell(target, "IMPORTING", sourceName)
        try tell(source, "MIGRATING", targetName)
        for key in keys {
            let answer = try source.say("MIGRATE", "127.0.0.1", "\(target.port)", key, "0", "5000")
            guard ["+OK\r\n", "+NOKEY\r\n"].contains(answer) else {
                throw RedisServerFailed(description: "\(source.port), MIGRATE \(key): \(answer)")
            }
        }
        try tell(target, "NODE", targetName)
        try tell(source, "NODE", targetName)
        for other in masters where other !== source && other !== target { try tell(other, "NODE", targetName) }
        try waitUntilAgreed(slot: slot, owner: targetName)
    }

    /// Waits until every master says that `owner` has the slot, and knows the same epochs, no two of them alike.
    private func waitUntilAgreed(slot: UInt16, owner: String, seconds: Double = 20) throws {
        let agreed = RedisPoll.until(seconds: seconds) {
            let views = masters.map { (try? $0.say("CLUSTER", "NODES")).map { NodesView($0, slot: slot) } }
            guard let first = views[0], first.owner == owner else { return false }
            return views.allSatisfy { $0 == first } && Set(first.epochs.values).count == first.epochs.count
        }
        guard agreed else { throw RedisServerFailed(description: "the masters do not agree on slot \(slot)") }
    }

    /// What `CLUSTER NODES` says of a slot and of the masters' epochs.
    private struct NodesView: Equatable {
        var owner: String?
        var epochs: [String: String] = [:]

        init(_ answer: String, slot: UInt16) {
            for line in answer.split(whereSeparator: \.isNewline) {
                // `id address flags master ping pong epoch state slots…`; a slot on its way stands in brackets.
                let words = line.split(separator: " ").map(String.init)
                guard words.count >= 8, words[2].contains("master") else { continue }
                epochs[words[0]] = words[6]
                for range in words[8...] where !range.hasPrefix("[") {
                    let ends = range.split(separator: "-").compactMap { UInt16($0) }
                    if let first = ends.first, let last = ends.last, (first...last).contains(slot) { owner = words[0] }
                }
            }
        }
    }
}
