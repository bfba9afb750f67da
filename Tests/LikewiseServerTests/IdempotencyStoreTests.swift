import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Idempotency keys that are kept")
struct IdempotencyStoreTests {
    private static let window: UInt64 = 1_000

    private let clock = SimulatedClock()

    private func makeStore(
        limit: Int = 100, bytes: Int = 1_000_000, restoring answers: [StoredAnswer] = []
    ) -> IdempotencyStore {
        IdempotencyStore(
            IdempotencyStore.Options(window: IdempotencyStoreTests.window, limit: limit, bytes: bytes),
            restoring: answers)
    }

    /// What a claim comes to, in a form that can be compared.
    private enum Found: Equatable {
        case new, inUse, reused, full
        case done([UInt8])
    }

    private func claim(_ store: IdempotencyStore, _ key: String, _ fingerprint: UInt64 = 1) -> Found {
        switch store.claim(Array(key.utf8), fingerprint: fingerprint, now: clock.milliseconds()) {
        case .new: .new
        case .inUse: .inUse
        case .reused: .reused
        case .full: .full
        case .done(let payload): .done(payload)
        }
    }

    /// Claims a key that must be new.
    private func first(_ store: IdempotencyStore, _ key: String, _ fingerprint: UInt64 = 1) throws -> StoredAnswer {
        guard case .new(let answer) = store.claim(Array(key.utf8), fingerprint: fingerprint, now: clock.milliseconds())
        else {
            throw Unexpected(key: key)
        }
        return answer
    }

    private struct Unexpected: Error { var key: String }

    @Test("A claim says what is to be stored with the change")
    func claims() throws {
        let answer = try first(makeStore(), "k", 42)
        #expect(answer.key == Array("k".utf8))
        #expect(answer.fingerprint == 42)
        #expect(answer.expires == clock.milliseconds() + IdempotencyStoreTests.window)
        #expect(answer.payload.isEmpty)
    }

    @Test("A key is in use until its first request is done, and gives its answer from then on")
    func settles() throws {
        let store = makeStore()
        let answer = try first(store, "k")
        #expect(claim(store, "k") == .inUse)
        #expect(claim(store, "other") == .new)
        store.settle(answer, payload: [1, 2])
        #expect(claim(store, "k") == .done([1, 2]))
        #expect(claim(store, "k") == .done([1, 2]))
    }

    @Test("An answer without a byte is an answer")
    func emptyPayload() throws {
        let store = makeStore()
        store.settle(try first(store, "k"), payload: [])
        #expect(claim(store, "k") == .done([]))
    }

    @Test("A key is refused for another request, whether the first is done or not")
    func reused() throws {
        let store = makeStore()
        let answer = try first(store, "k", 1)
        #expect(claim(store, "k", 2) == .reused)
        store.settle(answer, payload: [1])
        #expect(claim(store, "k", 2) == .reused)
        #expect(claim(store, "k", 1) == .done([1]))
    }

    @Test("A key that was given back is new, for another request too")
    func releases() throws {
        let store = makeStore()
        store.release(try first(store, "k", 1))
        #expect(claim(store, "k", 2) == .new)
    }

    @Test("What is settled cannot be given back")
    func releaseAfterSettle() throws {
        let store = makeStore()
        let answer = try first(store, "k")
        store.settle(answer, payload: [1])
        store.release(answer)
        #expect(claim(store, "k") == .done([1]))
    }

    @Test("An answer is kept for the window, and not for a millisecond more")
    func expires() throws {
        let store = makeStore()
        store.settle(try first(store, "k", 1), payload: [1])
        clock.advance(milliseconds: IdempotencyStoreTests.window - 1)
        #expect(claim(store, "k", 1) == .done([1]))
        clock.advance(milliseconds: 1)
        #expect(claim(store, "k", 2) == .new)
    }

    @Test("Above the limit no key is taken, until some have expired; those that are kept are still known")
    func full() throws {
        let store = makeStore(limit: 3)
        for key in ["a", "b", "c"] {
            store.settle(try first(store, key), payload: Array(key.utf8))
            clock.advance(milliseconds: 1)
        }
        #expect(claim(store, "d") == .full)
        #expect(claim(store, "a") == .done(Array("a".utf8)))
        clock.advance(milliseconds: IdempotencyStoreTests.window - 3)
        #expect(claim(store, "d") == .new)
        #expect(claim(store, "e") == .full)
        clock.advance(milliseconds: 1)
        #expect(claim(store, "e") == .new)
    }

    @Test("Above the limit of bytes no key is taken, until answers have expired")
    func fullOfBytes() throws {
        let store = makeStore(bytes: 10)
        let now = clock.milliseconds()
        store.settle(try first(store, "a"), payload: [UInt8](repeating: 1, count: 9))
        clock.advance(milliseconds: 1)
        let last = try first(store, "b")
        store.settle(last, payload: [1])
        #expect(claim(store, "c") == .full)
        // Settled once, counted once.
        store.settle(last, payload: [UInt8](repeating: 2, count: 100))
        #expect(claim(store, "b") == .done([1]))
        clock.advance(milliseconds: IdempotencyStoreTests.window - 1)
        #expect(claim(store, "c") == .new)
        let answer = StoredAnswer(
            key: [1], fingerprint: 1, expires: now + 5_000, payload: [UInt8](repeating: 1, count: 10))
        #expect(claim(makeStore(bytes: 10, restoring: [answer]), "d") == .full)
    }

    @Test("The bytes of an answer whose key is taken anew are free, also where the clock was set back before")
    func bytesOfOldAnswer() throws {
        let store = makeStore(bytes: 10)
        _ = try first(store, "first")
        clock.jump(milliseconds: -5_000)
        store.settle(try first(store, "k", 1), payload: [UInt8](repeating: 1, count: 9))
        clock.advance(milliseconds: IdempotencyStoreTests.window)
        store.settle(try first(store, "k", 2), payload: [1])
        #expect(claim(store, "other") == .new)
    }

    @Test("Giving a key back makes room")
    func releaseMakesRoom() throws {
        let store = makeStore(limit: 1)
        let answer = try first(store, "a")
        #expect(claim(store, "b") == .full)
        store.release(answer)
        #expect(claim(store, "b") == .new)
    }

    @Test("Answers from before the start are known until they expire, in whatever order they come")
    func restores() {
        let now = clock.milliseconds()
        let answers = [(3, 30), (1, 10), (2, 20)].map { name, milliseconds in
            StoredAnswer(
                key: Array("\(name)".utf8), fingerprint: 9, expires: now + UInt64(milliseconds), payload: [UInt8(name)])
        }
        let store = makeStore(limit: 3, restoring: answers)
        for name in 1...3 { #expect(claim(store, "\(name)", 9) == .done([UInt8(name)])) }
        #expect(claim(store, "2", 8) == .reused)
        #expect(claim(store, "4") == .full)
        clock.advance(milliseconds: 10)
        #expect(claim(store, "1", 8) == .new)
        clock.advance(milliseconds: 20)
        #expect(claim(store, "4") == .new)
        #expect(claim(store, "5") == .new)
        #expect(claim(store, "6") == .full)
    }

    @Test("The room of many keys is found again when they expire")
    func manyRounds() throws {
        let store = makeStore(limit: 5_000)
        for round in 0..<4 {
            for i in 0..<5_000 { store.settle(try first(store, "\(round)-\(i)"), payload: [1]) }
            #expect(claim(store, "more") == .full)
            clock.advance(milliseconds: IdempotencyStoreTests.window)
        }
        #expect(claim(store, "more") == .new)
    }

    // MARK: A clock that jumps

    @Test("A clock that is set back keeps answers longer, and loses none")
    func jumpBack() throws {
        let store = makeStore()
        store.settle(try first(store, "before"), payload: [1])
        clock.jump(milliseconds: -5_000)
        store.settle(try first(store, "after"), payload: [2])
        #expect(claim(store, "before") == .done([1]))
        #expect(claim(store, "after") == .done([2]))
        clock.advance(milliseconds: IdempotencyStoreTests.window)
        #expect(claim(store, "before") == .done([1]))
        #expect(claim(store, "after", 2) == .new)
        clock.advance(milliseconds: 5_000)
        #expect(claim(store, "before", 2) == .new)
    }

    @Test("A clock that is set forward ends the window of what is done")
    func jumpForward() throws {
        let store = makeStore()
        store.settle(try first(store, "k"), payload: [1])
        clock.jump(milliseconds: 5_000)
        #expect(claim(store, "k", 2) == .new)
    }

    @Test("A request that is done after its window leaves nothing behind that takes up room for ever")
    func settledLate() throws {
        let store = makeStore(limit: 2)
        let late = [try first(store, "a"), try first(store, "b")]
        clock.jump(milliseconds: 5_000)
        _ = claim(store, "c")
        for answer in late { store.settle(answer, payload: [1]) }
        clock.advance(milliseconds: 2 * IdempotencyStoreTests.window)
        #expect(claim(store, "d") == .new)
        #expect(claim(store, "e") == .new)
    }

    @Test("A request that outlasts its window does not answer for the next one with its key")
    func overtaken() throws {
        let store = makeStore()
        let slow = try first(store, "k", 1)
        clock.jump(milliseconds: 5_000)
        let next = try first(store, "k", 2)
        store.settle(slow, payload: [1])
        #expect(claim(store, "k", 2) == .inUse)
        store.settle(next, payload: [2])
        #expect(claim(store, "k", 2) == .done([2]))
    }

    @Test("A request that outlasts its window does not give back the claim of the next one with its key")
    func overtakenRelease() throws {
        let store = makeStore()
        let slow = try first(store, "k", 1)
        clock.jump(milliseconds: 5_000)
        let next = try first(store, "k", 1)
        store.release(slow)
        #expect(claim(store, "k", 1) == .inUse)
        store.settle(next, payload: [2])
        #expect(claim(store, "k", 1) == .done([2]))
    }

    // MARK: Many at once

    @Test("Of many that claim a key at once, one gets it")
    func race() async {
        let store = makeStore(limit: 1_000)
        let now = clock.milliseconds()
        let winners = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var won = 0
                    for i in 0..<500 {
                        if case .new = store.claim(Array("\(i)".utf8), fingerprint: 1, now: now) { won += 1 }
                    }
                    return won
                }
            }
            return await group.reduce(0, +)
        }
        #expect(winners == 500)
    }
}
