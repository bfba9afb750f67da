import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Generation")
struct GenerationTests {
    private func append(
        _ generation: Generation, _ content: UInt32, _ user: String, _ new: UInt8, sequence: UInt64
    ) {
        let transition = Transition(
            old: .none, new: Reaction(rawValue: new), version: Version(reading: sequence * 10, region: 3))
        Array(user.utf8).withUnsafeBytes {
            generation.append(
                content: content, keyHash: hash(content, user), user: $0, transition: transition, sequence: sequence)
        }
    }

    private func hash(_ content: UInt32, _ user: String) -> UInt64 {
        Hash64.combine(UInt64(content), Hash64.of(Array(user.utf8), seed: 0))
    }

    private func find(_ generation: Generation, _ slot: UInt32, _ content: UInt32, _ user: String) -> UInt8? {
        Array(user.utf8).withUnsafeBytes {
            generation.find(slot: slot, keyHash: hash(content, user), user: $0)?.new.rawValue
        }
    }

    @Test("An index that was prepared is taken where it fits, to grow or to begin with, and finds all that is there")
    func prepared() throws {
        let generation = Generation(number: 1, firstSequence: 1)
        let place = generation.add(content: 7, id: Array("c".utf8))
        // One entry more than a table of 512 takes, or of 1,024.
        for (count, end) in [(1_024, 342), (4_096, 683)] {
            generation.room = try #require(IndexRoom(count: count))
            for i in (generation.entryCount + 1)...end {
                append(generation, place, "user-\(i)", 1, sequence: UInt64(i))
            }
            #expect((generation.room == nil) == (count == 1_024), "only one of the next size is taken")
            for i in 1...end { #expect(find(generation, 7, place, "user-\(i)") == 1) }
        }
        #expect(generation.room?.bytes == 4_096 * 8)
        let next = Generation(number: 2, firstSequence: 684, expecting: 1_000, room: generation.room)
        #expect(generation.room?.bytes == 0)
        let again = next.add(content: 7, id: Array("c".utf8))
        for i in 0..<2_000 { append(next, again, "user-\(i)", 2, sequence: UInt64(684 + i)) }
        for i in 0..<2_000 { #expect(find(next, 7, again, "user-\(i)") == 2) }
        #expect(find(next, 7, again, "user-2000") == nil)
        let small = Generation(
            number: 3, firstSequence: 3_000, expecting: 10, room: try #require(IndexRoom(count: 4_096)))
        #expect(small.room?.bytes == 4_096 * 8, "eight times what is needed is left for later")
    }

    @Test("A large index is asked for before it is needed, and a small one never")
    func wanted() {
        let generation = Generation(number: 1, firstSequence: 1)
        let place = generation.add(content: 7, id: Array("c".utf8))
        var asked: [Int] = []
        for i in 0..<100_000 {
            append(generation, place, "user-\(i)", 1, sequence: UInt64(i + 1))
            guard i % 1_000 == 0, let count = generation.roomWanted(sealedAt: 64 << 20) else { continue }
            if asked.last != count { asked.append(count) }
            generation.room = IndexRoom(count: count)
        }
        #expect(asked == [1 << 18, 1 << 19])
        #expect(generation.roomWanted(sealedAt: 64 << 20) == nil, "what was asked for is here")
        generation.room = IndexRoom(count: 1 << 18)
        #expect(generation.roomWanted(sealedAt: 64 << 20) == 1 << 19, "what is here is too small by now")
        let small = Generation(number: 2, firstSequence: 1)
        let other = small.add(content: 7, id: Array("c".utf8))
        for i in 0..<10_000 { append(small, other, "user-\(i)", 1, sequence: UInt64(i + 1)) }
        #expect(small.roomWanted(sealedAt: 1 << 20) == nil)
    }

    @Test("A register's latest entry is found, and all entries come in the order of the log")
    func latest() {
        let generation = Generation(number: 1, firstSequence: 100)
        #expect(generation.isEmpty)
        var random = SeededRandom(seed: 2)
        var model: [String: UInt8] = [:]
        let places = (0..<20).map { generation.add(content: $0 + 50, id: Array("c\($0)".utf8)) }
        for i in 0..<20_000 {
            let place = places[random.below(20)]
            let user = "user-\(random.below(300))"
            let new = UInt8(random.within(0...6))
            append(generation, place, user, new, sequence: 100 + UInt64(i))
            model["\(place) \(user)"] = new
        }
        for place in places {
            for user in 0..<310 {
                let expected = model["\(place) user-\(user)"]
                #expect(find(generation, place + 50, place, "user-\(user)") == expected)
            }
        }
        #expect(find(generation, 7, 0, "user-1") == nil, "another content's slot")
        var sequence: UInt64 = 100
        generation.forEachEntry { entry in
            #expect(generation.sequence(of: entry) == sequence)
            #expect(entry.version == Version(reading: sequence * 10, region: 3))
            sequence += 1
        }
        #expect(sequence == 20_100 && generation.entryCount == 20_000)
        #expect(generation.firstSequence == 100 && generation.lastSequence == 20_099)
    }

    @Test("Rolled back, it is as it was: entries, index, events, answers and the last sequence")
    func rollBack() {
        let generation = Generation(number: 1, firstSequence: 1)
        let place = generation.add(content: 4, id: [1])
        let answer = StoredAnswer(key: [1], fingerprint: 2, expires: 3, payload: [])
        append(generation, place, "a", 1, sequence: 1)
        append(generation, place, "b", 2, sequence: 2)
        generation.append(answer, sequence: 3)
        let mark = generation.mark
        for round in 0..<3 {
            append(generation, place, "a", 5, sequence: 4)
            // More than the index had room for, so that it grew in between.
            for i in 0..<2_000 { append(generation, place, "new-\(i)", 1, sequence: 5 + UInt64(i)) }
            let other = generation.add(content: 9, id: [2])
            append(generation, other, "a", 6, sequence: 2_100)
            generation.append(Generation.ContentEvent(content: other, sequence: 2_101, deleted: .zero))
            generation.append(answer, sequence: 2_102)
            generation.rollBack(to: mark)
            #expect(find(generation, 4, place, "a") == 1, "round \(round)")
            #expect(find(generation, 4, place, "b") == 2)
            #expect(find(generation, 4, place, "new-7") == nil)
            #expect(find(generation, 9, other, "a") == nil)
            #expect(generation.entryCount == 2 && generation.lastSequence == 3)
            #expect(generation.events.isEmpty && generation.answers.count == 1)
        }
        append(generation, place, "a", 3, sequence: 4)
        #expect(find(generation, 4, place, "a") == 3 && generation.lastSequence == 4)
    }

    @Test("Rolled back to its beginning it is empty")
    func rollBackAll() {
        let generation = Generation(number: 1, firstSequence: 8)
        let mark = generation.mark
        append(generation, generation.add(content: 0, id: [1]), "a", 1, sequence: 8)
        #expect(!generation.isEmpty)
        generation.rollBack(to: mark)
        #expect(generation.isEmpty && generation.lastSequence == 7)
    }
}
