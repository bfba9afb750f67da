// First answers to writes with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
//
// An answer is made durable by the shard in the same batch as the change that it answers, so that a retry after a crash
// gets the first answer whenever the change counts. This table is what requests ask; it is filled again at the start
// from ledger and log.

import LikewiseCore
package import LikewiseEngine
import Synchronization

package final class IdempotencyStore: Sendable {
    package struct Options: Sendable {
        /// Milliseconds that an answer is kept.
        package var window: UInt64
        /// Keys kept at most.
        package var limit: Int
        /// Bytes of answers kept at most.
        package var bytes: Int

        package init(window: UInt64 = 600_000, limit: Int = 1_000_000, bytes: Int = 64 << 20) {
            self.window = window
            self.limit = limit
            self.bytes = bytes
        }
    }

    /// What a key says about a request.
    package enum Claim: Sendable {
        /// Nothing yet: do it, then `settle` or `release`. The value is to be stored with the change.
        case new(StoredAnswer)
        /// It was done; this was the answer.
        case done(payload: [UInt8])
        /// It is being done by another request right now.
        case inUse
        /// The key was used for another request.
        case reused
        /// Too many keys, or too many bytes of answers, are kept.
        case full
    }

    private struct Entry {
        var fingerprint: UInt64
        var expires: UInt64
        /// nil while the first request is under way.
        var payload: [UInt8]?
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        /// Keys in the order of their expiry, as far as the clock allows.
        var order: [(expires: UInt64, key: [UInt8])] = []
        var first = 0
        /// Bytes of payloads.
        var bytes = 0
    }

    private let options: Options
    private let state: Mutex<State>

    package init(_ options: Options, restoring answers: [StoredAnswer]) {
        self.options = options
        var state = State()
        for answer in answers.sorted(by: { $0.expires < $1.expires }) {
            state.entries[answer.key] = Entry(
                fingerprint: answer.fingerprint, expires: answer.expires, payload: answer.payload)
            state.order.append((answer.expires, answer.key))
            state.bytes += answer.payload.count
        }
        self.state = Mutex(state)
    }

    /// Claims `key` for a request with this fingerprint, at `now` (milliseconds since 1970).
    package func claim(_ key: [UInt8], fingerprint: UInt64, now: UInt64) -> Claim {
        state.withLock { state in
            IdempotencyStore.expire(&state, now: now)
            if let entry = state.entries[key], entry.expires > now {
                if entry.fingerprint != fingerprint { return .reused }
                return entry.payload.map { .done(payload: $0) } ?? .inUse
            }
            IdempotencyStore.remove(key, &state)
            guard state.entries.count < options.limit, state.bytes < options.bytes else { return .full }
            let expires = now + options.window
            state.entries[key] = Entry(fingerprint: fingerprint, expires: expires, payload: nil)
            state.order.append((expires, key))
            return .new(StoredAnswer(key: key, fingerprint: fingerprint, expires: expires, payload: []))
        }
    }

    /// The request is done; `payload` is durable.
    package func settle(_ answer: StoredAnswer, payload: [UInt8]) {
        state.withLock { state in
            guard IdempotencyStore.isHeld(answer, state) else { return }
            state.entries[answer.key]?.payload = payload
            state.bytes += payload.count
        }
    }

    /// The request changed nothing and may be tried again with the same key.
    package func release(_ answer: StoredAnswer) {
        state.withLock { state in
            if IdempotencyStore.isHeld(answer, state) { state.entries[answer.key] = nil }
            IdempotencyStore.compact(&state)
        }
    }

    /// Whether the claim is still this request's, and not settled. Where the clock has passed its window, the key may be
    /// another one's by now.
    private static func isHeld(_ answer: StoredAnswer, _ state: State) -> Bool {
        guard let entry = state.entries[answer.key], entry.payload == nil else { return false }
        return entry.fingerprint == answer.fingerprint && entry.expires == answer.expires
    }

    private static func remove(_ key: [UInt8], _ state: inout State) {
        if let entry = state.entries.removeValue(forKey: key) { state.bytes -= entry.payload?.count ?? 0 }
    }

    /// Forgets the places of keys that were released, where they have become the most.
    private static func compact(_ state: inout State) {
        guard state.order.count - state.first > 2 * max(state.entries.count, 4_096) else { return }
        state.order = state.entries.map { ($0.value.expires, $0.key) }.sorted { $0.expires < $1.expires }
        state.first = 0
    }

    private static func expire(_ state: inout State, now: UInt64) {
        while state.first < state.order.count, state.order[state.first].expires <= now {
            let (expires, key) = state.order[state.first]
            if state.entries[key]?.expires == expires { remove(key, &state) }
            state.first += 1
        }
        if state.first > 4096, state.first * 2 > state.order.count {
            state.order.removeFirst(state.first)
            state.first = 0
        }
    }
}
