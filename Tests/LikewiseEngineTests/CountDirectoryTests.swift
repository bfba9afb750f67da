import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Synchronization
import Testing

@Suite("Count directory")
struct CountDirectoryTests {
    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    private func hash(_ id: [UInt8]) -> UInt64 { Hash64.of(id, seed: 1) }

    private func find(_ directory: CountDirectory, _ id: [UInt8]) -> PublishedContent? {
        id.withUnsafeBytes { directory.find($0, hash: hash(id)) }
    }

    @Test("What is published of a content is found, what is only changed is not, and what is removed is gone")
    func published() {
        let directory = CountDirectory()
        let table = ContentTable(directory)
        let id = Array("video".utf8)
        #expect(find(directory, id) == nil)
        let slot = id.withUnsafeBytes {
            table.insert($0, ContentState(hash: hash(id), description: ContentDescription(type: [1], registered: true)))
        }
        #expect(find(directory, id)?.tally == Tally())
        #expect(find(directory, id)?.description == ContentDescription(type: [1], registered: true))
        table[slot].pointee.tally.add(3, to: .like)
        table[slot].pointee.description.type = [2]
        #expect(find(directory, id)?.tally.total == 0 && find(directory, id)?.description.type == [1])
        table.publish(slot)
        #expect(find(directory, id)?.tally.total == 3 && find(directory, id)?.description.type == [2])
        table.remove(slot)
        #expect(find(directory, id) == nil)
    }

    @Test("Of contents whose hashes are equal, each is found with its own counts")
    func equalHashes() {
        let directory = CountDirectory()
        let table = ContentTable(directory)
        let ids = (0..<50).map { Array("c\($0)".utf8) }
        for (i, id) in ids.enumerated() {
            var tally = Tally()
            tally.add(Int64(i), to: .like)
            _ = id.withUnsafeBytes { table.insert($0, ContentState(hash: 9, tally: tally)) }
        }
        for (i, id) in ids.enumerated() {
            #expect(id.withUnsafeBytes { directory.find($0, hash: 9) }?.tally.total == UInt64(i))
        }
        #expect(Array("other".utf8).withUnsafeBytes { directory.find($0, hash: 9) } == nil)
    }

    @Test("Readers on other threads see only whole contents while 600 are loaded, changed and unloaded 300,000 times")
    func readers() throws {
        let directory = CountDirectory()
        let love = Reaction(rawValue: 2)
        // From a byte to more than a cell holds. Each content's type is its id, so that mixed up contents would show.
        let ids = (0..<600).map { Array("\($0)".utf8) + Array(repeating: UInt8(ascii: "x"), count: $0 % 40) }
        let isDone = Flag()
        let crew = Crew(3) { member -> Int in
            var random = SeededRandom(seed: UInt64(member))
            if member == 0 {
                defer { isDone.value.store(true, ordering: .releasing) }
                return Self.change(ids, in: ContentTable(directory), &random)
            }
            var seen = 0
            while !isDone.value.load(ordering: .acquiring) {
                let id = random.pick(ids)
                guard let content = id.withUnsafeBytes({ directory.find($0, hash: Hash64.of(id, seed: 1)) }) else {
                    continue
                }
                let (likes, loves) = (content.tally.count(of: .like), content.tally.count(of: love))
                guard likes == loves, content.tally.total == likes + loves, content.description.type == id else {
                    throw MixedUp(description: "\(id): \(content)")
                }
                seen += 1
            }
            return seen
        }
        let counts = try crew.finish(seconds: 60)
        #expect(counts.allSatisfy { $0 > 0 })
    }

    private struct MixedUp: Error, CustomStringConvertible {
        var description: String
    }

    private static func change(_ ids: [[UInt8]], in table: ContentTable, _ random: inout SeededRandom) -> Int {
        for _ in 0..<300_000 {
            let id = random.pick(ids)
            let hash = Hash64.of(id, seed: 1)
            id.withUnsafeBytes { bytes in
                guard let slot = table.find(hash, bytes) else {
                    let description = ContentDescription(type: id)
                    _ = table.insert(bytes, ContentState(hash: hash, description: description))
                    return
                }
                if random.below(10) == 0 { return table.remove(slot) }
                table[slot].pointee.tally.apply(old: .none, new: .like)
                table[slot].pointee.tally.apply(old: .none, new: Reaction(rawValue: 2))
                table.publish(slot)
            }
        }
        return table.count
    }
}
