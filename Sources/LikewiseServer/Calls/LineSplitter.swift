// Cuts a body that arrives in parts into its lines.
//
// A line that lies in one part is handed on where it is. One that goes on in the next part is kept until it is whole,
// up to a bound: of a longer one only its length is kept.

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Where a body that comes in parts is in its lines.
package struct LineSplitter {
    /// A line as it is handed on.
    package enum Line {
        /// Its bytes without the line's end; valid until the call returns.
        case whole(UnsafeRawBufferPointer)
        /// It has more bytes than are kept.
        case tooLong
    }

    private let maxLineBytes: Int
    private var kept: [UInt8] = []
    private var isTooLong = false
    /// Lines begun so far; the number of the one that was handed on last, or of one that is not whole yet.
    package private(set) var number = 0
    private var isInLine = false

    /// - Parameter maxLineBytes: a longer line is handed on as `tooLong`.
    package init(maxLineBytes: Int) { self.maxLineBytes = maxLineBytes }

    /// Hands on the lines that end in `part`, with their numbers from 1, until `body` answers false.
    package mutating func take(_ part: UnsafeRawBufferPointer, _ body: (Line, Int) -> Bool) {
        guard let base = part.baseAddress else { return }
        var at = 0
        while at < part.count {
            if !isInLine {
                isInLine = true
                number += 1
            }
            guard let found = memchr(base + at, 0x0a, part.count - at) else {
                keep(UnsafeRawBufferPointer(rebasing: part[at...]))
                return
            }
            let end = UnsafeRawPointer(found) - base
            let rest = UnsafeRawBufferPointer(rebasing: part[at..<end])
            at = end + 1
            guard handOn(rest, body) else { return }
        }
    }

    /// Hands on the last line, where nothing ended it.
    package mutating func finish(_ body: (Line, Int) -> Bool) {
        if isInLine { _ = handOn(UnsafeRawBufferPointer(start: nil, count: 0), body) }
    }

    private mutating func handOn(_ rest: UnsafeRawBufferPointer, _ body: (Line, Int) -> Bool) -> Bool {
        isInLine = false
        if kept.isEmpty && !isTooLong {
            return body(rest.count <= maxLineBytes ? .whole(rest) : .tooLong, number)
        }
        keep(rest)
        defer {
            kept.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        return isTooLong ? body(.tooLong, number) : kept.withUnsafeBytes { body(.whole($0), number) }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        if isTooLong || kept.count + bytes.count > maxLineBytes {
            isTooLong = true
            kept.removeAll(keepingCapacity: true)
        } else {
            kept.append(contentsOf: bytes)
        }
    }
}
