import Glibc

/// The head of an HTTP answer: what a load generator has to know of it. Scanned in place, once an answer.
package struct HTTPHead: Hashable {
    /// 0 where the bytes are no answer of HTTP.
    package let status: Int
    /// Bytes up to and with the empty line.
    package let headBytes: Int
    package let bodyBytes: Int

    /// Bytes of the head and of the body that it announces.
    package var totalBytes: Int { headBytes + bodyBytes }

    /// Reads the head at the beginning of `bytes`; nil while its end has not arrived. Bodies have a Content-Length or are
    /// empty, which is what the servers send that are measured.
    package init?(scanning bytes: UnsafeRawBufferPointer) {
        var (lineStart, length) = (0, 0)
        while let end = HTTPHead.lineEnd(bytes, from: lineStart) {
            let line = UnsafeRawBufferPointer(rebasing: bytes[lineStart..<end])
            lineStart = end + 1
            if line.isEmpty || (line.count == 1 && line[0] == UInt8(ascii: "\r")) {
                status = HTTPHead.status(bytes)
                headBytes = lineStart
                bodyBytes = length
                return
            }
            if let found = HTTPHead.contentLength(line) { length = found }
        }
        return nil
    }

    private static func lineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, 10, bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// `HTTP/1.1 200`: three digits from the tenth byte on.
    private static func status(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > 12, bytes[0] == UInt8(ascii: "H"), bytes[8] == UInt8(ascii: " ") else { return 0 }
        return number(UnsafeRawBufferPointer(rebasing: bytes[9..<12])) ?? 0
    }

    private static func contentLength(_ line: UnsafeRawBufferPointer) -> Int? {
        let name: StaticString = "content-length:"
        guard line.count > name.utf8CodeUnitCount, line[0] | 0x20 == UInt8(ascii: "c") else { return nil }
        for i in 1..<name.utf8CodeUnitCount where line[i] | 0x20 != name.utf8Start[i] | 0x20 { return nil }
        return number(UnsafeRawBufferPointer(rebasing: line[name.utf8CodeUnitCount...]))
    }

    /// The digits of `text`; spaces in front and a carriage return behind are passed over.
    private static func number(_ text: UnsafeRawBufferPointer) -> Int? {
        var (value, digits) = (0, 0)
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value &* 10 &+ Int(byte &- UInt8(ascii: "0"))
                digits += 1
            case UInt8(ascii: " ") where digits == 0: continue
            case UInt8(ascii: "\r"): break
            default: return nil
            }
        }
        return (1...9).contains(digits) ? value : nil
    }
}
