// Room for values by slot, in blocks that never move, so that what points at a value stays good while others come.
//
// Each block is twice as large as the one before: a few dozen of them reach as far as slots do, so their places fit into a
// table that never grows, and a thread that was told of a slot finds its value without a lock. What of a block is not
// used yet takes no memory, since large blocks are mapped.

import CPlatform

/// Room for values of one type by slot, 0, 1, 2, …. Memory only: whoever initializes a value deinitializes it. Not copyable,
/// and its room is given back at its end.
struct SlotStore<Value: ~Copyable>: ~Copyable {
    /// Slots of the first block: 2 to the power of this.
    private static var firstBits: Int { 10 }
    private static var maxBlocks: Int { 32 - firstBits }

    private let blocks: UnsafeMutablePointer<UnsafeMutablePointer<Value>?>
    private var blockCount = 0

    init() {
        blocks = .allocate(capacity: Self.maxBlocks)
        blocks.initialize(repeating: nil, count: Self.maxBlocks)
    }

    deinit {
        for i in 0..<blockCount { likewise_free_table(blocks[i], Self.bytes(ofBlock: i)) }
        blocks.deallocate()
    }

    private static func bytes(ofBlock i: Int) -> Int { MemoryLayout<Value>.stride << (firstBits + i) }

    /// The place of `slot`, for which there is room.
    @inline(__always)
    subscript(slot: UInt32) -> UnsafeMutablePointer<Value> {
        // Block k begins at slot 2^(k + 10) - 2^10.
        let biased = UInt64(slot) &+ (1 &<< UInt64(Self.firstBits))
        let top = 63 &- biased.leadingZeroBitCount
        guard let block = blocks[top &- Self.firstBits] else { preconditionFailure("slot \(slot) has no room yet") }
        return block + Int(truncatingIfNeeded: biased ^ (1 &<< UInt64(top)))
    }

    /// Makes room for `slot`, if there is room for all before it. Traps where there is no memory.
    mutating func makeRoom(for slot: UInt32) {
        let first = ((UInt64(1) << UInt64(blockCount)) - 1) << UInt64(Self.firstBits)
        guard UInt64(slot) >= first else { return }
        precondition(blockCount < Self.maxBlocks, "slot \(slot) is beyond the most contents that a shard can have")
        let bytes = Self.bytes(ofBlock: blockCount)
        guard let block = likewise_allocate_table(bytes) else {
            preconditionFailure("no memory for \(bytes) bytes of contents")
        }
        blocks[blockCount] = block.assumingMemoryBound(to: Value.self)
        blockCount += 1
    }
}
