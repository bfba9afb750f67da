// Foundation's reading of JSON, to compare ours with. The two differ on purpose where JSONDifferentialTests says so.

import Foundation
import LikewiseAPI

/// The value that Foundation reads; nil where it reads none.
func foundationValue(_ bytes: UnsafeRawBufferPointer) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
}

/// Whether there may be a number that no Double holds: Foundation does not take it for JSON.
func mayHaveHugeNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var digits = 0
    for (i, byte) in bytes.enumerated() {
        digits = 48...57 ~= byte ? digits + 1 : 0
        if digits > 300 || (digits > 0 && i + 1 < bytes.count && bytes[i + 1] | 0x20 == UInt8(ascii: "e")) {
            return true
        }
    }
    return false
}

/// Whether Foundation takes what is no JSON by RFC 8259, or deeper than the scanner goes: `problem` is the scanner's.
func isLenience(_ problem: BodyProblem, _ bytes: UnsafeRawBufferPointer) -> Bool {
    // It guesses encodings, and takes byte order marks.
    if bytes.prefix(4).contains(0) || bytes.starts(with: [0xef, 0xbb, 0xbf]) { return true }
    if bytes.starts(with: [0xfe, 0xff]) || bytes.starts(with: [0xff, 0xfe]) { return true }
    switch problem {
    case .syntax(.tooDeep, at: _): return true
    case .syntax(.unexpectedByte, let at) where bytes[at] == UInt8(ascii: "]") || bytes[at] == UInt8(ascii: "}"):
        // A comma behind the last entry.
        return bytes[..<at].last { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: ",")
    default: return false
    }
}

/// Ends the process unless a field, under whichever of its names it has, is the text that Foundation reads there.
func expect(_ text: [UInt8]?, _ names: [String], in fields: [String: Any]) {
    let given = names.compactMap { fields[$0] }
    require(given.count <= 1, "\(names) is there \(given.count) times")
    require((given.first as? String).map { Array($0.utf8) } == text, "\(names) is \(given), not \(text ?? [])")
}

/// The names of fields on the wire.
enum FieldNames {
    static let content = ["content_id", "contentId", "video_id", "videoId"]
    static let contents = ["content_ids", "contentIds", "video_ids", "videoIds"]
    static let user = ["user_id", "userId"]
    static let type = ["content_type", "contentType"]
}
