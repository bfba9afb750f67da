import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Bucket pool")
struct BucketPoolTests {
    private struct Block {
        var place: UnsafeMutablePointer<UInt64>
        var buckets: Int
        var mark: UInt64

        var words: Int { buckets * 8 }
        var isIntact: Bool { (0..<words).allSatisfy { place[$0] == mark } }
    }

    private func take(_ pool: BucketPool, _ buckets: Int, mark: UInt64) -> Block {
        let memory = pool.allocate(buckets: buckets)
        let place = memory.bindMemory(to: UInt64.self, capacity: buckets * 8)
        let block = Block(place: place, buckets: buckets, mark: mark)
        #expect(UInt(bitPattern: memory) % 64 == 0)
        #expect((0..<block.words).allSatisfy { place[$0] == 0 }, "zeroed")
        for i in 0..<block.words { place[i] = mark }
        return block
    }

    @Test("Blocks of all sizes come zeroed, on cache lines, and never overlap, over 60,000 random takes and returns")
    func random() {
        let pool = BucketPool()
        var random = SeededRandom(seed: 5)
        var blocks: [Block] = []
        for i in 0..<60_000 {
            // Grows to a few thousand and shrinks again, so that slabs fill, empty and change their size.
            let isGrowing = i / 5_000 % 2 == 0
            if blocks.isEmpty || random.below(10) < (isGrowing ? 7 : 3) {
                blocks.append(take(pool, random.within(1...BucketPool.maxBuckets), mark: UInt64(i) + 1))
            } else {
                blocks.swapAt(random.below(blocks.count), blocks.count - 1)
                let block = blocks.removeLast()
                #expect(block.isIntact)
                pool.deallocate(block.place)
                if i % 50 == 0 { pool.releaseMemory() }
            }
        }
        #expect(blocks.allSatisfy { $0.isIntact })
        for block in blocks { pool.deallocate(block.place) }
        #expect(pool.slabBytes == 0)
    }

    @Test("Ten thousand tables that grow from one bucket to seven in turn leave no gaps behind")
    func growing() {
        let pool = BucketPool()
        var blocks = (0..<10_000).map { _ in pool.allocate(buckets: 1) }
        for buckets in 2...7 {
            for i in blocks.indices {
                let larger = pool.allocate(buckets: buckets)
                pool.deallocate(blocks[i])
                blocks[i] = larger
            }
        }
        #expect(Double(pool.slabBytes) < 1.05 * Double(blocks.count * 7 * 64))
        for block in blocks { pool.deallocate(block) }
        #expect(pool.slabBytes == 0)
    }
}
