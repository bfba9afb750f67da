/// An intent's ids, in the group's bytes.
package struct IntentIDs {
    package let content: UnsafeRawBufferPointer
    package let user: UnsafeRawBufferPointer
    package let type: UnsafeRawBufferPointer

    @inline(__always)
    package init(_ intent: Intent, _ bytes: UnsafeRawBufferPointer) {
        let start = Int(intent.offset)
        let userStart = start + Int(intent.contentLength)
        let typeStart = userStart + Int(intent.userLength)
        content = UnsafeRawBufferPointer(rebasing: bytes[start..<userStart])
        user = UnsafeRawBufferPointer(rebasing: bytes[userStart..<typeStart])
        type = UnsafeRawBufferPointer(rebasing: bytes[typeStart..<(typeStart + Int(intent.typeLength))])
    }
}
