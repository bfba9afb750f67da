import LikewiseClient
import LikewiseTestSupport
import Testing

@Suite("Counts that are asked for together")
struct CountWindowTests {
    @Test("Each content is there once, and every waiter at his content's place", arguments: SeededRandom.seeds(20))
    func places(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var window = CountWindow()
        var wanted: [UInt64: String] = [:]
        for waiter in 0..<UInt64(1_000) where !window.isFull {
            let content = "c\(random.below(300))"
            window.add(content, waiter: waiter)
            wanted[waiter] = content
        }
        #expect(window.contents.count == CountWindow.mostContents, "LIKEWISE_SEED=\(seed)")
        #expect(Set(window.contents).count == window.contents.count, "LIKEWISE_SEED=\(seed)")
        #expect(window.waiters.mapValues { window.contents[$0] } == wanted, "LIKEWISE_SEED=\(seed)")
    }
}
