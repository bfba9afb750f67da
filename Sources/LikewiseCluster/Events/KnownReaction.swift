// The names in events and caches, which may be older than the set of reactions that is accepted now.

import LikewiseCore

extension ReactionSet {
    /// The reaction that was ever called `name`, accepted as input or not.
    func held(named name: some Sequence<UInt8>) -> Reaction? {
        for (index, known) in names.enumerated() where known.utf8.elementsEqual(name) {
            return Reaction(rawValue: UInt8(index + 1))
        }
        return nil
    }
}
