/// Likes, unlikes and counts of contents and users that are drawn by Zipf's law, as requests of HTTP. Making the next
/// one allocates nothing: only digits change.
package struct MixedTraffic: RequestSource, Sendable {
    /// The kinds of requests, by number.
    package static let kinds = ["like", "unlike", "count"]
    private static let digits = 8

    /// The bytes of one kind of request.
    private struct Form: Sendable {
        var bytes: [UInt8]
        /// Where the digits of the content and of the user begin.
        var content: Int
        var user: Int?
    }

    /// What is drawn.
    package struct Mix: Sendable {
        /// How many contents and users there are.
        package var contents: Int, users: Int
        /// The exponent of Zipf's law.
        package var skew: Double
        /// Reads, in percent of all; unlikes, in percent of the rest.
        package var reads: Int, unlikes: Int
        package var seed: UInt64

        package init(contents: Int, users: Int, skew: Double, reads: Int, unlikes: Int, seed: UInt64) {
            (self.contents, self.users, self.skew) = (contents, users, skew)
            (self.reads, self.unlikes, self.seed) = (reads, unlikes, seed)
        }
    }

    private let mix: Mix
    private let contents: ZipfSampler
    private let users: ZipfSampler
    private var random: SplitMix
    private var forms: [Form]
    package private(set) var kind = 0

    /// Traffic for `host`, as the field of that name has it; `token` is sent with each request where there is one.
    package init(_ mix: Mix, host: String, token: String? = nil) {
        self.mix = mix
        contents = ZipfSampler(count: mix.contents, skew: mix.skew)
        users = ZipfSampler(count: mix.users, skew: mix.skew)
        random = SplitMix(state: mix.seed)
        let fields = "Host: \(host)\r\n" + (token.map { "Authorization: Bearer \($0)\r\n" } ?? "")
        forms = [
            MixedTraffic.write("POST", fields), MixedTraffic.write("DELETE", fields), MixedTraffic.read(fields),
        ]
        advance()
    }

    package var bytes: [UInt8] { forms[kind].bytes }
    package var kindCount: Int { MixedTraffic.kinds.count }

    package mutating func advance() {
        if Int.random(in: 0..<100, using: &random) < mix.reads {
            kind = 2
        } else {
            kind = Int.random(in: 0..<100, using: &random) < mix.unlikes ? 1 : 0
        }
        put(contents.sample(&random), at: forms[kind].content)
        if let user = forms[kind].user { put(users.sample(&random), at: user) }
    }

    private mutating func put(_ number: Int, at start: Int) {
        var rest = number
        for i in (start..<(start + MixedTraffic.digits)).reversed() {
            forms[kind].bytes[i] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    private static let zeros = String(repeating: "0", count: digits)

    private static func write(_ method: String, _ fields: String) -> Form {
        let (lead, middle, end) = ("{\"content_id\":\"load_", "\",\"user_id\":\"user_", "\"}")
        let length = lead.utf8.count + middle.utf8.count + end.utf8.count + 2 * digits
        let head =
            "\(method) /v1/likes HTTP/1.1\r\n\(fields)"
            + "Content-Type: application/json\r\nContent-Length: \(length)\r\n\r\n"
        let content = head.utf8.count + lead.utf8.count
        return Form(
            bytes: Array((head + lead + zeros + middle + zeros + end).utf8), content: content,
            user: content + digits + middle.utf8.count)
    }

    private static func read(_ fields: String) -> Form {
        let lead = "GET /v1/likes/count/load_"
        return Form(bytes: Array("\(lead)\(zeros) HTTP/1.1\r\n\(fields)\r\n".utf8), content: lead.utf8.count, user: nil)
    }
}
