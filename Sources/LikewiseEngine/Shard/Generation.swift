// The overlay: what the log holds and the ledger does not yet.
//
// It is a short queue of generations. The shard adds to the newest one; when the ledger writer is free, or the
// generation is large, it is sealed and handed over, and when the ledger has committed it, it goes as a whole. So
// nothing is ever removed singly, and a lookup asks the newest generation first.
//
// A generation's entries lie one behind the other in an arena, each followed by its user's bytes:
//
//   0 reading (8)   8 key hash (8)   16 content (4)   20 sequence from the first (4)   24 region (2)   26 old (1)
//   27 new (1)      28 length of the user id (1)      29 user id, padded to a multiple of 4
//
// In place of `old` stands `noRegister` where there was none at all before, neither in the ledger nor in the overlay.
//
// The index is in the order of the hashes: an entry's home is given by the upper bits, and the next free place is taken
// (linear probing). So a larger index is filled from the smaller one front to back, without a look at the arena, where
// a miss of the processor's cache would wait for each entry. An index entry is the hash's upper half and the entry's
// place in the arena.

import CPlatform
package import LikewiseCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Transitions in the order of the log, with an index by register.
///
/// `@unchecked Sendable`: only its shard changes it, and only until it is sealed; other threads see it sealed.
package final class Generation: @unchecked Sendable {
    static let entryHeader = 29
    /// Above all codes of reactions.
    fileprivate static let noRegister: UInt8 = 0xff
    /// A place in the arena is kept in 32 bits, in units of four bytes.
    private static let unit = 4
    private static let maxArenaBytes = Int(UInt32.max) * unit

    /// A content that this generation touches, and where its id lies in `ids`.
    private struct Content {
        var slot: UInt32
        var idLength: UInt16
        var idOffset: Int
    }

    /// A change of a content itself, between the transitions before and behind it.
    package struct ContentEvent {
        package var content: UInt32
        package var sequence: UInt64
        package var description: ContentDescription?
        package var deleted: Version?

        package init(
            content: UInt32, sequence: UInt64, description: ContentDescription? = nil, deleted: Version? = nil
        ) {
            self.content = content
            self.sequence = sequence
            self.description = description
            self.deleted = deleted
        }
    }

    package let number: UInt32
    private var contents: [Content] = []
    private var ids: [UInt8] = []
    package private(set) var events: [ContentEvent] = []
    package private(set) var answers: [StoredAnswer] = []
    package private(set) var firstSequence: UInt64
    package private(set) var lastSequence: UInt64
    package private(set) var entryCount = 0
    /// The clock reading of the first transition; nil while there is none.
    package private(set) var firstReading: UInt64?
    package private(set) var isSealed = false

    private var arena: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    private var index: UnsafeMutablePointer<UInt64>
    private var indexMask: Int
    /// How far a hash is shifted for its home.
    private var indexShift: UInt64
    private var indexUsed = 0
    /// A table for the next time that the index grows, or for the next generation.
    package var room: IndexRoom?

    /// An empty one, whose first record will be `firstSequence`. Its index has room for `expected` entries before it grows,
    /// which no batch of a busy shard should have to wait for.
    /// `room` is taken for that where it fits.
    package init(number: UInt32, firstSequence: UInt64, expecting expected: Int = 0, room: IndexRoom? = nil) {
        self.number = number
        self.firstSequence = firstSequence
        lastSequence = firstSequence - 1
        capacity = 1 << 14
        arena = resizedBlock(nil, from: 0, to: capacity)
        var count = Generation.indexCount(expecting: expected)
        if let room, room.count >= count, room.count <= count * 4, let table = room.take() {
            count = room.count
            index = table
        } else {
            index = Generation.emptyIndex(count)
            self.room = room
        }
        indexMask = count - 1
        indexShift = UInt64(64 - count.trailingZeroBitCount)
    }

    deinit {
        likewise_free_block(arena, capacity)
        likewise_free_table(index, (indexMask + 1) * 8)
    }

    /// The entries of an index that takes so many without growing.
    private static func indexCount(expecting expected: Int) -> Int {
        var count = 512
        while expected * 3 > count * 2 { count *= 2 }
        return count
    }

    private static func emptyIndex(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        guard let table = likewise_allocate_table(count * 8) else {
            preconditionFailure("no memory for an index of \(count) entries")
        }
        return table.bindMemory(to: UInt64.self, capacity: count)
    }

    package var isEmpty: Bool { lastSequence < firstSequence }

    /// Bytes held. Of a large arena's room only what is used is in memory.
    package var memoryBytes: Int {
        used + (indexMask + 1) * 8 + contents.capacity * MemoryLayout<Content>.stride + ids.capacity
    }

    // MARK: Filling

    /// Makes a content known here; answers its place, for entries and events.
    package func add(content slot: UInt32, id: UnsafeRawBufferPointer) -> UInt32 {
        contents.append(Content(slot: slot, idLength: UInt16(id.count), idOffset: ids.count))
        ids.append(contentsOf: id)
        return UInt32(contents.count - 1)
    }

    /// Makes a content known here; answers its place, for entries and events.
    package func add(content slot: UInt32, id: [UInt8]) -> UInt32 { id.withUnsafeBytes { add(content: slot, id: $0) } }

    /// Adds a transition; sequences must rise. With `isNew` it was proved that the user had no register before.
    @inline(__always)
    package func append(
        content: UInt32, keyHash: UInt64, user: UnsafeRawBufferPointer, transition: Transition, sequence: UInt64,
        isNew: Bool = false
    ) {
        let length = (Generation.entryHeader + user.count + 3) & ~3
        if used + length > capacity { growArena(by: length) }
        let p = arena + used
        p.storeBytes(of: transition.version.reading, as: UInt64.self)
        p.storeBytes(of: keyHash, toByteOffset: 8, as: UInt64.self)
        p.storeBytes(of: content, toByteOffset: 16, as: UInt32.self)
        p.storeBytes(of: UInt32(sequence - firstSequence), toByteOffset: 20, as: UInt32.self)
        p.storeBytes(of: transition.version.region, toByteOffset: 24, as: UInt16.self)
        p.storeBytes(
            of: isNew ? Generation.noRegister : transition.old.rawValue, toByteOffset: 26, as: UInt8.self)
        p.storeBytes(of: transition.new.rawValue, toByteOffset: 27, as: UInt8.self)
        p.storeBytes(of: UInt8(user.count), toByteOffset: 28, as: UInt8.self)
        if let base = user.baseAddress { (p + Generation.entryHeader).copyMemory(from: base, byteCount: user.count) }
        let offset = used
        used += length
        entryCount += 1
        if firstReading == nil { firstReading = transition.version.reading }
        lastSequence = sequence
        link(Entry(p), offset: offset)
        if indexUsed * 3 > indexMask * 2 { growIndex() }
    }

    /// Adds a change of a content.
    package func append(_ event: ContentEvent) {
        events.append(event)
        lastSequence = event.sequence
    }

    /// Adds an answer.
    package func append(_ answer: StoredAnswer, sequence: UInt64) {
        answers.append(answer)
        lastSequence = sequence
    }

    /// A place to go back to when a batch could not be written.
    package struct Mark {
        fileprivate var used: Int
        fileprivate var entries: Int
        fileprivate var events: Int
        fileprivate var answers: Int
        fileprivate var lastSequence: UInt64
    }

    /// Where this generation ends now.
    package var mark: Mark {
        Mark(
            used: used, entries: entryCount, events: events.count, answers: answers.count, lastSequence: lastSequence)
    }

    /// Forgets everything since `mark`.
    package func rollBack(to mark: Mark) {
        used = mark.used
        entryCount = mark.entries
        lastSequence = mark.lastSequence
        events.removeLast(events.count - mark.events)
        answers.removeLast(answers.count - mark.answers)
        rebuildIndex()
    }

    /// Nothing is added from now on.
    package func seal() { isSealed = true }

    // MARK: Reading

    /// An entry in the arena; valid as long as the generation is, and does not grow.
    package struct Entry {
        private let p: UnsafeRawPointer
        fileprivate init(_ p: UnsafeRawPointer) { self.p = p }
        package var version: Version {
            Version(reading: p.load(as: UInt64.self, at: 0), region: p.load(as: UInt16.self, at: 24))
        }
        package var keyHash: UInt64 { p.load(as: UInt64.self, at: 8) }
        package var content: UInt32 { p.load(as: UInt32.self, at: 16) }
        package var sequenceOffset: UInt32 { p.load(as: UInt32.self, at: 20) }
        package var old: Reaction { isNew ? .none : Reaction(rawValue: p.load(as: UInt8.self, at: 26)) }
        package var isNew: Bool { p.load(as: UInt8.self, at: 26) == Generation.noRegister }
        package var new: Reaction { Reaction(rawValue: p.load(as: UInt8.self, at: 27)) }
        package var register: Register { Register(version: version, reaction: new) }
        package var user: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: p + Generation.entryHeader, count: Int(p.load(as: UInt8.self, at: 28)))
        }
        fileprivate var length: Int { (Generation.entryHeader + Int(p.load(as: UInt8.self, at: 28)) + 3) & ~3 }
    }

    /// Contents that are known here, by their places 0, 1, 2, ….
    package var contentCount: Int { contents.count }

    /// The id of the content at `place`.
    package func contentID(_ place: UInt32) -> [UInt8] { Array(ids[idRange(place)]) }

    /// The place of the content called `id`; nil where it is not known here.
    package func place(ofContent id: [UInt8]) -> UInt32? {
        contents.indices.lazy.map { UInt32($0) }.first { self.ids[self.idRange($0)].elementsEqual(id) }
    }

    private func idRange(_ place: UInt32) -> Range<Int> {
        let content = contents[Int(place)]
        return content.idOffset..<(content.idOffset + Int(content.idLength))
    }

    /// The latest entry of a register, with its sequence; nil where this generation has none.
    package func find(slot: UInt32, keyHash: UInt64, user: UnsafeRawBufferPointer) -> Entry? {
        let tag = keyHash & 0xffff_ffff_0000_0000
        var at = home(keyHash)
        while index[at] != 0 {
            if index[at] & 0xffff_ffff_0000_0000 == tag {
                let entry = self.entry(index[at])
                if entry.keyHash == keyHash, contents[Int(entry.content)].slot == slot, sameBytes(entry.user, user) {
                    return entry
                }
            }
            at = (at + 1) & indexMask
        }
        return nil
    }

    /// The log sequence of an entry.
    package func sequence(of entry: Entry) -> UInt64 { firstSequence + UInt64(entry.sequenceOffset) }

    /// Calls `body` for each entry, in the order of the log.
    package func forEachEntry(_ body: (Entry) -> Void) {
        var at = 0
        while at < used {
            let entry = Entry(arena + at)
            body(entry)
            at += entry.length
        }
    }

    // MARK: Index

    private func entry(_ place: UInt64) -> Entry {
        Entry(arena + (Int(place & 0xffff_ffff) - 1) * Generation.unit)
    }

    @inline(__always)
    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> indexShift) }

    /// Brings the place where the register is, or belongs, near the processor.
    @inline(__always)
    func prefetch(_ keyHash: UInt64) { likewise_prefetch(index + home(keyHash)) }

    /// Points the index at the entry, in place of an earlier one of the same register.
    @inline(__always)
    private func link(_ entry: Entry, offset: Int) {
        let hash = entry.keyHash
        let tag = hash & 0xffff_ffff_0000_0000
        let place = tag | UInt64(offset / Generation.unit + 1)
        var at = home(hash)
        while index[at] != 0 {
            if index[at] & 0xffff_ffff_0000_0000 == tag {
                let other = self.entry(index[at])
                if other.keyHash == hash, other.content == entry.content, sameBytes(other.user, entry.user) {
                    index[at] = place
                    return
                }
            }
            at = (at &+ 1) & indexMask
        }
        index[at] = place
        indexUsed &+= 1
    }

    private func preparedIndex(_ count: Int) -> UnsafeMutablePointer<UInt64>? {
        guard room?.count == count else { return nil }
        defer { room = nil }
        return room?.take()
    }

    /// The entries of a table that will be needed before long, where it is worth preparing: to grow, or for the next
    /// generation when this one is sealed at `bytes`.
    package func roomWanted(sealedAt bytes: Int) -> Int? {
        let count = indexMask + 1
        guard !isSealed else { return nil }
        let atEnd = Int(Double(entryCount) * Double(bytes) / Double(max(1, memoryBytes)))
        let grows = atEnd * 3 > count * 2
        let isSoon = grows ? indexUsed * 3 > count : memoryBytes > bytes / 2
        let wanted = grows ? count * 2 : count
        let hasRoom = room.map { $0.count >= wanted } ?? false
        return isSoon && !hasRoom && wanted >= IndexRoom.minEntries ? wanted : nil
    }

    @inline(never)
    private func growIndex() {
        let old = index
        let count = indexMask + 1
        precondition(count < 1 << 32, "an index of \(count) entries has no more bits of the hash to go by")
        index = preparedIndex(count * 2) ?? Generation.emptyIndex(count * 2)
        indexMask = count * 2 - 1
        indexShift -= 1
        for i in 0..<count where old[i] != 0 {
            var at = home(old[i])
            while index[at] != 0 { at = (at &+ 1) & indexMask }
            index[at] = old[i]
        }
        likewise_free_table(old, count * 8)
    }

    private func rebuildIndex() {
        index.update(repeating: 0, count: indexMask + 1)
        indexUsed = 0
        var at = 0
        while at < used {
            let entry = Entry(arena + at)
            link(entry, offset: at)
            at += entry.length
        }
    }

    @inline(never)
    private func growArena(by length: Int) {
        let wanted = max(capacity * 2, used + length)
        precondition(wanted <= Generation.maxArenaBytes, "a generation of \(wanted) bytes was not sealed in time")
        arena = resizedBlock(arena, from: capacity, to: wanted)
        capacity = wanted
    }
}

extension UnsafeRawPointer {
    @inline(__always)
    fileprivate func load<T: BitwiseCopyable>(as type: T.Type, at offset: Int) -> T {
        loadUnaligned(fromByteOffset: offset, as: type)
    }
}
