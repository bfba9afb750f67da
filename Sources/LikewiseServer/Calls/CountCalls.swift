// Counts: one, many, and with what a user holds.

import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    /// A count is for everyone for this long.
    static let publicCache = "public, max-age=5, stale-while-revalidate=10"

    func count(_ request: APIRequest, content: [UInt8]) async throws(APIProblem) -> APIResponse {
        let content = try checked(content: content)
        let user = try optionalUser(request)
        if user != nil { try await requireVisible(content, to: request.caller) }
        try limit(request)
        var outcome = await service.read([content], user: user)[0]
        if let problem = Answers.problem(outcome.status) { throw problem }
        if let user, !request.caller.seesHeld(of: user) { outcome.new = outcome.new.counted }
        if isHidden(outcome, from: request.caller) { throw API.contentNotFound }
        let body = JSONWriter.bytes { writer in
            writer.object { body in
                content.withUnsafeBytes { answers.count(content: $0, outcome, withUser: user != nil, to: &body) }
            }
        }
        guard user == nil else {
            return APIResponse(status: 200, contentType: "application/json", cacheControl: "no-store", body: body)
        }
        let tag = EntityTag.of(body)
        if let known = request.headers[.ifNoneMatch], EntityTag.matches(known, tag) {
            return APIResponse(
                status: 304, contentType: "application/json", cacheControl: API.publicCache, headers: [("ETag", tag)],
                body: [])
        }
        return APIResponse(
            status: 200, contentType: "application/json", cacheControl: API.publicCache, headers: [("ETag", tag)],
            body: body)
    }

    private func optionalUser(_ request: APIRequest) throws(APIProblem) -> [UInt8]? {
        guard var user = try single(request, "user_id") else { return nil }
        // The token says who it is. Without the parameter a count is for everyone, and kept by caches as that.
        if user.isEmpty, let own = request.caller.user { user = own }
        user = try checked(user: user)
        _ = try request.caller.user(named: user, for: .read)
        return user
    }

    func countBatch(_ request: APIRequest) async throws(APIProblem) -> APIResponse {
        var (contents, user) = try batchFields(request)
        for i in contents.indices { contents[i] = try checked(content: contents[i], field: "content_ids") }
        if let given = user {
            user = try checked(user: given)
            _ = try request.caller.user(named: user, for: .read)
        }
        try limit(request)
        var outcomes = await service.read(contents, user: user)
        for i in try await hidden(contents, user == nil ? outcomes : nil, from: request.caller) {
            outcomes[i] = Outcome(status: .contentNotFound)
        }
        if let user, !request.caller.seesHeld(of: user) {
            for i in outcomes.indices { outcomes[i].new = outcomes[i].new.counted }
        }
        for outcome in outcomes where outcome.status != .done && outcome.status != .contentNotFound {
            if let problem = Answers.problem(outcome.status) { throw problem }
        }
        var response = APIResponse.json { writer in
            writer.object { body in
                withAll(contents) { answers.counts($0, outcomes, withUser: user != nil, to: &body) }
            }
        }
        if user == nil { response.cacheControl = API.publicCache }
        return response
    }

    /// The bytes of all ids at once.
    private func withAll(_ ids: [[UInt8]], _ use: ([UnsafeRawBufferPointer]) -> Void) {
        let joined = Array(ids.joined())
        joined.withUnsafeBytes { all in
            var start = 0
            use(
                ids.map { id in
                    defer { start += id.count }
                    return UnsafeRawBufferPointer(rebasing: all[start..<(start + id.count)])
                })
        }
    }

    private func batchFields(_ request: APIRequest) throws(APIProblem) -> (contents: [[UInt8]], user: [UInt8]?) {
        var scratch: [UInt8] = []
        let result = request.body.withUnsafeBytes { body in
            Result<(contents: [[UInt8]], user: [UInt8]?), BodyProblem> { () throws(BodyProblem) in
                let found = try CountBatchBody.scan(body, scratch: &scratch)
                func copy(_ slice: Slice) -> [UInt8] { slice.withBytes(body: body, scratch: scratch) { Array($0) } }
                return (found.contents.map(copy), found.user.map(copy))
            }
        }
        do throws(BodyProblem) { return try result.get() } catch { throw APIProblem(error) }
    }
}

/// Entity tags of counts: the same for the same body, on every node and after a restart.
package enum EntityTag {
    /// The tag of a body.
    package static func of(_ body: [UInt8]) -> String { body.withUnsafeBytes { of($0) } }

    /// The tag of a body.
    package static func of(_ body: UnsafeRawBufferPointer) -> String {
        withBytes(of: body) { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of a body's tag, its quotes included, valid until `use` returns.
    static func withBytes<T>(of body: UnsafeRawBufferPointer, _ use: (UnsafeRawBufferPointer) -> T) -> T {
        var tag: (UInt64, UInt64, UInt16) = (0, 0, 0)
        return withUnsafeMutableBytes(of: &tag) { bytes in
            var rest = Hash64.of(body, seed: 0)
            bytes[0] = UInt8(ascii: "\"")
            for i in (1...16).reversed() {
                let digit = UInt8(truncatingIfNeeded: rest & 15)
                bytes[i] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest >>= 4
            }
            bytes[17] = UInt8(ascii: "\"")
            return use(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<18]))
        }
    }

    /// Whether `field`, the value of If-None-Match, names `tag`; weakly, as RFC 9110 13.1.2 wants it.
    package static func matches(_ field: String, _ tag: String) -> Bool {
        for part in field.split(separator: ",") {
            let given = part.drop { $0 == " " || $0 == "\t" }
            let end = given.lastIndex { $0 != " " && $0 != "\t" }
            let trimmed = end.map { given[...$0] } ?? ""
            if trimmed == "*" || trimmed == tag || trimmed == "W/" + tag { return true }
        }
        return false
    }
}
