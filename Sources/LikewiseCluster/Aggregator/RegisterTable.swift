// Registers by content and user, each once. An aggregator puts every event through two of these, one a transaction and one
// a window. Dictionaries with arrays of bytes as keys led its profile: hashing, and counting references.

package import LikewiseCore
import LikewiseEngine

/// Registers, merged as they come in. Grows with what is put into it; whoever fills it keeps the bound.
package struct RegisterTable: Sendable {
    /// A register, and whose it is.
    package struct Row: Sendable {
        /// The content's number in this table.
        package fileprivate(set) var content: UInt32
        fileprivate var userStart: UInt32
        fileprivate var userCount: UInt8
        /// What was held before the first change that was put in.
        package fileprivate(set) var previous: Reaction
        package fileprivate(set) var register: Register
        fileprivate var userHash: UInt64
    }

    private struct Content: Sendable {
        var id: [UInt8]
        var partition: Int32
        var hash: UInt64
        var rows = 0
    }

    private var contents: [Content] = []
    private var contentIndex = PlaceIndex()
    private var users: [UInt8] = []
    /// The registers, in the order in which they first came.
    package private(set) var rows: [Row] = []
    private var rowIndex = PlaceIndex()

    package init() {}

    /// How many registers there are.
    package var count: Int { rows.count }
    package var isEmpty: Bool { rows.isEmpty }
    /// How many contents have a number.
    package var contentCount: Int { contents.count }

    /// The id of a content, by its number.
    package func id(of content: Int) -> [UInt8] { contents[content].id }
    /// The partition that a content was numbered with.
    package func partition(of content: Int) -> Int32 { contents[content].partition }

    /// The content's number, which it gets when it is first asked for: 0, 1, …, one for each partition it comes from.
    package mutating func content(_ id: [UInt8], partition: Int32 = 0) -> Int {
        let hash = Hash64.of(id, seed: UInt64(UInt32(bitPattern: partition)))
        if let known = contentIndex.find(hash, { contents[$0].partition == partition && contents[$0].id == id }) {
            return known
        }
        contents.append(Content(id: id, partition: partition, hash: hash))
        contentIndex.insert(hash, contents.count - 1)
        return contents.count - 1
    }

    /// Merges a user's register on the content of that number. Answers false, and leaves it out, where it would be one more
    /// than `bound`.
    @discardableResult
    package mutating func merge(
        _ register: Register, of user: [UInt8], on content: Int, previous: Reaction = .none, bound: Int = .max
    ) -> Bool {
        user.withUnsafeBytes {
            merge(register, $0, Hash64.of($0, seed: 0), content, previous, bound)
        }
    }

    /// Merges all of another table, whatever partitions they came from. Answers how many were left out because of
    /// `bound`.
    @discardableResult
    package mutating func merge(_ other: RegisterTable, bound: Int = .max) -> Int {
        let numbers = other.contents.map { content($0.id) }
        var left = 0
        for row in other.rows {
            let isTaken = other.withUser(of: row) { user in
                merge(row.register, user, row.userHash, numbers[Int(row.content)], row.previous, bound)
            }
            if !isTaken { left += 1 }
        }
        return left
    }

    /// Merges one row of another table.
    package mutating func copy(_ row: Row, of other: RegisterTable) {
        let content = content(other.id(of: Int(row.content)))
        _ = other.withUser(of: row) { merge(row.register, $0, row.userHash, content, row.previous, .max) }
    }

    /// The register of a content without a partition; nil where there is none.
    package subscript(id: [UInt8], user: [UInt8]) -> Register? {
        let hash = Hash64.of(id, seed: 0)
        guard let content = contentIndex.find(hash, { contents[$0].partition == 0 && contents[$0].id == id }) else {
            return nil
        }
        return user.withUnsafeBytes { user in
            find(user, Hash64.of(user, seed: 0), content).map { rows[$0].register }
        }
    }

    /// Calls `body` with the bytes of a row's user.
    @inline(__always)
    package func withUser<R>(of row: Row, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        users.withUnsafeBytes { body(user(row, $0)) }
    }

    /// The rows of each content, by the contents' numbers: indices in `rows`, sorted by the users' bytes.
    package func rowsByContent() -> [ArraySlice<UInt32>] {
        var starts: [Int] = []
        starts.reserveCapacity(contents.count)
        var next = 0
        for content in contents {
            starts.append(next)
            next += content.rows
        }
        var places = starts
        var order = [UInt32](repeating: 0, count: rows.count)
        for (index, row) in rows.enumerated() {
            order[places[Int(row.content)]] = UInt32(index)
            places[Int(row.content)] += 1
        }
        users.withUnsafeBytes { users in
            for (content, start) in starts.enumerated() where contents[content].rows > 1 {
                order[start..<start + contents[content].rows].sort {
                    compare(user(rows[Int($0)], users), user(rows[Int($1)], users)) < 0
                }
            }
        }
        return starts.enumerated().map { order[$1..<$1 + contents[$0].rows] }
    }

    // MARK: Inside

    @inline(__always)
    private mutating func merge(
        _ register: Register, _ user: UnsafeRawBufferPointer, _ userHash: UInt64, _ content: Int, _ previous: Reaction,
        _ bound: Int
    ) -> Bool {
        if let at = find(user, userHash, content) {
            rows[at].register.merge(register)
            return true
        }
        guard rows.count < bound else { return false }
        precondition(user.count <= IDRules.userBytes, "a user's id of \(user.count) bytes")
        rows.append(
            Row(
                content: UInt32(content), userStart: UInt32(users.count), userCount: UInt8(user.count),
                previous: previous, register: register, userHash: userHash))
        users.append(contentsOf: user)
        contents[content].rows += 1
        rowIndex.insert(Hash64.combine(contents[content].hash, userHash), rows.count - 1)
        return true
    }

    @inline(__always)
    private func find(_ wanted: UnsafeRawBufferPointer, _ userHash: UInt64, _ content: Int) -> Int? {
        users.withUnsafeBytes { users in
            rowIndex.find(Hash64.combine(contents[content].hash, userHash)) { at in
                rows[at].content == UInt32(content) && sameBytes(user(rows[at], users), wanted)
            }
        }
    }

    @inline(__always)
    private func user(_ row: Row, _ users: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: users[Int(row.userStart)..<Int(row.userStart) + Int(row.userCount)])
    }
}
