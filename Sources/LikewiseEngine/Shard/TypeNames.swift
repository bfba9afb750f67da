// Names of content types, each in memory once: contents are many, their types few.

/// The types that a shard has met of late. Used by one thread.
struct TypeNames {
    /// Types that are remembered at most; another one takes the place of the oldest.
    static let limit = 64

    private var names: [[UInt8]] = []
    private var oldest = 0

    /// `name` as an array that is shared with all contents of that type.
    mutating func shared(_ name: UnsafeRawBufferPointer) -> [UInt8] {
        if name.isEmpty { return [] }
        if let known = names.first(where: { sameBytes($0, name) }) { return known }
        let new = Array(name)
        if names.count < TypeNames.limit {
            names.append(new)
        } else {
            names[oldest] = new
            oldest = (oldest + 1) % TypeNames.limit
        }
        return new
    }

    /// The same description, its type shared.
    mutating func shared(_ description: ContentDescription) -> ContentDescription {
        var result = description
        result.type = description.type.withUnsafeBytes { shared($0) }
        return result
    }
}
