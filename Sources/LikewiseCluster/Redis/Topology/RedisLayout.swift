/// Which master owns which slots, as somebody told it.
package struct RedisLayout: Hashable, Sendable {
    /// The masters.
    package private(set) var masters: [RedisAddress]
    /// For each slot, the master's index in `masters`, or -1; empty: the one master owns all.
    private(set) var owners: [Int16]

    /// One master for everything.
    init(single master: RedisAddress) {
        masters = [master]
        owners = []
    }

    /// Reads the answer to CLUSTER SLOTS; nil where it is none. `asked` is who answered: servers that do not know their
    /// own name leave it out.
    package init?(slots answer: RedisValue, asked: RedisAddress) {
        guard let ranges = answer.elements, !ranges.isEmpty else { return nil }
        masters = []
        owners = [Int16](repeating: -1, count: RedisSlot.count)
        var indices: [RedisAddress: Int16] = [:]
        for range in ranges {
            guard let parts = range.elements, parts.count >= 3,
                let first = parts[0].number, let last = parts[1].number, 0 <= first, first <= last,
                last < Int64(RedisSlot.count),
                let node = parts[2].elements, node.count >= 2,
                let port = node[1].number.flatMap({ UInt16(exactly: $0) })
            else { return nil }
            let host = node[0].text ?? ""
            let address = RedisAddress(host.isEmpty || host == "?" ? asked.host : host, port)
            let index = indices[address] ?? Int16(masters.count)
            if indices.updateValue(index, forKey: address) == nil { masters.append(address) }
            for slot in Int(first)...Int(last) { owners[slot] = index }
        }
    }

    /// Reads a sentinel's answer to SENTINEL GET-MASTER-ADDR-BY-NAME; nil where it does not know the name.
    init?(sentinel answer: RedisValue) {
        guard let parts = answer.elements, parts.count == 2, let host = parts[0].text,
            let port = parts[1].text.flatMap({ UInt16($0) })
        else { return nil }
        self.init(single: RedisAddress(host, port))
    }

    /// The master of a slot, as an index of `masters`; nil where nobody owns it.
    package func owner(of slot: UInt16) -> Int? {
        if owners.isEmpty { return 0 }
        let owner = owners[Int(slot)]
        return owner >= 0 ? Int(owner) : nil
    }

    /// Gives one slot to `address`, as a server has just said.
    package mutating func move(slot: UInt16, to address: RedisAddress) {
        guard !owners.isEmpty, Int(slot) < owners.count else { return }
        let index = masters.firstIndex(of: address) ?? masters.count
        if index == masters.count { masters.append(address) }
        owners[Int(slot)] = Int16(index)
    }

    /// Whether every slot has the same master in both, however the masters are numbered.
    package func agrees(with other: RedisLayout) -> Bool {
        guard owners.count == other.owners.count else { return false }
        if owners.isEmpty { return masters == other.masters }
        return zip(owners, other.owners).allSatisfy { mine, its in
            mine < 0 || its < 0 ? mine == its : masters[Int(mine)] == other.masters[Int(its)]
        }
    }
}
