import LikewiseAPI
import Testing

@Suite("An intent's body")
struct IntentBodyTests {
    @Test(
        "is understood under every name of its fields",
        arguments: [
            (#"{"content_id":"c","user_id":"u"}"#, IntentStrings(content: "c", user: "u")),
            (#"{"contentId":"c","userId":"u"}"#, IntentStrings(content: "c", user: "u")),
            (#"{"video_id":"c","contentType":"video"}"#, IntentStrings(content: "c", type: "video")),
            (#"{"videoId":"c","content_type":"video"}"#, IntentStrings(content: "c", type: "video")),
            (
                #"{"reaction":"love","action":"like","visibility":"public"}"#,
                IntentStrings(reaction: "love", action: "like", visibility: "public")
            ),
            (#"{}"#, IntentStrings()), (" \r\n\t{ } \n", IntentStrings()),
            (#" { "content_id" : "c" , "user_id" : "u" } "#, IntentStrings(content: "c", user: "u")),
            (#"{"content_id":"","user_id":"é€😀"}"#, IntentStrings(content: "", user: "é€😀")),
        ])
    func names(_ text: String, _ expected: IntentStrings) {
        #expect(scanIntent(text) == .success(expected))
    }

    @Test("has its escapes resolved, in names too")
    func escapes() {
        #expect(
            scanIntent(#"{"content\u005fid":"a\"\\\/\b\f\n\r\tz","\u0075serId":"\u00e9\u20AC\uD83D\uDE00!"}"#)
                == .success(IntentStrings(content: "a\"\\/\u{8}\u{c}\n\r\tz", user: "é€😀!")))
        #expect(scanIntent(#"{"user_id":"\u0000"}"#) == .success(IntentStrings(user: "\u{0}")))
        #expect(scanIntent(#"{"user\nid":1,"\u0078":[]}"#) == .success(IntentStrings()))
    }

    @Test("is not copied but for strings with escapes, which are appended to the scratch buffer")
    func slices() throws {
        let body = Array(#"{"content_id":"plain","user_id":"a\tb","reaction":"\u006cike"}"#.utf8)
        var scratch = Array("kept".utf8)
        let fields = try body.withUnsafeBytes { try IntentBody.scan($0, scratch: &scratch) }
        #expect(fields.content == Slice(offset: 15, length: 5, inScratch: false))
        #expect(fields.user == Slice(offset: 4, length: 3, inScratch: true))
        #expect(fields.reaction == Slice(offset: 7, length: 4, inScratch: true))
        #expect(scratch == Array("kepta\tblike".utf8))
    }

    @Test(
        "may have fields that nobody asked for, of any kind",
        arguments: [
            #""x":1"#, #""x":null"#, #""x":[{"content_id":"inner"}]"#, #""x":{"user_id":{"user_id":[]}}"#, #""":"""#,
            #""content_iD":7"#, #""content_ids":["many"]"#, #""user":false"#, #""content":-1e9"#, #""reactions":{}"#,
            #""x":1,"x":2"#, #""actio":1"#, #""visibilitY":1"#, #""content_id\u0000":1"#,
        ])
    func unknownFields(_ field: String) {
        let expected = IntentStrings(content: "c", user: "u")
        #expect(scanIntent("{\(field),\"content_id\":\"c\",\"user_id\":\"u\"}") == .success(expected))
        #expect(scanIntent("{\"content_id\":\"c\",\(field),\"user_id\":\"u\"}") == .success(expected))
        #expect(scanIntent("{\"content_id\":\"c\",\"user_id\":\"u\",\(field)}") == .success(expected))
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("", .syntax(.unexpectedEnd, at: 0)), (" ", .syntax(.unexpectedEnd, at: 1)),
            ("[]", .notAnObject), ("\"a\"", .notAnObject), (" 1", .notAnObject), ("null", .notAnObject),
            ("true", .notAnObject), ("<xml/>", .syntax(.unexpectedByte, at: 0)),
            ("content_id=c", .syntax(.unexpectedByte, at: 0)),
            (#"{"content_id":1}"#, .wrongType(.contentID)), (#"{"videoId":null}"#, .wrongType(.contentID)),
            (#"{"user_id":["u"]}"#, .wrongType(.userID)), (#"{"contentType":{}}"#, .wrongType(.contentType)),
            (#"{"reaction":true}"#, .wrongType(.reaction)), (#"{"action":-1}"#, .wrongType(.action)),
            (#"{"visibility":false}"#, .wrongType(.visibility)),
            (#"{"user_id":tru}"#, .syntax(.unexpectedByte, at: 14)),
            (#"{"user_id":"a","user_id":"a"}"#, .duplicate(.userID)),
            (#"{"user_id":"a","userId":"b"}"#, .duplicate(.userID)),
            (#"{"content_id":"a","video_id":"b"}"#, .duplicate(.contentID)),
            (#"{"content_id":"a","content\u005fid":"b"}"#, .duplicate(.contentID)),
            (#"{"content_id":"a"}x"#, .syntax(.trailingBytes, at: 18)),
            (#"{"content_id":"a"}{"#, .syntax(.trailingBytes, at: 18)),
            (#"{"content_id":"a",}"#, .syntax(.unexpectedByte, at: 18)),
            (#"{"x":[1,],"content_id":"a"}"#, .syntax(.unexpectedByte, at: 8)),
            (#"{"x":"\ud800","content_id":"a"}"#, .syntax(.loneSurrogate, at: 6)),
            ("{\"content_id\":\"a\u{0}\"}", .syntax(.controlCharacter, at: 16)),
        ] as [(String, BodyProblem)])
    func refused(_ text: String, _ problem: BodyProblem) {
        #expect(scanIntent(text) == .failure(problem))
        #expect(!problem.detail.isEmpty && problem.detail.hasSuffix("."))
    }

    @Test("counts the object itself as a level: 31 more within it, and no more")
    func depth() {
        func body(_ lists: Int) -> String {
            "{\"x\":\(String(repeating: "[", count: lists))\(String(repeating: "]", count: lists))}"
        }
        #expect(scanIntent(body(31)) == .success(IntentStrings()))
        #expect(scanIntent(body(32)) == .failure(.syntax(.tooDeep, at: 36)))
    }

    @Test("is refused when it is cut off at any byte")
    func truncated() {
        let whole = Array(
            #"{"content_id":"a\u00e9\ud83d\ude00é","user_id":"u","x":[{"y":1.5e3}],"reaction":"like"}"#.utf8)
        for end in whole.indices {
            guard case .failure(.syntax) = scanIntent(Array(whole[..<end])) else {
                Issue.record("cut at \(end) of \(whole.count), it was taken")
                continue
            }
        }
    }
}

@Suite("The body of a call for many counts")
struct CountBatchBodyTests {
    private func scan(_ text: String) -> Result<[String], BodyProblem> {
        Array(text.utf8).withUnsafeBytes { body in
            var scratch: [UInt8] = []
            do throws(BodyProblem) {
                let batch = try CountBatchBody.scan(body, scratch: &scratch)
                let contents = batch.contents.map { $0.string(body: body, scratch: scratch) }
                return .success(
                    contents + (batch.user.map { ["user " + $0.string(body: body, scratch: scratch)] } ?? []))
            } catch {
                return .failure(error)
            }
        }
    }

    @Test("keeps the order, under every name", arguments: ["content_ids", "contentIds", "video_ids", "videoIds"])
    func names(_ name: String) {
        #expect(scan("{\"\(name)\":[\"b\",\"a\\u0062\",\"b\"]}") == .success(["b", "ab", "b"]))
        #expect(scan("{\"userId\":\"u\",\"\(name)\":[ \"b\" ]}") == .success(["b", "user u"]))
        #expect(
            scan("{\"x\":[[]],\"\(name)\":[\"b\"],\"content_id\":1,\"user_id\":\"u\"}") == .success(["b", "user u"]))
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("{}", .missing(.contentIDs)), (#"{"user_id":"u"}"#, .missing(.contentIDs)),
            (#"{"content_ids":[]}"#, .emptyList(.contentIDs)), (#"{"content_ids":"a"}"#, .wrongType(.contentIDs)),
            (#"{"content_ids":null}"#, .wrongType(.contentIDs)), (#"{"content_ids":["a",1]}"#, .wrongType(.contentIDs)),
            (#"{"content_ids":[["a"]]}"#, .wrongType(.contentIDs)),
            (#"{"content_ids":["a",]}"#, .syntax(.unexpectedByte, at: 20)),
            (#"{"content_ids":["a"],"videoIds":["a"]}"#, .duplicate(.contentIDs)),
            (#"{"content_ids":["a"],"user_id":7}"#, .wrongType(.userID)), ("[]", .notAnObject),
        ] as [(String, BodyProblem)])
    func refused(_ text: String, _ problem: BodyProblem) {
        #expect(scan(text) == .failure(problem))
        #expect(!problem.detail.isEmpty)
    }

    @Test("takes a hundred contents, and not one more")
    func limit() {
        func body(_ count: Int) -> String {
            "{\"content_ids\":[\((0..<count).map { "\"c\($0)\"" }.joined(separator: ","))]}"
        }
        #expect(scan(body(100)) == .success((0..<100).map { "c\($0)" }))
        #expect(scan(body(101)) == .failure(.tooManyEntries(.contentIDs, limit: 100)))
    }
}
