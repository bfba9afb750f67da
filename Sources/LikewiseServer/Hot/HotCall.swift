// The calls that are answered straight from the event loop: like, unlike, count and batch count, in their plain form.
// Whatever is not plain (an escape, a wrong field, an id that breaks a rule) is no hot call; the full stack answers it.

import LikewiseAPI
package import LikewiseCore
import LikewiseEngine

/// A request that the event loop answers itself.
package enum HotCall {
    /// A like or an unlike. Ranges point into the request's bytes.
    package struct Change {
        package var content: UnsafeRawBufferPointer
        /// Empty where the body names none, and the caller's token says who it is.
        package var user: UnsafeRawBufferPointer
        package var type: UnsafeRawBufferPointer
        /// `none` for an unlike.
        package var reaction: Reaction
    }

    case change(Change)
    case count(content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer?)
    case countBatch(contents: [UnsafeRawBufferPointer], user: UnsafeRawBufferPointer?)

    /// The hot call that a request is; nil where it is none. `request` is the head with its body behind it.
    /// `needsUser`: a like must name its user.
    package init?(
        _ head: ScannedHead, _ request: UnsafeRawBufferPointer, reactions: ReactionSet, maxBodyBytes: Int,
        needsUser: Bool = true, scratch: inout [UInt8]
    ) {
        guard head.isHot, head.contentLength <= maxBodyBytes else { return nil }
        let target = UnsafeRawBufferPointer(rebasing: request[head.target])
        let body = UnsafeRawBufferPointer(rebasing: request[head.length..<(head.length + head.contentLength)])
        switch head.method {
        case .get: self.init(count: target)
        case .post, .delete:
            guard head.isJSON, head.contentLength > 0 else { return nil }
            if HotCall.equals(target, "/v1/likes") {
                self.init(
                    change: body, isLike: head.method == .post, reactions: reactions, needsUser: needsUser,
                    scratch: &scratch)
            } else if head.method == .post, HotCall.equals(target, "/v1/likes/count/batch") {
                self.init(batch: body, scratch: &scratch)
            } else {
                return nil
            }
        case .other: return nil
        }
    }

    private init?(
        change body: UnsafeRawBufferPointer, isLike: Bool, reactions: ReactionSet, needsUser: Bool,
        scratch: inout [UInt8]
    ) {
        guard let fields = HotCall.scanned({ () throws(BodyProblem) in try IntentBody.scan(body, scratch: &scratch) }),
            let content = HotCall.bytes(fields.content, body, limit: IDRules.contentBytes)
        else { return nil }
        var user = UnsafeRawBufferPointer(start: nil, count: 0)
        if needsUser || fields.user != nil {
            guard let named = HotCall.bytes(fields.user, body, limit: IDRules.userBytes) else { return nil }
            user = named
        }
        var change = Change(
            content: content, user: user, type: UnsafeRawBufferPointer(start: nil, count: 0), reaction: .none)
        if isLike {
            change.reaction = .like
            if let slice = fields.reaction {
                guard !slice.inScratch,
                    let named = reactions.reaction(named: HotCall.slice(slice, body))
                else { return nil }
                change.reaction = named
            }
            if let slice = fields.type {
                let type = HotCall.slice(slice, body)
                guard !slice.inScratch, IDRules.isName(type) else { return nil }
                change.type = type
            }
        }
        self = .change(change)
    }

    private init?(count target: UnsafeRawBufferPointer) {
        let prefix: StaticString = "/v1/likes/count/"
        guard target.count > prefix.utf8CodeUnitCount, HotCall.equals(target, prefix, length: prefix.utf8CodeUnitCount)
        else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: target[prefix.utf8CodeUnitCount...])
        var question: Int?
        for (i, byte) in rest.enumerated() {
            switch byte {
            case UInt8(ascii: "?"):
                if question != nil { return nil }
                question = i
            case UInt8(ascii: "%"), UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "&"), UInt8(ascii: "#"):
                return nil
            default: break
            }
        }
        let content = UnsafeRawBufferPointer(rebasing: rest[..<(question ?? rest.count)])
        guard HotCall.isSound(content, limit: IDRules.contentBytes) else { return nil }
        guard let question else {
            self = .count(content: content, user: nil)
            return
        }
        let query = UnsafeRawBufferPointer(rebasing: rest[(question + 1)...])
        let name: StaticString = "user_id="
        guard query.count > name.utf8CodeUnitCount, HotCall.equals(query, name, length: name.utf8CodeUnitCount) else {
            return nil
        }
        let user = UnsafeRawBufferPointer(rebasing: query[name.utf8CodeUnitCount...])
        guard !user.contains(UInt8(ascii: "=")), HotCall.isSound(user, limit: IDRules.userBytes) else { return nil }
        self = .count(content: content, user: user)
    }

    private init?(batch body: UnsafeRawBufferPointer, scratch: inout [UInt8]) {
        guard
            let fields = HotCall.scanned({ () throws(BodyProblem) in
                try CountBatchBody.scan(body, scratch: &scratch)
            })
        else { return nil }
        var contents: [UnsafeRawBufferPointer] = []
        contents.reserveCapacity(fields.contents.count)
        for slice in fields.contents {
            guard let content = HotCall.bytes(slice, body, limit: IDRules.contentBytes) else { return nil }
            contents.append(content)
        }
        var user: UnsafeRawBufferPointer?
        if let slice = fields.user {
            guard let found = HotCall.bytes(slice, body, limit: IDRules.userBytes) else { return nil }
            user = found
        }
        self = .countBatch(contents: contents, user: user)
    }

    private static func scanned<T>(_ body: () throws(BodyProblem) -> T) -> T? {
        do throws(BodyProblem) { return try body() } catch { return nil }
    }

    private static func bytes(_ slice: Slice?, _ body: UnsafeRawBufferPointer, limit: Int) -> UnsafeRawBufferPointer? {
        guard let slice, !slice.inScratch else { return nil }
        let bytes = HotCall.slice(slice, body)
        return isSound(bytes, limit: limit) ? bytes : nil
    }

    private static func slice(_ slice: Slice, _ body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        slice.inScratch
            ? UnsafeRawBufferPointer(start: nil, count: 0)
            : UnsafeRawBufferPointer(rebasing: body[slice.offset..<(slice.offset + slice.length)])
    }

    private static func isSound(_ id: UnsafeRawBufferPointer, limit: Int) -> Bool {
        do throws(IDRules.Problem) {
            try IDRules.check(id, limit: limit)
            return true
        } catch { return false }
    }

    private static func equals(_ bytes: UnsafeRawBufferPointer, _ text: StaticString, length: Int? = nil) -> Bool {
        let length = length ?? bytes.count
        guard length == text.utf8CodeUnitCount else { return false }
        for i in 0..<length where bytes[i] != text.utf8Start[i] { return false }
        return true
    }
}
