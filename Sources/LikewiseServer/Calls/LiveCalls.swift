// Live counts: what is asked for, before the stream begins.

import HTTPTypes
import LikewiseAPI

extension API {
    /// What stands before the events. Proxies must not wait for more of them: nginx does, unless it is told.
    static let liveHead = APIResponse(
        status: 200, contentType: "text/event-stream", cacheControl: "no-store",
        headers: [("X-Accel-Buffering", "no")], body: [])

    /// Opens the stream that a request asks for.
    func live(_ request: APIRequest) async throws(APIProblem) -> LiveStream {
        let asked = try query(request, "content_id")
        guard (1...LiveCounts.contentsPerStream).contains(asked.count) else {
            throw APIProblem(
                .invalidRequest, "content_id must be given 1 to \(LiveCounts.contentsPerStream) times.",
                field: "content_id")
        }
        var contents: [[UInt8]] = []
        for content in asked {
            let content = try checked(content: content)
            if !contents.contains(content) { contents.append(content) }
        }
        try limit(request)
        let after = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
        return try await live.open(contents, after: after, seesPrivate: request.caller.seesPrivate)
    }
}
