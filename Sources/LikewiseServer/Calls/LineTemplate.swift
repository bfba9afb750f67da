// Reads a line that is written as an earlier one was.
//
// A program that sends a hundred thousand lines writes them all alike: the same fields in the same order with the same
// spaces, and other ids. So a line that was read with care leaves a template: what is around its two ids, byte for byte.
// A line that equals it there, and whose ids are plain (ASCII without quotes, escapes and control characters, within
// their lengths), is the same JSON with other ids, so it means what the first one meant. Any other line is read with
// care again.

import LikewiseAPI
package import LikewiseCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How one line of a bulk intake was written, its two ids aside.
package struct LineTemplate {
    /// What is before the first id, between the two, and behind the second.
    private let before: [UInt8]
    private let between: [UInt8]
    private let behind: [UInt8]
    private let contentIsFirst: Bool
    /// `none` for an unlike.
    package let reaction: Reaction
    /// The content's type; empty where the line says none.
    package let type: [UInt8]

    /// The ids of a line, as ranges of it.
    package struct IDs {
        package var content: Range<Int>
        package var user: Range<Int>
    }

    /// From a line that was read with care; nil where an id had escapes, for then it is not there as it is meant.
    package init?(_ line: UnsafeRawBufferPointer, _ read: BulkLine, scratch: [UInt8]) {
        guard !read.content.inScratch, !read.user.inScratch else { return nil }
        let content = read.content.offset..<(read.content.offset + read.content.length)
        let user = read.user.offset..<(read.user.offset + read.user.length)
        contentIsFirst = content.lowerBound < user.lowerBound
        let first = contentIsFirst ? content : user
        let second = contentIsFirst ? user : content
        before = Array(line[..<first.lowerBound])
        between = Array(line[first.upperBound..<second.lowerBound])
        behind = Array(line[second.upperBound...])
        reaction = read.reaction
        type = read.type?.withBytes(body: line, scratch: scratch) { Array($0) } ?? []
    }

    /// The ids of `line` where it is written like this; nil where it is not, or an id is not plain.
    @inline(__always)
    package func match(_ line: UnsafeRawBufferPointer) -> IDs? {
        guard starts(line, at: 0, before) else { return nil }
        let first = before.count
        let firstEnd = LineTemplate.plainEnd(line, from: first)
        guard starts(line, at: firstEnd, between) else { return nil }
        let second = firstEnd + between.count
        let secondEnd = LineTemplate.plainEnd(line, from: second)
        guard line.count - secondEnd == behind.count, starts(line, at: secondEnd, behind) else { return nil }
        let ids =
            contentIsFirst
            ? IDs(content: first..<firstEnd, user: second..<secondEnd)
            : IDs(content: second..<secondEnd, user: first..<firstEnd)
        guard ids.content.count &- 1 < IDRules.contentBytes, ids.user.count &- 1 < IDRules.userBytes,
            !ids.content.isEmpty, !ids.user.isEmpty
        else { return nil }
        return ids
    }

    @inline(__always)
    private func starts(_ line: UnsafeRawBufferPointer, at offset: Int, _ text: [UInt8]) -> Bool {
        guard line.count - offset >= text.count, let base = line.baseAddress else { return false }
        return text.withUnsafeBytes { text in
            guard let start = text.baseAddress else { return true }
            return memcmp(base + offset, start, text.count) == 0
        }
    }

    /// The first offset from `start` on whose byte is a quote, a backslash, a control character (also 0x7f) or not
    /// ASCII; the line's end where there is none. Eight bytes at a time: in `word &- ones * n` the high bit of each byte
    /// below n comes up, wrongly only in a byte above one that is right, and only the lowest is asked for.
    @inline(__always)
    static func plainEnd(_ line: UnsafeRawBufferPointer, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var at = start
        while line.count - at >= 8 {
            let word = UInt64(littleEndian: line.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let quotes = (word ^ (ones &* 0x22)) &- ones
            let backslashes = (word ^ (ones &* 0x5c)) &- ones
            let deletes = (word ^ (ones &* 0x7f)) &- ones
            let marks = (quotes | backslashes | deletes | (word &- (ones &* 0x20)) | word) & (ones &* 0x80)
            if marks != 0 { return at + marks.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < line.count {
            let byte = line[at]
            if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x7f { return at }
            at += 1
        }
        return at
    }
}
