// The calls of the applause button (https://applause-button.com): claps of a page, which anybody may add to, one to ten at a time.
// A page is its URL without scheme and query, as that button's own server has it, so that its readers find the same counts.

import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    private static let applauseSpace = "applause"
    /// Claps of one call.
    private static let clapsAtOnce: ClosedRange<UInt64> = 1...10
    /// URLs of one question.
    private static let urlsAtOnce = 100
    private static let mostURLBytes = 2_048

    /// The claps of a page, as a bare number.
    func claps(_ request: APIRequest) async -> APIResponse {
        await answered { () async throws(APIProblem) in
            let anonymous = try anonymousCounters()
            let page = try applausePage(of: request)
            return API.number(try await claps(of: [page], anonymous)[0])
        }
    }

    /// Adds claps to a page, and answers how many it has then.
    func clap(_ request: APIRequest) async -> APIResponse {
        await answered { () async throws(APIProblem) in
            let anonymous = try anonymousCounters()
            let page = try applausePage(of: request)
            let claps = try clapCount(request.body)
            let fields = try anonymous.limit(request.address, now: service.clock.nanoseconds())
            let name = CounterName(space: API.applauseSpace, page: page)
            do throws(CounterFailure) {
                let readings = try await anonymous.store.add(claps, to: name)
                var answer = API.number(readings.first?.value ?? 0)
                answer.headers += fields
                return answer
            } catch { throw Anonymous.problem(error) }
        }
    }

    /// The claps of several pages, in the order asked.
    func clapsOfMany(_ request: APIRequest) async -> APIResponse {
        await answered { () async throws(APIProblem) in
            let anonymous = try anonymousCounters()
            let urls = try urls(request.body)
            var pages: [[UInt8]] = []
            for url in urls { pages.append(try applausePage(url, field: "body")) }
            let counts = try await claps(of: pages, anonymous)
            return .json { writer in
                writer.list { list in
                    for (url, count) in zip(urls, counts) {
                        list.object { entry in
                            entry.field("url", utf8: url)
                            entry.field("claps", count)
                        }
                    }
                }
            }
        }
    }

    private func answered(_ body: () async throws(APIProblem) -> APIResponse) async -> APIResponse {
        do throws(APIProblem) { return open(try await body()) } catch { return open(error.response) }
    }

    private static func number(_ value: UInt64) -> APIResponse {
        APIResponse(
            status: 200, contentType: "text/plain; charset=utf-8", cacheControl: "no-store",
            body: Array("\(value)".utf8))
    }

    private func claps(of pages: [[UInt8]], _ anonymous: Anonymous) async throws(APIProblem) -> [UInt64] {
        do throws(CounterFailure) {
            return try await anonymous.store.read(pages, of: API.applauseSpace).map { $0.first?.value ?? 0 }
        } catch { throw Anonymous.problem(error) }
    }

    // MARK: What is asked

    /// The page that a call is about: its `url`, or where it comes from.
    private func applausePage(of request: APIRequest) throws(APIProblem) -> [UInt8] {
        if let url = try single(request, "url"), !url.isEmpty { return try applausePage(url, field: "url") }
        guard let referer = request.headers[.referer], !referer.isEmpty else {
            throw APIProblem(
                .invalidRequest, "Say which page is meant: ?url=https://example.com/page, or a Referer.", field: "url")
        }
        return try applausePage(Array(referer.utf8), field: "url")
    }

    /// A URL without scheme, query and fragment.
    private func applausePage(_ url: [UInt8], field: String) throws(APIProblem) -> [UInt8] {
        let problem = APIProblem(
            .invalidRequest,
            "A url must be that of a page, of at most \(API.mostURLBytes) bytes: https://example.com/page.",
            field: field)
        guard url.count <= API.mostURLBytes, String(validating: url, as: UTF8.self) != nil,
            url.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
        else { throw problem }
        var rest = url[...]
        for scheme in ["https://", "http://"] where rest.starts(with: scheme.utf8) {
            rest = rest.dropFirst(scheme.utf8.count)
        }
        let page = Array(rest.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        let host = page.prefix { $0 != UInt8(ascii: "/") }.map {
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0
        }
        guard API.isHost(host) else { throw problem }
        return host + page.dropFirst(host.count)
    }

    /// How many claps a body says: a number, a JSON string that holds one, or one with the button's version behind a comma.
    private func clapCount(_ body: [UInt8]) throws(APIProblem) -> UInt64 {
        var text = body[...]
        func trim() {
            while let first = text.first, first == 0x20 || (0x09...0x0d).contains(first) { text.removeFirst() }
            while let last = text.last, last == 0x20 || (0x09...0x0d).contains(last) { text.removeLast() }
        }
        trim()
        if text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") {
            text = text.dropFirst().dropLast()
        }
        if let comma = text.firstIndex(of: UInt8(ascii: ",")) { text = text[..<comma] }
        trim()
        guard (1...20).contains(text.count), text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            throw APIProblem(
                .invalidRequest, "The body must say how many claps: \"3,3.3.0\", or 3; 1 to 10 at a time.",
                field: "body")
        }
        let claps = UInt64(String(decoding: text, as: UTF8.self)) ?? .max
        // As the button's own server does it: more than ten are ten, and who sends a clap means one.
        return min(max(claps, API.clapsAtOnce.lowerBound), API.clapsAtOnce.upperBound)
    }

    /// The list of URLs that a body holds.
    private func urls(_ body: [UInt8]) throws(APIProblem) -> [[UInt8]] {
        let scanned = body.withUnsafeBytes { bytes in
            Result<[[UInt8]]?, BodyProblem> { () throws(BodyProblem) in
                var scanner = JSONScanner(bytes)
                try scanner.enter(UInt8(ascii: "["))
                var urls: [[UInt8]] = []
                var first = true
                while try scanner.nextEntry(first: &first) {
                    let string = try scanner.takeString()
                    guard urls.count < API.urlsAtOnce else { return nil }
                    if string.hasEscapes {
                        var url: [UInt8] = []
                        try scanner.unescape(string, into: &url)
                        urls.append(url)
                    } else {
                        urls.append(Array(bytes[string.start..<string.end]))
                    }
                }
                try scanner.finish()
                return urls
            }
        }
        let problem = "The body must be a list of at most \(API.urlsAtOnce) URLs: [\"https://example.com/page\"]."
        guard case .success(let urls?) = scanned else { throw APIProblem(.invalidRequest, problem, field: "body") }
        return urls
    }
}
