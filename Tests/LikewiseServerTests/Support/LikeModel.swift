// What a server must answer, worked out the plain way: for each content a dictionary of who holds what.

import LikewiseCore
import LikewiseTestSupport

/// The likes of a few contents, and the answers that follow from them.
struct LikeModel {
    /// A request with the answer that is due.
    struct Step {
        var request: RawRequest
        var status: Int
        /// What the body ends with.
        var ending: String
    }

    private let contents: [String]
    private let users = (0..<6).map { "user-\($0)" }
    private var held: [String: [String: String]] = [:]

    /// The ids are the model's own where each of several connections has its `name`.
    init(name: String) {
        contents = (0..<5).map { "\(name)-\($0)" }
    }

    /// A random request, and its answer; the model then is as the server will be.
    mutating func step(_ random: inout SeededRandom, isHot: Bool) -> Step {
        let content = random.pick(contents)
        let user = random.pick(users)
        let reaction = random.pick(["like", "like", "like", "love", "sad"])
        var step =
            switch random.below(isHot ? 9 : 11) {
            case 0, 1, 2: like(content, user, reaction)
            case 3: unlike(content, user)
            case 4, 5: count(content, nil)
            case 6: count(content, user)
            case 7: counts((0..<random.within(1...4)).map { _ in random.pick(contents) }, nil)
            case 8: counts((0..<random.within(1...4)).map { _ in random.pick(contents) }, user)
            case 9: hold(content, user, reaction)
            default: release(content, user)
            }
        if !isHot { step.request = step.request.with("Authorization", "none") }
        return step
    }

    /// Counts of all contents, as they must be now.
    var summary: Step { counts(contents, nil) }

    private mutating func like(_ content: String, _ user: String, _ reaction: String) -> Step {
        let changed = held[content]?[user] != reaction
        held[content, default: [:]][user] = reaction
        let body =
            reaction == "like"
            ? #"{"content_id":"\#(content)","user_id":"\#(user)"}"#
            : #"{"user_id":"\#(user)","reaction":"\#(reaction)","content_id":"\#(content)"}"#
        return Step(
            request: RawRequest("POST", "/v1/likes", body), status: changed ? 200 : 409,
            ending: members(content, user) + "}")
    }

    private mutating func unlike(_ content: String, _ user: String) -> Step {
        let changed = held[content]?.removeValue(forKey: user) != nil
        return Step(
            request: RawRequest("DELETE", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"}"#),
            status: changed ? 200 : 404, ending: members(content, user) + "}")
    }

    private mutating func hold(_ content: String, _ user: String, _ reaction: String) -> Step {
        let changed = held[content]?[user] != reaction
        held[content, default: [:]][user] = reaction
        return Step(
            request: RawRequest("PUT", "/v1/users/\(user)/likes/\(content)", #"{"reaction":"\#(reaction)"}"#),
            status: 200, ending: members(content, user) + ",\"changed\":\(changed)}")
    }

    private mutating func release(_ content: String, _ user: String) -> Step {
        let changed = held[content]?.removeValue(forKey: user) != nil
        return Step(
            request: RawRequest("DELETE", "/v1/users/\(user)/likes/\(content)"), status: 200,
            ending: members(content, user) + ",\"changed\":\(changed)}")
    }

    private func count(_ content: String, _ user: String?) -> Step {
        Step(
            request: RawRequest("GET", "/v1/likes/count/\(content)" + (user.map { "?user_id=\($0)" } ?? "")),
            status: 200, ending: "{" + entry(content, user) + "}")
    }

    private func counts(_ contents: [String], _ user: String?) -> Step {
        let ids = contents.map { "\"\($0)\"" }.joined(separator: ",")
        let naming = user.map { #","user_id":"\#($0)""# } ?? ""
        let entries = contents.map { "{" + entry($0, user) + "}" }.joined(separator: ",")
        return Step(
            request: RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":[\#(ids)]\#(naming)}"#), status: 200,
            ending: #"{"counts":[\#(entries)]}"#)
    }

    private func tally(_ content: String) -> String {
        let reactions = (held[content] ?? [:]).values
        let counts = ReactionSet.standard.compactMap { name in
            let count = reactions.filter { $0 == name }.count
            return count > 0 ? "\"\(name)\":\(count)" : nil
        }
        return #""count":\#(reactions.count),"reactions":{\#(counts.joined(separator: ","))},"approx":false"#
    }

    private func members(_ content: String, _ user: String) -> String {
        let ids = #""content_id":"\#(content)","user_id":"\#(user)""#
        return ids + liked(content, user) + "," + tally(content)
    }

    private func entry(_ content: String, _ user: String?) -> String {
        let display = #","display":"\#((held[content] ?? [:]).count)""#
        return #""content_id":"\#(content)","# + tally(content) + display + (user.map { liked(content, $0) } ?? "")
    }

    private func liked(_ content: String, _ user: String) -> String {
        held[content]?[user].map { #","liked":true,"reaction":"\#($0)""# } ?? #","liked":false"#
    }
}
