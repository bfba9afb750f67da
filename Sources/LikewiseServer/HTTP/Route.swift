// From a path to a call. The contract has two dozen of them, so they are matched by hand: each with the methods that it
// knows, so that a wrong one gets 405 with Allow, and a name for the metrics.

package import HTTPTypes

/// A call of the contract, with the ids in its path, percent-decoded but not checked.
package enum Route: Hashable, Sendable {
    case like
    case unlike
    case unlikeContent([UInt8])
    case count([UInt8])
    case countBatch
    case bulk
    case hold(user: [UInt8], content: [UInt8])
    case release(user: [UInt8], content: [UInt8])
    case status(user: [UInt8], content: [UInt8])
    case userLikes([UInt8])
    case contentLikes([UInt8])
    case putContent([UInt8])
    case getContent([UInt8])
    case deleteContent([UInt8])
    case top
    case liveCounts
    case live
    case ready
    case metrics
    case openAPI
    case index
    case heldLikes
    case heldLike(content: [UInt8], user: [UInt8])
    case settleHeld(HeldAction)
    case plan
    case lockExperiment
    /// A file for browsers.
    case page(WebPage)
    case readHearts(domain: [UInt8], page: [UInt8])
    case giveHeart(domain: [UInt8], page: [UInt8])
    case claps
    case clap
    case clapsOfMany

    /// What an operator does with likes, held back or to be.
    package enum HeldAction: String, Sendable {
        /// They count from then on.
        case release
        /// They are taken away.
        case reject
        /// Likes that count are held back.
        case hold
    }

    /// What a path and a method come to.
    package enum Match: Sendable {
        case route(Route)
        /// There is no such path.
        case unknown
        /// The path is there, for other methods.
        case methodNotAllowed(allow: String)
        /// The path has an escape that is none.
        case malformed
    }

    /// The route of a path. HEAD is answered as GET.
    package static func match(_ method: HTTPRequest.Method, _ path: String) -> Match {
        var segments: [[UInt8]] = []
        for raw in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = PercentEncoding.decode(raw) else { return .malformed }
            segments.append(segment)
        }
        guard path.utf8.first == UInt8(ascii: "/") else { return .unknown }
        let routes = table(segments)
        let wanted = method == .head ? .get : method
        if let found = routes.first(where: { $0.0 == wanted }) { return .route(found.1) }
        if routes.isEmpty, let page = WebPage(path: path) {
            return wanted == .get ? .route(.page(page)) : .methodNotAllowed(allow: "GET, HEAD")
        }
        if routes.isEmpty { return .unknown }
        var allowed = routes.map(\.0.rawValue)
        if allowed.contains("GET") { allowed.append("HEAD") }
        return .methodNotAllowed(allow: allowed.joined(separator: ", "))
    }

    /// The calls under a path, by method.
    private static func table(_ segments: [[UInt8]]) -> [(HTTPRequest.Method, Route)] {
        func named(_ i: Int, _ name: StaticString) -> Bool {
            name.withUTF8Buffer { $0.elementsEqual(segments[i]) }
        }
        if segments.count == 1 {
            if segments[0].isEmpty { return [(.get, .index)] }
            if named(0, "metrics") { return [(.get, .metrics)] }
            if named(0, "openapi.json") { return [(.get, .openAPI)] }
            return []
        }
        if segments.count == 2, named(0, "health") {
            if named(1, "live") { return [(.get, .live)] }
            return named(1, "ready") ? [(.get, .ready)] : []
        }
        if named(0, "openheart") || named(0, "applause") { return widget(segments) }
        guard named(0, "v1"), segments.last != [] else { return [] }
        if segments.count >= 3, named(1, "admin") { return admin(Array(segments.dropFirst(2))) }
        switch segments.count {
        case 2:
            if named(1, "live") { return [(.get, .liveCounts)] }
            return named(1, "likes") ? [(.post, .like), (.delete, .unlike)] : []
        case 3:
            let id = segments[2]
            if named(1, "likes") {
                let calls: [(HTTPRequest.Method, Route)] = [(.get, .count(id)), (.delete, .unlikeContent(id))]
                return named(2, "batch") ? calls + [(.post, .bulk)] : calls
            }
            guard named(1, "content") else { return [] }
            // `top` is no content's name here: GET could not tell it from the list.
            if named(2, "top") { return [(.get, .top)] }
            return [(.get, .getContent(id)), (.put, .putContent(id)), (.delete, .deleteContent(id))]
        case 4:
            if named(1, "likes"), named(2, "count") {
                let calls: [(HTTPRequest.Method, Route)] = [(.get, .count(segments[3]))]
                return named(3, "batch") ? calls + [(.post, .countBatch)] : calls
            }
            if named(1, "users"), named(3, "likes") { return [(.get, .userLikes(segments[2]))] }
            if named(1, "content"), named(3, "likes") { return [(.get, .contentLikes(segments[2]))] }
            return []
        case 5:
            guard named(1, "users"), named(3, "likes") else { return [] }
            let (user, content) = (segments[2], segments[4])
            return [
                (.get, .status(user: user, content: content)), (.put, .hold(user: user, content: content)),
                (.delete, .release(user: user, content: content)),
            ]
        default: return []
        }
    }

    /// The calls of buttons of other makers.
    private static func widget(_ segments: [[UInt8]]) -> [(HTTPRequest.Method, Route)] {
        if segments[0].elementsEqual("openheart".utf8) {
            guard segments.count == 3, segments[2] != [] else { return [] }
            let (domain, page) = (segments[1], segments[2])
            return [(.get, .readHearts(domain: domain, page: page)), (.post, .giveHeart(domain: domain, page: page))]
        }
        guard segments.count == 2 else { return [] }
        switch String(decoding: segments[1], as: UTF8.self) {
        case "get-claps": return [(.get, .claps)]
        case "update-claps": return [(.post, .clap)]
        case "get-multiple": return [(.post, .clapsOfMany)]
        default: return []
        }
    }

    /// An operator's calls, by what follows in the path.
    private static func admin(_ rest: [[UInt8]]) -> [(HTTPRequest.Method, Route)] {
        let words = rest.map { String(decoding: $0, as: UTF8.self) }
        if words == ["plan"] { return [(.get, .plan)] }
        if words == ["experiments", "lock"] { return [(.post, .lockExperiment)] }
        return words.first == "held" ? held(Array(rest.dropFirst())) : []
    }

    /// The calls on likes that are held back, by what follows in the path.
    private static func held(_ rest: [[UInt8]]) -> [(HTTPRequest.Method, Route)] {
        switch rest.count {
        case 0: return [(.get, .heldLikes)]
        case 1:
            return HeldAction(rawValue: String(decoding: rest[0], as: UTF8.self)).map { [(.post, .settleHeld($0))] }
                ?? []
        case 2: return [(.get, .heldLike(content: rest[0], user: rest[1]))]
        default: return []
        }
    }

    /// The call's name in metrics.
    package var name: String {
        switch self {
        case .like: "like"
        case .unlike, .unlikeContent: "unlike"
        case .count: "count"
        case .countBatch: "count_batch"
        case .bulk: "bulk"
        case .hold: "hold"
        case .release: "release"
        case .status: "status"
        case .userLikes: "user_likes"
        case .contentLikes: "content_likes"
        case .putContent: "content_put"
        case .getContent: "content_get"
        case .deleteContent: "content_delete"
        case .top: "top"
        case .liveCounts: "live"
        case .live: "health_live"
        case .ready: "health_ready"
        case .metrics: "metrics"
        case .openAPI: "openapi"
        case .index: "index"
        case .heldLikes: "held_list"
        case .heldLike: "held_get"
        case .settleHeld(let action): "held_" + action.rawValue
        case .plan: "plan"
        case .lockExperiment: "experiment"
        case .page: "page"
        case .readHearts: "openheart_read"
        case .giveHeart: "openheart"
        case .claps, .clapsOfMany: "applause_read"
        case .clap: "applause"
        }
    }

    /// Whether a credential means nothing to the call, not even one that does not hold.
    package var isOpen: Bool {
        switch self {
        case .live, .ready, .openAPI, .index, .page: true
        default: isWidgets
        }
    }

    /// Whether it is a call of a button of another maker: anybody may make it, from a page of any origin.
    var isWidgets: Bool {
        switch self {
        case .readHearts, .giveHeart, .claps, .clap, .clapsOfMany: true
        default: false
        }
    }

    /// How a route takes a body.
    package enum BodyRule: Sendable {
        case none
        case required
        case optional
        case bulk
        /// Of any type: the protocol says what is in it.
        case free
    }

    package var bodyRule: BodyRule {
        switch self {
        case .like, .unlike, .unlikeContent, .countBatch, .putContent, .settleHeld: .required
        case .hold, .lockExperiment: .optional
        case .giveHeart, .clap, .clapsOfMany: .free
        case .bulk: .bulk
        default: .none
        }
    }
}

/// Percent-encoding in paths and queries (RFC 3986).
package enum PercentEncoding {
    /// The bytes that `raw` stands for; nil where `%` is not followed by two hexadecimal digits.
    package static func decode(_ raw: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        var i = raw.startIndex
        while i < raw.endIndex {
            let byte = raw[i]
            raw.formIndex(after: &i)
            if byte == UInt8(ascii: "%") {
                guard i < raw.endIndex, let high = digit(raw[i]) else { return nil }
                raw.formIndex(after: &i)
                guard i < raw.endIndex, let low = digit(raw[i]) else { return nil }
                raw.formIndex(after: &i)
                out.append(high << 4 | low)
            } else {
                out.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return out
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
