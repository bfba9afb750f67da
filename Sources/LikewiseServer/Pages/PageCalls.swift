// Pages and what belongs to them, for browsers; the root also in words, for who asks from a terminal.

import HTTPTypes
import LikewiseAPI

extension API {
    /// Only what comes from here may run, be shown or be asked; no script or style stands within a page.
    private static let pagePolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    /// The console for browsers, and a few lines of text for all others.
    func index(_ request: APIRequest) -> APIResponse {
        let accepted = request.headers[values: .accept].joined(separator: ",").lowercased()
        var response: APIResponse
        if accepted.contains("text/html"), let console = WebPage.console {
            response = page(request, console)
        } else {
            response = API.index
        }
        response.headers.removeAll { $0.name == "Vary" }
        response.headers.append(("Vary", "Accept, Accept-Encoding"))
        return response
    }

    /// A file, compressed for who understands it, or that it has not changed.
    func page(_ request: APIRequest, _ page: WebPage) -> APIResponse {
        let content = page.content
        let zipped = API.acceptsGzip(request) ? content.gzipped : nil
        let tag = "\"\(content.tag)\(zipped == nil ? "" : "-gzip")\""
        // Asked again each time, which costs a 304: after an update no page may be of two versions.
        var response = APIResponse(
            status: 200, contentType: content.type, cacheControl: "no-cache",
            headers: [
                ("ETag", tag), ("Vary", "Accept-Encoding"), ("Content-Security-Policy", API.pagePolicy),
                ("Cross-Origin-Resource-Policy", content.isShared ? "cross-origin" : "same-origin"),
            ], body: zipped ?? content.bytes)
        if content.isShared {
            response.headers.append(("Access-Control-Allow-Origin", "*"))
            response.cacheControl = "public, max-age=300, stale-while-revalidate=86400"
        }
        if let known = request.headers[.ifNoneMatch], EntityTag.matches(known, tag) {
            response.status = 304
            response.body = []
        } else if zipped != nil {
            response.headers.append(("Content-Encoding", "gzip"))
        }
        return response
    }

    /// Whether Accept-Encoding names gzip without refusing it (RFC 9110, 12.5.3).
    static func acceptsGzip(_ request: APIRequest) -> Bool {
        let field = request.headers[values: .acceptEncoding].joined(separator: ",").lowercased()
        for part in field.split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let coding = pieces.first, coding == "gzip" || coding == "x-gzip" || coding == "*" else { continue }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
            guard let weight, Double(weight) == 0 else { return true }
            if coding != "*" { return false }
        }
        return false
    }
}
