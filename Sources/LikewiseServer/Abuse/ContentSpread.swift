// How widely a content is liked: from how many blocks its users come. What people pass on comes from nearly as many blocks as
// users; what a farm pushes comes from the few blocks that it has.

/// The contents that come most, with the blocks that their users come from.
struct ContentSpread: Sendable {
    private struct State: Sendable {
        var blocks = HyperLogLog()
        var blockCount: Float = 0
        var users: Float = 0
    }

    private var contents: SpaceSaving<State>

    init(capacity: Int) { contents = SpaceSaving(capacity: capacity, note: State()) }

    var bytes: Int { contents.bytes }

    @inline(__always)
    func prefetch(_ key: UInt64) { contents.prefetch(key) }

    @inline(__always)
    func prefetchNote(_ key: UInt64) { contents.prefetchNote(key) }

    /// Takes a user's first like of a content. Answers how many users there are to a block, once there are `least` users.
    mutating func add(_ content: UInt64, block: UInt64, least: Float) -> Double? {
        let place = contents.add(content)
        contents[place].users += 1
        if contents[place].blocks.add(block) { contents[place].blockCount = Float(contents[place].blocks.count) }
        guard contents[place].users >= least else { return nil }
        return Double(contents[place].users / max(1, contents[place].blockCount))
    }

    mutating func halve() { contents.halve() }
}
