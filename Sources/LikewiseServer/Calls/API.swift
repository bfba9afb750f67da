// All calls of the contract behind one function: request in, answer out.

import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine

package struct API: Sendable {
    package struct Limits: Sendable {
        /// Bytes of a single call's body.
        package var bodyBytes = 64 << 10
        /// Bytes of a bulk intake's body.
        package var bulkBytes = WireLimits.bulkBytes
        /// Lines of a bulk intake.
        package var bulkLines = WireLimits.bulkLines
        /// Bulk intakes that are worked on at a time.
        package var bulkCalls = 16
        /// Of these, those with an Idempotency-Key, whose bodies are held whole.
        package var bulkCallsWithKey = 4
        /// Groups of all bulk intakes that are at a shard at a time, as far as its queue has room for twice as many.
        package var bulkGroups = 4

        package init() {}
    }

    let service: LikeService
    let limits: Limits
    /// How often callers may ask; nil where that is not limited.
    let rateLimits: CallLimits?
    let origins: RequestOrigins
    /// The same for calls of anonymous visitors, whose addresses are asked for where others' are not.
    let visitors: RequestOrigins
    /// Whether callers have credentials.
    let knowsCallers: Bool
    let answers: Answers
    let live: LiveCounts
    /// What counts reactions of visitors whom nobody knows; nil where that is switched off.
    let anonymous: Anonymous?
    /// Nil where none can be run.
    let experiments: Experiments?
    let bulkGate: BulkGate
    let keyedBulkGate: BulkGate
    /// By shard.
    let bulkWindows: [BulkWindow]
    let timings: RouteTimings
    let metricsPage: @Sendable () -> [UInt8]
    let isStopping: @Sendable () -> Bool

    /// - Parameter metricsPage: the metrics as Prometheus text.
    /// - Parameter isStopping: whether the server takes no new requests; readiness says so.
    package init(
        service: LikeService, limits: Limits, rateLimits: CallLimits? = nil,
        origins: RequestOrigins = RequestOrigins(proxies: TrustedProxies(), isAsked: false),
        visitors: RequestOrigins = RequestOrigins(proxies: TrustedProxies(), isAsked: false),
        knowsCallers: Bool = false, anonymous: Anonymous? = nil, experiments: Experiments? = nil,
        timings: RouteTimings,
        metricsPage: @escaping @Sendable () -> [UInt8],
        isStopping: @escaping @Sendable () -> Bool
    ) {
        self.service = service
        self.limits = limits
        self.rateLimits = rateLimits
        self.origins = origins
        self.visitors = visitors
        self.knowsCallers = knowsCallers
        self.anonymous = anonymous
        self.experiments = experiments
        answers = Answers(reactions: service.engine.reactions, isApproximate: service.engine.countsLag)
        live = LiveCounts(service: service, answers: answers)
        bulkGate = BulkGate(limit: limits.bulkCalls)
        keyedBulkGate = BulkGate(limit: limits.bulkCallsWithKey)
        let room = service.engine.queueDepth / 2 / IntentGroup.limit
        bulkWindows = (0..<service.engine.shardCount).map { _ in
            BulkWindow(groups: max(1, min(limits.bulkGroups, room)))
        }
        self.timings = timings
        self.metricsPage = metricsPage
        self.isStopping = isStopping
    }

    /// The answer to a request for a route that was matched. Never throws: what goes wrong is an answer too.
    package func respond(to request: APIRequest, _ route: Route) async -> APIResponse {
        do throws(APIProblem) {
            if !request.body.isEmpty { try checkBodyType(request, route) }
            switch route {
            case .like: return try await like(request)
            case .unlike: return try await unlike(request, content: nil)
            case .unlikeContent(let content): return try await unlike(request, content: content)
            case .hold(let user, let content): return try await hold(request, user: user, content: content)
            case .release(let user, let content): return try await release(request, user: user, content: content)
            case .status(let user, let content): return try await status(request, user: user, content: content)
            case .count(let content): return try await count(request, content: content)
            case .countBatch: return try await countBatch(request)
            case .bulk: return try await bulk(request)
            case .userLikes(let user): return try await userLikes(request, user: user)
            case .contentLikes(let content): return try await contentLikes(request, content: content)
            case .putContent(let content): return try await putContent(request, content: content)
            case .getContent(let content): return try await getContent(request, content: content)
            case .deleteContent(let content): return try await deleteContent(request, content: content)
            case .top: return try await top(request)
            case .liveCounts: return API.liveHead
            case .live: return .json { $0.object { $0.field("status", "ok") } }
            case .ready: return ready()
            case .metrics:
                try request.caller.require(.admin)
                return APIResponse(
                    status: 200, contentType: PrometheusMetrics.contentType, cacheControl: "no-store",
                    body: metricsPage())
            case .openAPI:
                return APIResponse(
                    status: 200, contentType: "application/json", cacheControl: "public, max-age=300",
                    body: Array(
                        OpenAPIDocument.json(reactions: answers.reactions.acceptedNames, knowsCallers: knowsCallers)
                            .utf8))
            case .index: return index(request)
            case .page(let page): return self.page(request, page)
            case .plan: return try plan(request)
            case .lockExperiment: return try await lockExperiment(request)
            case .readHearts(let domain, let page), .giveHeart(let domain, let page):
                return await openHeart(request, domain: domain, page: page)
            case .claps: return await claps(request)
            case .clap: return await clap(request)
            case .clapsOfMany: return await clapsOfMany(request)
            case .heldLikes: return try await heldLikes(request)
            case .heldLike(let content, let user): return try await heldLike(request, content: content, user: user)
            case .settleHeld(let action): return try await settleHeld(request, action)
            }
        } catch {
            return error.response
        }
    }

    /// The answer to a path or method that is none.
    package static func respond(to match: Route.Match) -> APIResponse {
        switch match {
        case .methodNotAllowed(let allow):
            var problem = APIProblem(.methodNotAllowed, "This path takes \(allow).")
            problem.headers.append(("Allow", allow))
            return problem.response
        case .malformed:
            return APIProblem(.invalidRequest, "The path has a '%' that is not followed by two hexadecimal digits.")
                .response
        case .unknown, .route:
            return APIProblem(.notFound, "There is no such call: GET /openapi.json describes those there are.").response
        }
    }

    func checkBodyType(_ request: APIRequest, _ route: Route) throws(APIProblem) {
        guard route.bodyRule != .none, route.bodyRule != .free, let given = request.headers[.contentType] else {
            return
        }
        let type = given.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        let accepted =
            route.bodyRule == .bulk
            ? ["application/x-ndjson", "application/ndjson", "application/jsonl"] : ["application/json"]
        guard accepted.contains(type) else {
            throw APIProblem(.unsupportedMediaType, "Send the body with Content-Type: \(accepted[0]).")
        }
    }

    // MARK: Ids

    func checked(content id: [UInt8], field: String = "content_id") throws(APIProblem) -> [UInt8] {
        try check(id, limit: IDRules.contentBytes, field: field)
        return id
    }

    func checked(user id: [UInt8]) throws(APIProblem) -> [UInt8] {
        try check(id, limit: IDRules.userBytes, field: "user_id")
        return id
    }

    private func check(_ id: [UInt8], limit: Int, field: String) throws(APIProblem) {
        let result = id.withUnsafeBytes { bytes in
            Result<Void, IDRules.Problem> { () throws(IDRules.Problem) in try IDRules.check(bytes, limit: limit) }
        }
        if case .failure(let problem) = result {
            throw APIProblem(.invalidRequest, "\(field) \(problem.words).", field: field)
        }
    }

    func checked(type: [UInt8]) throws(APIProblem) -> [UInt8] {
        guard IDRules.isName(type) else {
            throw APIProblem(
                .invalidRequest, "content_type must be 1 to \(IDRules.nameBytes) of a-z 0-9 _ -.", field: "content_type"
            )
        }
        return type
    }

    func reaction(_ name: [UInt8]?) throws(APIProblem) -> Reaction {
        guard let name else { return .like }
        if let reaction = name.withUnsafeBytes({ answers.reactions.reaction(named: $0) }) { return reaction }
        throw APIProblem(
            .invalidRequest,
            "reaction must be one of: \(answers.reactions.acceptedNames.joined(separator: ", ")).", field: "reaction")
    }

    // MARK: Bodies and queries

    /// The fields of a single call's body, copied out of it.
    struct Fields {
        var content: [UInt8]?
        var user: [UInt8]?
        var type: [UInt8]?
        var reaction: [UInt8]?
        var visibility: [UInt8]?
    }

    func fields(_ request: APIRequest) throws(APIProblem) -> Fields {
        if request.body.isEmpty { return Fields() }
        var scratch: [UInt8] = []
        let result = request.body.withUnsafeBytes { body in
            Result<Fields, BodyProblem> { () throws(BodyProblem) in
                let found = try IntentBody.scan(body, scratch: &scratch)
                func copy(_ slice: Slice?) -> [UInt8]? {
                    slice?.withBytes(body: body, scratch: scratch) { Array($0) }
                }
                return Fields(
                    content: copy(found.content), user: copy(found.user), type: copy(found.type),
                    reaction: copy(found.reaction), visibility: copy(found.visibility))
            }
        }
        do throws(BodyProblem) { return try result.get() } catch { throw APIProblem(error) }
    }

    func required(_ value: [UInt8]?, _ field: BodyField) throws(APIProblem) -> [UInt8] {
        guard let value else { throw APIProblem(.missing(field)) }
        return value
    }

    /// The decoded values of a query parameter, in order.
    func query(_ request: APIRequest, _ name: String) throws(APIProblem) -> [[UInt8]] {
        var values: [[UInt8]] = []
        for pair in request.query.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = PercentEncoding.decode(parts[0], plusIsSpace: true) else { continue }
            guard key.elementsEqual(name.utf8) else { continue }
            guard let value = PercentEncoding.decode(parts.count > 1 ? Array(parts[1]) : [], plusIsSpace: true) else {
                throw APIProblem(
                    .invalidRequest, "\(name) has a '%' that is not followed by two hexadecimal digits.", field: name)
            }
            values.append(value)
        }
        return values
    }

    /// A parameter that may be given once.
    func single(_ request: APIRequest, _ name: String) throws(APIProblem) -> [UInt8]? {
        let values = try query(request, name)
        guard values.count <= 1 else {
            throw APIProblem(.invalidRequest, "\(name) is given more than once.", field: name)
        }
        return values.first
    }

    /// A whole number in `range`.
    func number(
        _ request: APIRequest, _ name: String, in range: ClosedRange<Int>, default standard: Int
    ) throws(APIProblem) -> Int {
        guard let text = try single(request, name) else { return standard }
        guard let number = Int(String(decoding: text, as: UTF8.self)), range.contains(number) else {
            throw APIProblem(
                .invalidRequest, "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound).",
                field: name)
        }
        return number
    }
}
