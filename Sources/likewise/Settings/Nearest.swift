/// The known name that a mistyped one most likely meant.
package enum Nearest {
    /// The nearest of `known` by edit distance (the first of equals), or nil where more than half of the longer of the
    /// two would have to change: such a guess would mislead.
    package static func name(to word: String, among known: some Sequence<String>) -> String? {
        var best: (name: String, distance: Int)?
        for name in known {
            let distance = distance(Array(word.lowercased()), Array(name.lowercased()))
            guard distance <= max(2, max(word.count, name.count) / 2) else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (name, distance) }
        }
        return best?.name
    }

    /// The least number of characters to put in, take out, replace or swap with their neighbour (optimal string
    /// alignment: Damerau's distance without editing a swapped pair again).
    package static func distance(_ a: [Character], _ b: [Character]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            for j in 1...b.count {
                let replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                var least = min(replaced, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    least = min(least, beforeLast[j - 2] + 1)
                }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
