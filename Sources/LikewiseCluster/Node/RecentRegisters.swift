// What this node wrote last, so that its own users see it while Redis cannot be asked and the ledger has not caught up.

import LikewiseCore

/// The registers that were written last, up to a bound; the oldest are forgotten first.
struct RecentRegisters {
    private let bound: Int
    private var held: [RegisterKey: Register] = [:]
    private var order: [RegisterKey] = []
    private var next = 0

    init(bound: Int) { self.bound = max(1, bound) }

    subscript(key: RegisterKey) -> Register? { held[key] }

    mutating func put(_ key: RegisterKey, _ register: Register) {
        if var known = held[key] {
            known.merge(register)
            held[key] = known
            return
        }
        if order.count < bound {
            order.append(key)
        } else {
            held[order[next]] = nil
            order[next] = key
            next = (next + 1) % bound
        }
        held[key] = register
    }
}
