import LikewiseCore
import LikewiseServer
import Testing

@Suite("Hot calls")
struct HotCallTests {
    /// What a hot call comes to, copied out of the request.
    private enum Found: Equatable {
        case change(content: String, user: String, type: String, reaction: Reaction)
        case count(content: String, user: String?)
        case counts(contents: [String], user: String?)
    }

    private func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    private func find(_ request: [UInt8], maxBodyBytes: Int = 1024) throws -> Found? {
        let reactions = try ReactionSet(ReactionSet.standard)
        var scratch: [UInt8] = []
        return try request.withUnsafeBytes { bytes in
            guard case .head(let head) = RequestScanner(maxHeadBytes: 8192).scan(bytes) else {
                throw RawConnection.Failure.malformed("not a plain head")
            }
            guard
                let call = HotCall(
                    head, bytes, reactions: reactions, maxBodyBytes: maxBodyBytes, scratch: &scratch)
            else { return nil }
            switch call {
            case .change(let change):
                return .change(
                    content: text(change.content), user: text(change.user), type: text(change.type),
                    reaction: change.reaction)
            case .count(let content, let user): return .count(content: text(content), user: user.map(text))
            case .countBatch(let contents, let user):
                return .counts(contents: contents.map(text), user: user.map(text))
            }
        }
    }

    private func find(_ request: RawRequest) throws -> Found? { try find(request.bytes) }

    @Test("A like names its content, its user, its type and its reaction")
    func like() throws {
        let body = #"{"content_id":"v1","user_id":"ann","content_type":"video","reaction":"love","else":[1,{}]}"#
        let love = try #require(try ReactionSet(ReactionSet.standard).reaction(named: "love"))
        #expect(
            try find(RawRequest("POST", "/v1/likes", body))
                == .change(content: "v1", user: "ann", type: "video", reaction: love))
        #expect(
            try find(RawRequest("POST", "/v1/likes", #" {"videoId":"é","userId":"b"} "#))
                == .change(content: "é", user: "b", type: "", reaction: .like))
    }

    @Test("An unlike names its content and its user, and no reaction")
    func unlike() throws {
        let body = #"{"content_id":"v1","user_id":"ann","content_type":"video","reaction":"love"}"#
        #expect(
            try find(RawRequest("DELETE", "/v1/likes", body))
                == .change(content: "v1", user: "ann", type: "", reaction: .none))
    }

    @Test("With identity on a like may leave its user to the token, and a value of Authorization is noted where it is")
    func leftToToken() throws {
        let request = RawRequest("POST", "/v1/likes", #"{"content_id":"v1"}"#, [("AUTHORIZATION", " \tBearer t ")])
        let reactions = try ReactionSet(ReactionSet.standard)
        var scratch: [UInt8] = []
        try request.bytes.withUnsafeBytes { bytes in
            let scanner = RequestScanner(maxHeadBytes: 8192, readsAuthorization: true)
            guard case .head(let head) = scanner.scan(bytes) else { throw RawConnection.Failure.malformed("no head") }
            #expect(head.isHot)
            #expect(head.authorization.map { text(UnsafeRawBufferPointer(rebasing: bytes[$0])) } == "Bearer t")
            let call = HotCall(
                head, bytes, reactions: reactions, maxBodyBytes: 1024, needsUser: false, scratch: &scratch)
            guard case .change(let change) = call else { throw RawConnection.Failure.malformed("no like") }
            #expect(text(change.content) == "v1" && change.user.isEmpty)
        }
        let twice = request.with("authorization", "Bearer t").bytes
        twice.withUnsafeBytes { bytes in
            let scan = RequestScanner(maxHeadBytes: 8192, readsAuthorization: true).scan(bytes)
            guard case .head(let head) = scan else {
                Issue.record("no head")
                return
            }
            #expect(!head.isHot)
        }
    }

    @Test("X-Forwarded-For is noted where it is, if it may mean something; two of them are for the full stack")
    func forwardedFor() throws {
        let request = RawRequest("GET", "/v1/likes/count/v1", nil, [("x-FORWARDED-for", " 192.0.2.1, 10.0.0.1\t")])
        func head(_ request: RawRequest, reads: Bool) throws -> (field: String?, isHot: Bool) {
            try request.bytes.withUnsafeBytes { bytes in
                let scanner = RequestScanner(maxHeadBytes: 8192, readsForwardedFor: reads)
                guard case .head(let head) = scanner.scan(bytes) else {
                    throw RawConnection.Failure.malformed("no head")
                }
                return (head.forwardedFor.map { text(UnsafeRawBufferPointer(rebasing: bytes[$0])) }, head.isHot)
            }
        }
        #expect(try head(request, reads: true) == ("192.0.2.1, 10.0.0.1", true))
        #expect(try head(request, reads: false) == (nil, true))
        #expect(try head(RawRequest("GET", "/v1/likes/count/v1"), reads: true) == (nil, true))
        let twice = request.with("X-Forwarded-For", "192.0.2.2")
        #expect(try !head(twice, reads: true).isHot)
        #expect(try head(twice, reads: false).isHot)
    }

    @Test("A request behind the first one is not looked at")
    func follows() throws {
        let first = RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}"#)
        #expect(
            try find(first.bytes + Array("}".utf8))
                == .change(content: "v1", user: "ann", type: "", reaction: .like))
    }

    @Test(
        "A count names its content, and a user if asked",
        arguments: [
            ("/v1/likes/count/v1", "v1", nil), ("/v1/likes/count/v1?user_id=ann", "v1", "ann"),
            ("/v1/likes/count/batch", "batch", nil),
            ("/v1/likes/count/a:b-c_d.e~f!$'()*,;=@", "a:b-c_d.e~f!$'()*,;=@", nil),
            ("/v1/likes/count/v1?user_id=a:b@c", "v1", "a:b@c"),
        ] as [(String, String, String?)])
    func count(_ target: String, _ content: String, _ user: String?) throws {
        #expect(try find(RawRequest("GET", target)) == .count(content: content, user: user))
    }

    @Test("A batch count names its contents in their order, and a user if asked")
    func batch() throws {
        #expect(
            try find(RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":["b","a","b"]}"#))
                == .counts(contents: ["b", "a", "b"], user: nil))
        #expect(
            try find(RawRequest("POST", "/v1/likes/count/batch", #"{"videoIds":["b"],"user_id":"ann"}"#))
                == .counts(contents: ["b"], user: "ann"))
    }

    @Test("A body of exactly the bound is hot, one above it is not")
    func bodyBound() throws {
        let request = RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}"#)
        let count = try #require(request.body).count
        #expect(try find(request.bytes, maxBodyBytes: count) != nil)
        #expect(try find(request.bytes, maxBodyBytes: count - 1) == nil)
    }

    @Test(
        "What is not plain, or not right, is no hot call",
        arguments: [
            // Other paths and methods.
            RawRequest("GET", "/v1/likes/v1"), RawRequest("GET", "/v1/likes"), RawRequest("GET", "/"),
            RawRequest("HEAD", "/v1/likes/count/v1"), RawRequest("DELETE", "/v1/likes/v1", #"{"user_id":"ann"}"#),
            RawRequest("PUT", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}"#),
            RawRequest("POST", "/v1/likes/", #"{"content_id":"v1","user_id":"ann"}"#),
            RawRequest("POST", "/v1/likes?a=b", #"{"content_id":"v1","user_id":"ann"}"#),
            RawRequest("POST", "/V1/likes", #"{"content_id":"v1","user_id":"ann"}"#),
            RawRequest("POST", "/v1/like%73", #"{"content_id":"v1","user_id":"ann"}"#),
            RawRequest("POST", "/v1/likes/batch", #"{"content_id":"v1","user_id":"ann"}"#),
            RawRequest("DELETE", "/v1/likes/count/batch", #"{"content_ids":["a"]}"#),
            // Bodies.
            RawRequest("POST", "/v1/likes"), RawRequest("POST", "/v1/likes", ""),
            RawRequest("POST", "/v1/likes", "{"), RawRequest("POST", "/v1/likes", "[]"),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1"}"#),
            RawRequest("POST", "/v1/likes", #"{"user_id":"ann"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}{}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v\u0031","user_id":"ann"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"a\nb"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":""}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":1,"user_id":"ann"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","videoId":"v1","user_id":"ann"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann","reaction":"meh"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann","reaction":null}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann","reaction":"lov\u0065"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann","content_type":"A b"}"#),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann","content_type":""}"#),
            RawRequest("POST", "/v1/likes", "{\"content_id\":\"v\u{85}\",\"user_id\":\"ann\"}"),
            // Counts.
            RawRequest("GET", "/v1/likes/count/"), RawRequest("GET", "/v1/likes/count/a/b"),
            RawRequest("GET", "/v1/likes/count/a%20b"), RawRequest("GET", "/v1/likes/count/a+b"),
            RawRequest("GET", "/v1/likes/count/a&b"), RawRequest("GET", "/v1/likes/count/a#b"),
            RawRequest("GET", "/v1/likes/count/a?"), RawRequest("GET", "/v1/likes/count/?user_id=b"),
            RawRequest("GET", "/v1/likes/count/a?user_id="), RawRequest("GET", "/v1/likes/count/a?user_id"),
            RawRequest("GET", "/v1/likes/count/a?user_id=b&user_id=c"),
            RawRequest("GET", "/v1/likes/count/a?user_id=b=c"), RawRequest("GET", "/v1/likes/count/a?user_id=b?c"),
            RawRequest("GET", "/v1/likes/count/a?user_id=%41"), RawRequest("GET", "/v1/likes/count/a?user_id=b+c"),
            RawRequest("GET", "/v1/likes/count/a?USER_ID=b"), RawRequest("GET", "/v1/likes/count/a?x=y"),
            RawRequest("GET", "/v1/likes/count/" + String(repeating: "a", count: 257)),
            RawRequest("GET", "/v1/likes/count/a?user_id=" + String(repeating: "a", count: 129)),
            RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":[]}"#),
            RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":["a",""]}"#),
            RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":["\u0061"]}"#),
            RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":["a"],"user_id":""}"#),
            // Header fields.
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}"#, [("Idempotency-Key", "k")]),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}"#, [("Authorization", "Bearer t")]),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}"#, [("Expect", "100-continue")]),
            RawRequest("POST", "/v1/likes", #"{"content_id":"v1","user_id":"ann"}"#, [("Content-Type", "text/plain")]),
            RawRequest("GET", "/v1/likes/count/a", nil, [("If-None-Match", "\"x\"")]),
            RawRequest("GET", "/v1/likes/count/a", nil, [("Connection", "close")]),
        ])
    func notHot(_ request: RawRequest) throws {
        #expect(try find(request) == nil)
    }
}

extension RawRequest: CustomTestStringConvertible {
    var testDescription: String { String(decoding: bytes, as: UTF8.self).debugDescription }
}
