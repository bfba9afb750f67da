/// The answers that are problems, as members of an operation's `responses`.
enum OpenAPIErrors {
    /// A status and the response that describes it; more than one response of a status is named by its operation alone.
    private static let usual: [(status: Int, response: String)] = [
        (400, "BadRequest"), (401, "Unauthenticated"), (403, "Forbidden"), (404, "CallNotHere"),
        (405, "MethodNotAllowed"), (411, "LengthRequired"), (413, "BodyTooLarge"), (414, "URITooLong"),
        (415, "UnsupportedMediaType"), (429, "RateLimited"), (431, "HeadersTooLarge"), (500, "InternalError"),
        (503, "Unavailable"),
    ]

    /// What any call may answer, and `further` statuses, as lines with commas between them.
    static func of(_ further: Int...) -> String {
        let statuses = Set(further).union([400, 405, 414, 431, 500, 503])
        return usual.filter { statuses.contains($0.status) }.map { status, response in
            "              \"\(status)\": {\"$ref\": \"#/components/responses/\(response)\"}"
        }.joined(separator: ",\n")
    }
}
