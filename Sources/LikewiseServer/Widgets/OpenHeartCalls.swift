// The OpenHeart protocol (https://openheart.fyi): an emoji as the body of a POST is a reaction to a page, and GET tells how often
// each was given. `/openheart/{domain}/{uid}` is a page.

import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    private static let openHeartSpace = "openheart"

    func openHeart(_ request: APIRequest, domain: [UInt8], page: [UInt8]) async -> APIResponse {
        do throws(APIProblem) {
            let anonymous = try anonymousCounters()
            let page = try openHeartPage(domain, page)
            let emoji: Emoji? = request.method == .post ? try openHeartEmoji(request) : nil
            guard let emoji else {
                let found: [[CounterReading]]
                do throws(CounterFailure) {
                    found = try await anonymous.store.read([page], of: API.openHeartSpace)
                } catch { throw Anonymous.problem(error) }
                return open(openHeartAnswer(found.first ?? []))
            }
            let fields = try anonymous.limit(request.address, now: service.clock.nanoseconds())
            let name = CounterName(space: API.openHeartSpace, page: page, mark: emoji.bytes)
            let readings: [CounterReading]
            do throws(CounterFailure) { readings = try await anonymous.store.add(1, to: name) } catch {
                throw Anonymous.problem(error)
            }
            var answer = openHeartAnswer(readings)
            answer.headers += fields
            return open(answer)
        } catch { return open(error.response) }
    }

    private func openHeartAnswer(_ readings: [CounterReading]) -> APIResponse {
        .json { writer in
            writer.object { body in
                for reading in readings where reading.value > 0 {
                    body.name(String(decoding: reading.mark, as: UTF8.self))
                    body.number(reading.value)
                }
            }
        }
    }

    /// The page's name: the domain in lower case, as domains mean the same in any, and what the site calls the page.
    private func openHeartPage(_ domain: [UInt8], _ page: [UInt8]) throws(APIProblem) -> [UInt8] {
        let domain = domain.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        guard API.isHost(domain) else {
            throw APIProblem(
                .invalidRequest, "The first part of the path must be a domain, such as example.com.", field: "domain")
        }
        return domain + [UInt8(ascii: "/")] + (try checked(content: page, field: "uid"))
    }

    /// Letters, digits, dots and hyphens (names of other scripts as `xn--`), and a port, as a page's origin has them.
    static func isHost(_ host: [UInt8]) -> Bool {
        guard (1...253).contains(host.count), host.first != UInt8(ascii: "."), host.first != UInt8(ascii: "-") else {
            return false
        }
        return host.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    /// The emoji that the body begins with: as it is, or as a form sends it (`❤️=`, percent-encoded where the form has the usual
    /// type).
    private func openHeartEmoji(_ request: APIRequest) throws(APIProblem) -> Emoji {
        let isForm = (request.headers[.contentType] ?? "").lowercased().hasPrefix("application/x-www-form-urlencoded")
        // Programs send an emoji as it is, and call it a form since that is what they do by default.
        let decoded = isForm ? PercentEncoding.decode(request.body.prefix(4 * Emoji.mostBytes), plusIsSpace: true) : nil
        guard let emoji = Emoji(leading: decoded ?? request.body) else {
            throw APIProblem(
                .invalidRequest, "The body must begin with an emoji: curl -d '❤️' is enough.", field: "body")
        }
        return emoji
    }
}
