import Testing

/// The part of JSON Schema that the description uses.
private struct Description {
    var document: JSON

    /// Where `value` is not as `schema` has it, in words.
    func problems(_ value: JSON, _ schema: JSON, at path: String) -> [String] {
        if let reference = schema["$ref"]?.text {
            let target = reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] ?? .null }
            return problems(value, target, at: path)
        }
        var found: [String] = []
        if let type = schema["type"]?.text, type != self.type(of: value) { found.append("\(path) is no \(type)") }
        if let constant = schema["const"], constant != value { found.append("\(path) is not \(constant)") }
        if let names = schema["enum"]?.entries, !names.contains(value) { found.append("\(path) is none of \(names)") }
        if let pattern = schema["pattern"]?.text, let text = value.text {
            let matches = (try? Regex(pattern).firstMatch(in: text)) ?? nil
            if matches == nil { found.append("\(path) is \(text), not \(pattern)") }
        }
        for name in (schema["required"]?.entries ?? []).compactMap(\.text) where value[name] == nil {
            found.append("\(path).\(name) is missing")
        }
        if case .object(let members) = value {
            for (name, member) in members {
                if let known = schema["properties"]?[name] ?? schema["additionalProperties"] {
                    found += problems(member, known, at: "\(path).\(name)")
                } else {
                    found.append("\(path).\(name) is not described")
                }
            }
        }
        if let items = schema["items"] {
            for (number, entry) in value.entries.enumerated() {
                found += problems(entry, items, at: "\(path)[\(number)]")
            }
        }
        return found
    }

    private func type(of value: JSON) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .list: "array"
        case .object: "object"
        }
    }
}

@Suite("The OpenAPI description")
struct OpenAPITests {
    @Test("Answers are as the description has them, without a member that it does not know")
    func answers() throws {
        try withServer { server in
            let http = try server.connect()
            let description = Description(document: try http.answer("GET", "/openapi.json").json)
            let like: JSON = ["content_id": "c", "content_type": "video", "user_id": "ann", "reaction": "wow"]
            let bulk = #"{"content_id": "c", "user_id": "bob", "action": "like"}"# + "\nbad\n"
            let calls: [(HTTPCall, String)] = try [
                (HTTPCall("POST", Target.likes, like), "Liked"),
                (HTTPCall("DELETE", Target.likes, like), "Unliked"),
                (HTTPCall("PUT", Target.like("ann", "c"), [:]), "PutLiked"),
                (HTTPCall("GET", Target.like("ann", "c")), "LikeState"),
                (HTTPCall("GET", Target.like("nobody", "c")), "LikeState"),
                (HTTPCall("DELETE", Target.like("ann", "c")), "PutUnliked"),
                (
                    HTTPCall("POST", Target.bulk, contentType: "application/x-ndjson", body: Array(bulk.utf8)),
                    "BulkResult"
                ),
                (HTTPCall("GET", Target.count("c")), "Count"),
                (HTTPCall("GET", Target.count("c", user: "bob")), "Count"),
                (HTTPCall("POST", Target.counts, ["content_ids": ["c", "d"], "user_id": "bob"]), "Counts"),
                (HTTPCall("PUT", Target.like("bob", "d"), [:]), "PutLiked"),
                (HTTPCall("GET", Target.likesOfUser("bob") + "?limit=1"), "UserLikes"),
                (HTTPCall("GET", Target.likesOfContent("c")), "ContentLikes"),
                (HTTPCall("PUT", Target.content("c"), ["content_type": "video"]), "Content"),
                (HTTPCall("GET", Target.content("c")), "Content"),
                (HTTPCall("DELETE", Target.content("c")), "ContentDeleted"),
                (HTTPCall("GET", "/v1/content/top"), "Top"), (HTTPCall("GET", "/health/live"), "Live"),
                (HTTPCall("GET", "/health/ready"), "Ready"),
            ]
            for (call, schema) in calls {
                let answer = try http.answer(call)
                expect(answer, 200, [:], "\(call.method) \(call.target)")
                let problems = description.problems(
                    answer.json, ["$ref": .string("#/components/schemas/\(schema)")], at: schema)
                #expect(problems.isEmpty, "\(call.method) \(call.target): \(problems) in \(answer.text)")
            }
        }
    }

    @Test("Problems are as the description has them")
    func problems() throws {
        try withServer { server in
            let http = try server.connect()
            let description = Description(document: try http.answer("GET", "/openapi.json").json)
            for (method, target) in [("GET", "/nothing"), ("PUT", "/metrics"), ("GET", "/v1/likes/count/%00")] {
                let answer = try http.answer(method, target)
                let problems = description.problems(
                    answer.json, ["$ref": "#/components/schemas/Problem"], at: "Problem")
                #expect(problems.isEmpty, "\(method) \(target): \(problems) in \(answer.text)")
            }
        }
    }
}
