// All calls, through Hummingbird: requests are collected, answered by `API`, and written back.

import CPlatform
import HTTPTypes
import HummingbirdCore
import LikewiseAPI
import LikewiseEngine
import NIOCore

struct FullStack {
    let api: API
    let authenticator: Authenticator?
    let timings: RouteTimings
    let clock: any EngineClock
    let fields: AnswerFields
    /// Whether the protocol tells where a body ends, as HTTP/2 does, whatever the fields say.
    var isFramed = false

    /// The answer to a request on a connection whose other end is `peer`.
    func respond(to request: Request, from peer: NetworkAddress) async -> Response {
        let started = clock.nanoseconds()
        if let headers = preflight(request) { return preflightAnswer(headers) }
        if let problem = tooLarge(request) { return encode(problem.response, to: request) }
        let target = request.uri.string.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let match = Route.match(request.method, String(parts[0]))
        let response: APIResponse
        var stream: LiveStream?
        var name = "none"
        if case .route(let route) = match {
            name = route.name
            response = await answer(
                request, route, from: peer, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "",
                &stream)
        } else {
            response = API.respond(to: match)
        }
        timings.record(route: name, status: response.status, nanoseconds: clock.nanoseconds() &- started)
        return encode(response, to: request, stream)
    }

    /// The answer to a browser that asks beforehand: by the policy, or, for buttons of other makers, to a page of any origin.
    private func preflight(_ request: Request) -> HTTPFields? {
        guard request.method == .options, let wanted = request.headers[.accessControlRequestMethod],
            let method = HTTPRequest.Method(wanted)
        else { return nil }
        let path = request.uri.string.prefix { $0 != "?" && $0 != "#" }
        if case .route(let route) = Route.match(method, String(path)), route.isWidgets {
            return AnswerFields(cors: CORSPolicy(.any)).preflight(request.method, request.headers)
        }
        return fields.preflight(request.method, request.headers)
    }

    private func preflightAnswer(_ fields: HTTPFields) -> Response {
        var headers = fields
        headers[.date] = HTTPDate.string(clock.milliseconds() / 1000)
        return Response(status: .noContent, headers: headers, body: ResponseBody())
    }

    /// What is wrong with a head that the protocol let through: HTTP/1.1 is judged by `RequestScanner`.
    private func tooLarge(_ request: Request) -> APIProblem? {
        guard isFramed else { return nil }
        if request.uri.string.utf8.count > RequestScanner.maxTargetBytes {
            return APIProblem(.uriTooLong, "The target has more than \(RequestScanner.maxTargetBytes) bytes.")
        }
        guard request.headers.count > RequestScanner.maxFields else { return nil }
        return APIProblem(.headersTooLarge, "The head has more than \(RequestScanner.maxFields) fields.")
    }

    private func answer(
        _ request: Request, _ route: Route, from peer: NetworkAddress, path: String, query: String,
        _ stream: inout LiveStream?
    ) async -> APIResponse {
        do throws(APIProblem) {
            var asked = APIRequest(
                method: request.method, path: path, query: query, headers: request.headers,
                caller: try await caller(request, route),
                address: address(request, peer, route.isWidgets ? api.visitors : api.origins), peer: peer)
            if route == .bulk { return try await bulk(request, &asked) }
            if route == .liveCounts { stream = try await api.live(asked) }
            asked.body = try await body(of: request, route)
            return await api.respond(to: asked, route)
        } catch { return error.response }
    }

    private func address(
        _ request: Request, _ peer: NetworkAddress, _ origins: RequestOrigins
    ) -> NetworkAddress {
        guard origins.readsForwardedFor, let name = FullStack.forwardedFor else { return peer }
        let field = Array(request.headers[values: name].joined(separator: ",").utf8)
        return field.withUnsafeBytes { origins.address(peer: peer, forwardedFor: $0) }
    }

    private static let forwardedFor = HTTPField.Name("X-Forwarded-For")

    /// Who asks. Before anything of the body is read, so that nobody unknown can make us hold one.
    private func caller(_ request: Request, _ route: Route) async throws(APIProblem) -> Caller {
        guard let authenticator else { return .trusted() }
        return route.isOpen ? .anonymous() : try await authenticator.caller(request.headers[values: .authorization])
    }

    /// A bulk intake's body is the largest thing that a caller can make us hold, so the gates come before it.
    private func bulk(_ request: Request, _ asked: inout APIRequest) async throws(APIProblem) -> APIResponse {
        try asked.caller.require(.likesWrite)
        try api.limit(asked)
        guard api.bulkGate.enter() else { throw tooManyBulkIntakes }
        defer { api.bulkGate.leave() }
        guard try hasBody(request, .bulk) else { return await api.respond(to: asked, .bulk) }
        if let key = HTTPField.Name("Idempotency-Key"), !asked.headers[values: key].isEmpty {
            guard api.keyedBulkGate.enter() else { throw tooManyBulkIntakes }
            defer { api.keyedBulkGate.leave() }
            asked.body = try await body(of: request, .bulk)
            return await api.respond(to: asked, .bulk)
        }
        try api.checkBodyType(asked, .bulk)
        return try await stream(request, asked.caller)
    }

    private var tooManyBulkIntakes: APIProblem {
        APIProblem(.overloaded, "Too many bulk intakes at a time. Nothing was changed; try again.")
    }

    /// Scans the lines of a bulk intake as they arrive.
    private func stream(_ request: Request, _ caller: Caller) async throws(APIProblem) -> APIResponse {
        let intake = BulkIntake(api, for: caller)
        var bytes = 0
        do {
            for try await part in request.body {
                bytes += part.readableBytes
                guard bytes <= api.limits.bulkBytes else {
                    intake.end(tooLarge(api.limits.bulkBytes))
                    break
                }
                likewise_give_way()
                part.withUnsafeReadableBytes { intake.take($0) }
                await intake.handOver()
                if intake.isEnded { break }
            }
        } catch {
            intake.end(APIProblem(.invalidRequest, "The body did not arrive whole."))
        }
        return try await intake.finish()
    }

    /// The request's body, within the bound of its route.
    private func body(of request: Request, _ route: Route) async throws(APIProblem) -> [UInt8] {
        guard try hasBody(request, route) else { return [] }
        let limit = limit(route)
        do {
            let buffer = try await request.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge(limit)
        } catch {
            throw APIProblem(.invalidRequest, "The body did not arrive whole.")
        }
    }

    private func limit(_ route: Route) -> Int {
        route.bodyRule == .bulk ? api.limits.bulkBytes : api.limits.bodyBytes
    }

    /// Whether the request has a body; throws where it says that the body is too long, or must say how long it is.
    private func hasBody(_ request: Request, _ route: Route) throws(APIProblem) -> Bool {
        let limit = limit(route)
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let isChunked = isFramed || request.headers[.transferEncoding] != nil
        if let length, length > limit { throw tooLarge(limit) }
        if length == nil && !isChunked {
            let isDue = route.bodyRule == .required || route.bodyRule == .bulk || route.bodyRule == .free
            if isDue, request.method != .delete {
                throw APIProblem(.lengthRequired, "Send Content-Length, or the body in chunks.")
            }
            return false
        }
        return true
    }

    private func tooLarge(_ limit: Int) -> APIProblem {
        APIProblem(.bodyTooLarge, "The body has more than \(limit) bytes.")
    }

    private func encode(_ response: APIResponse, to request: Request, _ stream: LiveStream? = nil) -> Response {
        var headers = HTTPFields()
        fields.put(on: &headers, answering: request.headers)
        headers[.contentType] = response.contentType
        headers[.date] = HTTPDate.string(clock.milliseconds() / 1000)
        if let cacheControl = response.cacheControl { headers[.cacheControl] = cacheControl }
        for (name, value) in response.headers {
            if let field = HTTPField.Name(name) { headers[field] = value }
        }
        let count = response.body.count
        let body: ResponseBody
        if request.method == .head {
            body = ResponseBody(contentLength: count) { writer in try await writer.finish(nil) }
        } else if let stream {
            body = ResponseBody { writer in try await stream.write(to: &writer) }
        } else if response.status == 304 {
            headers[.contentType] = nil
            body = ResponseBody()
        } else {
            body = ResponseBody(byteBuffer: ByteBuffer(bytes: response.body))
        }
        return Response(status: HTTPResponse.Status(code: response.status), headers: headers, body: body)
    }
}
