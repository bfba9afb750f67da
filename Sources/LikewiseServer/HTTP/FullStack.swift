// All calls, through Hummingbird: requests are collected, answered by `API`, and written back.

import HTTPTypes
import HummingbirdCore
import LikewiseAPI
import LikewiseEngine
import NIOCore

struct FullStack {
    let api: API
    let timings: RouteTimings
    let clock: any EngineClock

    func respond(to request: Request) async -> Response {
        let started = clock.nanoseconds()
        let target = request.uri.string.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let match = Route.match(request.method, String(parts[0]))
        let response: APIResponse
        var name = "none"
        if case .route(let route) = match {
            name = route.name
            response = await answer(
                request, route, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "")
        } else {
            response = API.respond(to: match)
        }
        timings.record(route: name, status: response.status, nanoseconds: clock.nanoseconds() &- started)
        return encode(response, isHead: request.method == .head)
    }

    private func answer(_ request: Request, _ route: Route, path: String, query: String) async -> APIResponse {
        // A bulk intake's body is the largest thing that a caller can make us hold, so the gate comes before it.
        if route == .bulk, !api.bulkGate.enter() {
            return APIProblem(.overloaded, "Too many bulk intakes at a time. Nothing was changed; try again.").response
        }
        defer { if route == .bulk { api.bulkGate.leave() } }
        do throws(APIProblem) {
            let body = try await body(of: request, route)
            let request = APIRequest(
                method: request.method, path: path, query: query, headers: request.headers, body: body)
            return await api.respond(to: request, route)
        } catch { return error.response }
    }

    /// The request's body, within the bound of its route.
    private func body(of request: Request, _ route: Route) async throws(APIProblem) -> [UInt8] {
        let limit = route.bodyRule == .bulk ? api.limits.bulkBytes : api.limits.bodyBytes
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let isChunked = request.headers[.transferEncoding] != nil
        if let length, length > limit { throw tooLarge(limit) }
        if length == nil && !isChunked {
            if route.bodyRule == .required || route.bodyRule == .bulk, request.method != .delete {
                throw APIProblem(.lengthRequired, "Send Content-Length, or the body in chunks.")
            }
            return []
        }
        do {
            let buffer = try await request.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge(limit)
        } catch {
            throw APIProblem(.invalidRequest, "The body did not arrive whole.")
        }
    }

    private func tooLarge(_ limit: Int) -> APIProblem {
        APIProblem(.bodyTooLarge, "The body has more than \(limit) bytes.")
    }

    private func encode(_ response: APIResponse, isHead: Bool) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = response.contentType
        headers[.date] = HTTPDate.string(clock.milliseconds() / 1000)
        if let cacheControl = response.cacheControl { headers[.cacheControl] = cacheControl }
        for (name, value) in response.headers {
            if let field = HTTPField.Name(name) { headers[field] = value }
        }
        let count = response.body.count
        let body: ResponseBody
        if isHead {
            body = ResponseBody(contentLength: count) { writer in try await writer.finish(nil) }
        } else if response.status == 304 {
            headers[.contentType] = nil
            body = ResponseBody()
        } else {
            body = ResponseBody(byteBuffer: ByteBuffer(bytes: response.body))
        }
        return Response(status: HTTPResponse.Status(code: response.status), headers: headers, body: body)
    }
}
