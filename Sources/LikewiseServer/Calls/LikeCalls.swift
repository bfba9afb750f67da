// Like, change of reaction, unlike; the idempotent forms; what one user holds on one content.

import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    func like(_ request: APIRequest) async throws(APIProblem) -> APIResponse {
        let fields = try fields(request)
        var call = LikeService.Call(.react, content: try checked(content: try required(fields.content, .contentID)))
        call.user = try writer(request, fields.user)
        if let type = fields.type { call.type = try checked(type: type) }
        call.reaction = try reaction(fields.reaction)
        let done = try await perform(call, request)
        if done.outcome.changed { return answer(call, done) }
        var problem = APIProblem(.alreadyLiked, Answers.unchangedDetail(isLike: true))
        problem.headers += done.fields
        problem.members = members(call, done.outcome)
        throw problem
    }

    func unlike(_ request: APIRequest, content: [UInt8]?) async throws(APIProblem) -> APIResponse {
        let fields = try fields(request)
        if let content, let named = fields.content, named != content {
            throw APIProblem(.invalidRequest, "content_id differs from the one in the path.", field: "content_id")
        }
        let id = if let content { content } else { try required(fields.content, .contentID) }
        var call = LikeService.Call(.clear, content: try checked(content: id))
        call.user = try writer(request, fields.user)
        let done = try await perform(call, request)
        if done.outcome.changed { return answer(call, done) }
        var problem = APIProblem(.notLiked, Answers.unchangedDetail(isLike: false))
        problem.headers += done.fields
        problem.members = members(call, done.outcome)
        throw problem
    }

    func hold(_ request: APIRequest, user: [UInt8], content: [UInt8]) async throws(APIProblem) -> APIResponse {
        let fields = try fields(request)
        var call = LikeService.Call(.react, content: try checked(content: content))
        call.user = try writer(request, user)
        if let type = fields.type { call.type = try checked(type: type) }
        call.reaction = try reaction(fields.reaction)
        return answer(call, try await perform(call, request), saysChanged: true)
    }

    func release(_ request: APIRequest, user: [UInt8], content: [UInt8]) async throws(APIProblem) -> APIResponse {
        var call = LikeService.Call(.clear, content: try checked(content: content))
        call.user = try writer(request, user)
        return answer(call, try await perform(call, request), saysChanged: true)
    }

    /// The user whose like a request is about: the one that it names, or the token's own.
    private func writer(_ request: APIRequest, _ named: [UInt8]?) throws(APIProblem) -> [UInt8] {
        try checked(user: try required(try request.caller.user(named: named, for: .write), .userID))
    }

    func status(_ request: APIRequest, user: [UInt8], content: [UInt8]) async throws(APIProblem) -> APIResponse {
        let user = try checked(user: user)
        let content = try checked(content: content)
        _ = try request.caller.user(named: user, for: .read)
        try await requireVisible(content, to: request.caller)
        try limit(request)
        let outcome = await service.read([content], user: user)[0]
        if let problem = Answers.problem(outcome.status) { throw problem }
        let reaction = request.caller.seesHeld(of: user) ? outcome.new : outcome.new.counted
        return .json { writer in
            writer.object { body in
                body.field("content_id", utf8: content)
                body.field("user_id", utf8: user)
                body.field("liked", reaction != .none)
                if let name = answers.reactions.name(of: reaction) {
                    body.field("reaction", name)
                    body.field("since", moment: outcome.version.milliseconds)
                }
            }
        }
    }

    private func answer(_ call: LikeService.Call, _ done: Performed, saysChanged: Bool = false) -> APIResponse {
        var response = APIResponse.json { writer in
            writer.object { body in
                members(call, done.outcome)(&body)
                if saysChanged { body.field("changed", done.outcome.changed) }
            }
        }
        response.headers = done.fields
        return response
    }

    private func members(
        _ call: LikeService.Call, _ outcome: Outcome
    ) -> @Sendable (inout JSONWriter) -> Void {
        { [answers] body in
            call.content.withUnsafeBytes { content in
                call.user.withUnsafeBytes { user in
                    answers.like(content: content, user: user, outcome, to: &body)
                }
            }
        }
    }

    // MARK: With or without Idempotency-Key

    /// What became of a change that was carried out.
    struct Performed {
        var outcome: Outcome
        /// Fields of its answer.
        var fields: [(name: String, value: String)]
    }

    /// Performs a call, or answers what became of the first one with its key.
    func perform(_ call: LikeService.Call, _ request: APIRequest) async throws(APIProblem) -> Performed {
        try await requireVisible(call.content, to: request.caller)
        let pass = try limit(request, call)
        var call = call
        call.sharedLimits = pass.shared
        guard let stored = try await claim(request) else {
            let group = await service.performInGroup(try judged(call, request))
            timings.record(group.outcomes[0])
            return try done(group, pass)
        }
        switch stored {
        case .again(let payload):
            guard let outcome = OutcomeCodec.decode(payload) else {
                throw APIProblem(.idempotencyKeyReused, "The Idempotency-Key was used for another request.")
            }
            if var problem = Answers.problem(outcome.status) {
                problem.headers += pass.fields
                throw problem
            }
            return Performed(outcome: outcome, fields: pass.fields)
        case .first(let answer):
            do throws(APIProblem) { call = try judged(call, request) } catch {
                service.idempotency.release(answer)
                throw error
            }
            call.answer = answer
            let group = await service.performInGroup(call)
            let outcome = group.outcomes[0]
            timings.record(outcome)
            if outcome.status == .done || outcome.status == .contentNotFound {
                await settle(answer, payload: OutcomeCodec.encode(outcome))
            } else {
                service.idempotency.release(answer)
            }
            return try done(group, pass)
        }
    }

    /// The call as the judge lets it pass.
    private func judged(_ call: LikeService.Call, _ request: APIRequest) throws(APIProblem) -> LikeService.Call {
        guard let judge = service.judge else { return call }
        let program = Array(request.headers[values: .userAgent].joined(separator: ",").utf8)
        let reaction = program.withUnsafeBytes { program in
            let origin = origins.origin(
                request.address, peer: request.peer, client: program, caller: request.caller)
            return call.content.withUnsafeBytes { content in
                call.user.withUnsafeBytes { user in
                    judge.judged(
                        JudgedIntent(
                            content: content, user: user, reaction: call.reaction, caller: request.caller,
                            origin: origin))
                }
            }
        }
        guard let reaction else {
            timings.recordRefusal()
            throw Answers.refusal
        }
        var call = call
        call.reaction = reaction
        return call
    }

    private func done(_ group: IntentGroup, _ pass: LimitPass) throws(APIProblem) -> Performed {
        let outcome = group.outcomes[0]
        if var problem = problem(outcome, in: group) {
            if outcome.status != .rateLimited { problem.headers += pass.fields }
            throw problem
        }
        return Performed(outcome: outcome, fields: pass.fields)
    }
}
