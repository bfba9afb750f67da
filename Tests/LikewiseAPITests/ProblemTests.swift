import Foundation
import LikewiseAPI
import Testing

@Suite("A problem")
struct ProblemTests {
    @Test(
        "has a code that never changes, and the status of the contract",
        arguments: [
            ("invalid_request", 400), ("unauthenticated", 401), ("forbidden", 403), ("not_yourself", 403),
            ("not_found", 404), ("not_liked", 404), ("content_not_found", 404), ("method_not_allowed", 405),
            ("already_liked", 409), ("idempotency_key_in_use", 409), ("length_required", 411),
            ("body_too_large", 413), ("uri_too_long", 414), ("unsupported_media_type", 415),
            ("idempotency_key_reused", 422), ("rate_limited", 429), ("headers_too_large", 431), ("internal", 500),
            ("overloaded", 503), ("storage_full", 503), ("storage_failed", 503), ("shutting_down", 503),
            ("refused", 403), ("not_held", 404),
        ])
    func codes(_ code: String, _ status: Int) throws {
        let problem = try #require(ProblemCode(rawValue: code))
        #expect(problem.status == status)
        #expect(problem.type == "urn:likewise:problem:\(code)")
        #expect(!problem.title.isEmpty)
        #expect(ProblemCode.allCases.count == 24)
    }

    @Test("is written as RFC 9457 has it, with members of its own")
    func written() {
        let bytes = JSONWriter.bytes { writer in
            Problem.write(.alreadyLiked, detail: "user_1 likes it.", to: &writer) { members in
                members.field("liked", true)
                members.field("count", 7)
            }
        }
        let expected =
            #"{"type":"urn:likewise:problem:already_liked","title":"Already liked","status":409,"#
            + #""code":"already_liked","detail":"user_1 likes it.","liked":true,"count":7}"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test("with a body names the field")
    func ofBody() throws {
        let bytes = JSONWriter.bytes { Problem.write(.duplicate(.userID), to: &$0) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(object["code"] as? String == "invalid_request")
        #expect(object["field"] as? String == "user_id")
        #expect(object["detail"] as? String == "user_id is given more than once.")
        let syntax = JSONWriter.bytes { Problem.write(.syntax(.badNumber, at: 3), to: &$0) }
        #expect(!String(decoding: syntax, as: UTF8.self).contains("\"field\""))
    }
}
