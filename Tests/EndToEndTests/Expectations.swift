import Testing

/// Expects an answer with this status whose body has these members, and none of those named in `without`.
func expect(
    _ answer: HTTPAnswer, _ status: Int, _ members: [String: JSON] = [:], without: [String] = [],
    _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    var wrong: [String] = []
    if answer.status != status { wrong.append("the status is \(answer.status) and not \(status)") }
    let json = answer.json
    for (name, value) in members.sorted(by: { $0.key < $1.key }) where json[name] != value {
        wrong.append("\(name) is \(json[name].map { "\($0)" } ?? "missing") and not \(value)")
    }
    for name in without where json[name] != nil { wrong.append("\(name) should not be there") }
    guard !wrong.isEmpty else { return }
    let words = comment()
    Issue.record(
        """
        \(words.isEmpty ? "" : words + ": ")\(wrong.joined(separator: "; "))
        answer: \(answer.text.prefix(600))
        """, sourceLocation: sourceLocation)
}

/// Expects a problem as RFC 9457 has it, with this stable code, and with the field's name where one field is at fault.
func expectProblem(
    _ answer: HTTPAnswer, _ status: Int, _ code: String, field: String? = nil,
    _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    var members: [String: JSON] = ["status": .integer(Int64(status)), "code": .string(code)]
    if let field { members["field"] = .string(field) }
    expect(answer, status, members, comment(), sourceLocation: sourceLocation)
    let words = comment()
    #expect(answer.header("content-type") == "application/problem+json", "\(words)", sourceLocation: sourceLocation)
    for name in ["type", "title"] {
        #expect(answer.json[name]?.text?.isEmpty == false, "\(words): \(name)", sourceLocation: sourceLocation)
    }
    if let field, let detail = answer.json["detail"]?.text {
        #expect(detail.contains(field), "the detail names no field: \(detail)", sourceLocation: sourceLocation)
    }
}

/// Expects that an answer may not be kept by anyone.
func expectNoStore(_ answer: HTTPAnswer, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(answer.header("cache-control") == "no-store", sourceLocation: sourceLocation)
}

extension HTTPConnection {
    /// All pages of a list, `limit` entries each.
    func pages(_ target: String, limit: Int) throws -> [[JSON]] {
        var pages: [[JSON]] = []
        var cursor: String?
        repeat {
            let page = try answer("GET", target + "?limit=\(limit)" + (cursor.map { "&cursor=\($0)" } ?? ""))
            expect(page, 200)
            expectNoStore(page)
            pages.append(page.json["likes"]?.entries ?? [])
            cursor = page.json["next_cursor"]?.text
        } while cursor != nil && pages.count < 100
        return pages
    }
}

/// Whether the entries of a list are in the order of their moments, the latest first.
func isNewestFirst(_ entries: [JSON]) -> Bool {
    let moments = entries.compactMap { $0["since"]?.text }
    return moments.count == entries.count && zip(moments, moments.dropFirst()).allSatisfy { $0 >= $1 }
}
