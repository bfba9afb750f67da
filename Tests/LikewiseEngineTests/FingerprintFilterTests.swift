import LikewiseEngine
import LikewiseTestSupport
import Testing

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite("Fingerprint filter")
struct FingerprintFilterTests {
    @Test("An empty filter has seen nobody; a fingerprint is counted once")
    func small() {
        var filter = FingerprintFilter()
        let seen = filter.contains(1)
        #expect(!seen && filter.count == 0 && filter.memoryBytes == 0)
        #expect(FingerprintFilter.fingerprint(7) == 1, "0 marks an empty place")
        #expect(FingerprintFilter.fingerprint(0xabcd_ef01_0000_0000) == 0xabcd_ef01)
        for fingerprint in [1, 2, .max, 0x8000_0000, 0x7fff_ffff] as [UInt32] {
            let isNew = filter.insert(fingerprint)
            let isNewAgain = filter.insert(fingerprint)
            let isThere = filter.contains(fingerprint)
            #expect(isNew && !isNewAgain && isThere)
        }
        let other = filter.contains(3)
        #expect(filter.count == 5 && !other)
    }

    @Test("No user is forgotten, over a million insertions and every table that grew or split on the way")
    func noFalseNegatives() {
        var filter = FingerprintFilter()
        var random = SeededRandom(seed: 42)
        var before = SeededRandom(seed: 42)
        var distinct = 0
        for i in 1...1_000_000 {
            if filter.insert(FingerprintFilter.fingerprint(random.next())) { distinct += 1 }
            // Each is looked for again a while after it was inserted.
            if i > 50_000 {
                let isThere = filter.contains(FingerprintFilter.fingerprint(before.next()))
                if !isThere {
                    Issue.record("a user was forgotten before insertion \(i)")
                    return
                }
            }
        }
        var all = SeededRandom(seed: 42)
        var missing = 0
        for _ in 0..<1_000_000 where !filter.contains(FingerprintFilter.fingerprint(all.next())) { missing += 1 }
        #expect(missing == 0)
        #expect(filter.count == distinct)
    }

    /// `LIKEWISE_FILTER_USERS=10000000` measures at ten million.
    @Test("A user costs six bytes at most, and an unseen one is seldom taken for seen")
    func costs() {
        let users = getenv("LIKEWISE_FILTER_USERS").flatMap { Int(String(cString: $0)) } ?? 2_000_000
        var filter = FingerprintFilter()
        var random = SeededRandom(seed: 8)
        var most = 0.0
        for i in 1...users {
            _ = filter.insert(FingerprintFilter.fingerprint(random.next()))
            if i >= 100_000 && i % 10_000 == 0 { most = max(most, Double(filter.memoryBytes) / Double(i)) }
        }
        let asked = 2_000_000
        var maybe = 0
        for _ in 0..<asked where filter.contains(FingerprintFilter.fingerprint(random.next())) { maybe += 1 }
        let bytes = Double(filter.memoryBytes) / Double(users)
        print(
            "filter: \(users) users, \(bytes) bytes each (\(most) at worst), one false maybe in \(asked / max(1, maybe))"
        )
        #expect(bytes <= 6)
        #expect(Double(maybe) / Double(asked) < 1.3 * Double(users) / 4_294_967_296)
    }

    @Test(
        "The filter of a content of few users takes little more than their fingerprints",
        arguments: [(1, 64), (15, 64), (16, 128), (30, 128), (90, 384), (100, 448), (240, 1_024)])
    func smallOnes(users: Int, bytes: Int) {
        var filter = FingerprintFilter()
        var random = SeededRandom(seed: UInt64(users))
        while filter.count < users { _ = filter.insert(FingerprintFilter.fingerprint(random.next())) }
        #expect(filter.memoryBytes == bytes)
        #expect(MemoryLayout<FingerprintFilter>.size == 24)
    }

    @Test("Fingerprints that crowd into one half are all kept, though every split leaves one side empty")
    func skewed() {
        var filter = FingerprintFilter()
        var random = SeededRandom(seed: 4)
        var inserted: [UInt32] = []
        for _ in 0..<28_000 {
            inserted.append(FingerprintFilter.fingerprint(random.next() >> 1))
            _ = filter.insert(inserted[inserted.count - 1])
        }
        let missing = inserted.count { !filter.contains($0) }
        #expect(missing == 0)
    }
}
