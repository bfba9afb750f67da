// Contents that the operator registers, looks at and deletes.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    func putContent(_ request: APIRequest, content: [UInt8]) async throws(APIProblem) -> APIResponse {
        try request.caller.require(.admin)
        let content = try checked(content: content)
        let fields = try fields(request)
        var call = LikeService.Call(.putContent, content: content)
        call.type = try checked(type: try required(fields.type, .contentType))
        if let given = fields.visibility {
            switch String(decoding: given, as: UTF8.self) {
            case "public": call.visibility = .public
            case "private": call.visibility = .private
            default:
                throw APIProblem(.invalidRequest, "visibility must be public or private.", field: "visibility")
            }
        }
        try limit(request)
        return try await once(request) { [call] () async throws(APIProblem) in
            let outcome = await service.perform(call)
            if let problem = Answers.problem(outcome.status) { throw problem }
            return described(content, outcome)
        }
    }

    func getContent(_ request: APIRequest, content: [UInt8]) async throws(APIProblem) -> APIResponse {
        let content = try checked(content: content)
        try limit(request)
        let outcome = await service.perform(LikeService.Call(.read, content: content))
        if let problem = Answers.problem(outcome.status) { throw problem }
        guard let description = outcome.description, description != ContentDescription() || outcome.tally.total > 0,
            !isHidden(outcome, from: request.caller) || service.engine.strictContent
        else {
            throw APIProblem(.contentNotFound, "Nothing is known of this content.")
        }
        if isHidden(outcome, from: request.caller) { throw API.contentNotFound }
        return described(content, outcome)
    }

    func deleteContent(_ request: APIRequest, content: [UInt8]) async throws(APIProblem) -> APIResponse {
        try request.caller.require(.admin)
        let content = try checked(content: content)
        try limit(request)
        return try await once(request) { () async throws(APIProblem) in
            let outcome = await service.perform(LikeService.Call(.deleteContent, content: content))
            if outcome.status == .contentNotFound {
                throw APIProblem(.contentNotFound, "Nothing is known of this content.")
            }
            if let problem = Answers.problem(outcome.status) { throw problem }
            return .json { writer in
                writer.object { body in
                    body.field("content_id", utf8: content)
                    body.field("deleted", true)
                }
            }
        }
    }

    private func described(_ content: [UInt8], _ outcome: Outcome) -> APIResponse {
        let description = outcome.description ?? ContentDescription()
        return .json { writer in
            writer.object { body in
                body.field("content_id", utf8: content)
                if !description.type.isEmpty { body.field("content_type", utf8: description.type) }
                body.field("visibility", description.visibility == .public ? "public" : "private")
                body.field("registered", description.registered)
                answers.counts(outcome.tally, to: &body)
                if let spread = service.engine.spread(of: content) { body.field("spread", UInt64(spread)) }
            }
        }
    }
}
