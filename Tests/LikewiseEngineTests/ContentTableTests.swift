import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Content table")
struct ContentTableTests {
    private func insert(_ table: ContentTable, _ id: [UInt8], hash: UInt64) -> UInt32 {
        id.withUnsafeBytes { table.insert($0, ContentState(hash: hash)) }
    }

    @Test(
        "It finds what a dictionary would, through 200,000 random insertions, removals and lookups",
        arguments: [UInt64.max, 0xff, 0xffff_ffff_0000_003f])
    func likeADictionary(mask: UInt64) {
        // A mask of few bits makes hashes collide, in the home place, in the tag, or in both.
        let table = ContentTable(CountDirectory())
        var model: [[UInt8]: UInt32] = [:]
        var random = SeededRandom(seed: mask)
        let ids = (0..<(mask == 0xff ? 600 : 4_000)).map { Array("content-\($0)".utf8) }
        for _ in 0..<(mask == 0xff ? 30_000 : 200_000) {
            let id = random.pick(ids)
            let hash = Hash64.of(id, seed: 1) & mask
            let found = id.withUnsafeBytes { table.find(hash, $0) }
            #expect(found == model[id])
            if found != model[id] { return }
            switch (found, random.below(3)) {
            case (nil, 0...1):
                let slot = insert(table, id, hash: hash)
                model[id] = slot
                #expect(table.isLoaded(slot) && table.id(slot).elementsEqual(id))
            case (let slot?, 0):
                table.remove(slot)
                model[id] = nil
                #expect(!table.isLoaded(slot))
            default: break
            }
        }
        #expect(table.count == model.count)
        for (id, slot) in model {
            #expect(id.withUnsafeBytes { table.find(Hash64.of(id, seed: 1) & mask, $0) } == slot)
        }
        for slot in model.values { table.remove(slot) }
        #expect(table.count == 0 && table.memoryBytes == 0)
    }

    @Test("A state stays where it is while others come and go")
    func stays() {
        let table = ContentTable(CountDirectory())
        let id = Array("kept".utf8)
        let slot = insert(table, id, hash: 5)
        let place = table[slot]
        for round in 0..<3 {
            let others = (0..<5_000).map { insert(table, Array("\(round)-\($0)".utf8), hash: UInt64($0) << 20) }
            for other in others { table.remove(other) }
        }
        #expect(table[slot] == place && table.id(slot).elementsEqual(id))
    }

    @Test("The unloading hand spares what was touched, once, and meets everything else")
    func sweep() {
        let table = ContentTable(CountDirectory())
        for i in 0..<100 { _ = insert(table, Array("\(i)".utf8), hash: UInt64(i)) }
        var met: [UInt32] = []
        table.sweep(steps: 100) { met.append($0) }
        #expect(met.isEmpty, "all are new")
        table.sweep(steps: 100) { met.append($0) }
        #expect(Set(met) == Set(0..<100))
        table.sweep(steps: 1_000) { table.remove($0) }
        #expect(table.count == 0)
    }

    @Test("Ids of every length are told apart, those that begin alike too, and are forgotten when they are removed")
    func lengths() {
        let table = ContentTable(CountDirectory())
        let ids = (1...256).map { Array(repeating: UInt8(ascii: "a"), count: $0) }
        // One hash for all: only the ids tell them apart.
        let slots = ids.map { insert(table, $0, hash: 7) }
        for (id, slot) in zip(ids, slots) {
            #expect(id.withUnsafeBytes { table.find(7, $0) } == slot && table.id(slot).elementsEqual(id))
        }
        for (i, slot) in slots.enumerated() where i % 2 == 0 { table.remove(slot) }
        for (i, id) in ids.enumerated() {
            #expect(id.withUnsafeBytes { table.find(7, $0) } == (i % 2 == 0 ? nil : slots[i]))
        }
        for (i, slot) in slots.enumerated() where i % 2 == 1 { table.remove(slot) }
        #expect(table.count == 0 && table.memoryBytes == 0)
    }

    @Test("A loaded content takes at most 240 bytes beside its filter and a long id")
    func size() {
        let table = ContentTable(CountDirectory())
        _ = insert(table, Array("video_000000001".utf8), hash: 1)
        #expect(MemoryLayout<ContentState>.stride == 128, "two cache lines")
        #expect(table.memoryBytes <= 240)
    }
}
