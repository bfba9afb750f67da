import Foundation
import LikewiseAPI
import Testing

@Suite("The OpenAPI document")
struct OpenAPITests {
    private let document: [String: Any]

    init() throws {
        let json = Data(OpenAPIDocument.json.utf8)
        document = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    }

    /// Every value in the document, with the keys that lead to it.
    private func walk(_ value: Any, _ path: [String] = [], _ visit: ([String], Any) -> Void) {
        visit(path, value)
        if let object = value as? [String: Any] {
            for (key, inner) in object { walk(inner, path + [key], visit) }
        } else if let list = value as? [Any] {
            for (i, inner) in list.enumerated() { walk(inner, path + [String(i)], visit) }
        }
    }

    private func value(_ path: String...) -> Any? {
        path.reduce(document as Any?) { ($0 as? [String: Any])?[$1] }
    }

    private var operations: [(name: String, operation: [String: Any])] {
        let paths = value("paths") as? [String: [String: Any]] ?? [:]
        return paths.flatMap { path, methods in
            methods.compactMap { method, operation in
                (operation as? [String: Any]).map { ("\(method.uppercased()) \(path)", $0) }
            }
        }
    }

    @Test("is JSON as the scanner has it, too, and OpenAPI 3.1")
    func parses() {
        #expect(jsonProblem(Array(OpenAPIDocument.json.utf8)) == nil)
        #expect(document["openapi"] as? String == "3.1.0")
    }

    @Test("has every call of the contract, each under a name of its own")
    func calls() {
        let expected: Set = [
            "POST /v1/likes", "DELETE /v1/likes", "GET /v1/likes/{content_id}", "DELETE /v1/likes/{content_id}",
            "PUT /v1/users/{user_id}/likes/{content_id}", "DELETE /v1/users/{user_id}/likes/{content_id}",
            "GET /v1/users/{user_id}/likes/{content_id}", "GET /v1/likes/count/{content_id}",
            "POST /v1/likes/count/batch", "POST /v1/likes/batch", "GET /v1/users/{user_id}/likes",
            "GET /v1/content/{content_id}/likes", "PUT /v1/content/{content_id}", "GET /v1/content/{content_id}",
            "DELETE /v1/content/{content_id}", "GET /v1/content/top", "GET /v1/live", "GET /health/live",
            "GET /health/ready", "GET /metrics", "GET /openapi.json", "GET /v1/admin/held",
            "GET /v1/admin/held/{content_id}/{user_id}", "POST /v1/admin/held/release",
            "POST /v1/admin/held/reject", "POST /v1/admin/held/hold", "GET /v1/admin/plan",
            "POST /v1/admin/experiments/lock", "GET /openheart/{domain}/{uid}", "POST /openheart/{domain}/{uid}",
            "GET /applause/get-claps", "POST /applause/update-claps", "POST /applause/get-multiple",
        ]
        #expect(Set(operations.map(\.name)) == expected)
        let names = operations.compactMap { $0.operation["operationId"] as? String }
        #expect(Set(names).count == expected.count && names.count == expected.count)
    }

    @Test("refers only to what is there")
    func references() {
        walk(document) { path, value in
            guard path.last == "$ref", let reference = value as? String else { return }
            let target = reference.dropFirst(2).split(separator: "/").reduce(document as Any?) {
                ($0 as? [String: Any])?[String($1)]
            }
            #expect(target != nil, "\(reference) at \(path.joined(separator: "/"))")
        }
    }

    @Test("knows the codes of ProblemCode with their statuses")
    func codes() throws {
        var documented: Set<ProblemCode> = []
        let responses = try #require(value("components", "responses") as? [String: Any])
        for (name, response) in responses {
            walk(response) { path, value in
                guard path.suffix(2) == ["properties", "code"] else { return }
                for code in (value as? [String: Any])?["enum"] as? [String] ?? [] {
                    guard let problem = ProblemCode(rawValue: code) else {
                        Issue.record("\(name) has \(code), which is no ProblemCode")
                        continue
                    }
                    documented.insert(problem)
                }
            }
        }
        #expect(Set(ProblemCode.allCases) == documented)
        for (name, operation) in operations {
            for (status, response) in operation["responses"] as? [String: [String: Any]] ?? [:] {
                guard let reference = response["$ref"] as? String, let last = reference.split(separator: "/").last
                else { continue }
                walk(responses[String(last)] as Any) { path, value in
                    guard path.suffix(2) == ["properties", "code"] else { return }
                    for code in (value as? [String: Any])?["enum"] as? [String] ?? [] {
                        let known = ProblemCode(rawValue: code)?.status
                        #expect(known.map(String.init) == status, "\(name): \(code) under \(status)")
                    }
                }
            }
        }
    }

    @Test("says of every call what any call can answer")
    func commonStatuses() {
        for (name, operation) in operations {
            let statuses = Set((operation["responses"] as? [String: Any] ?? [:]).keys)
            #expect(statuses.isSuperset(of: ["200", "400", "405", "414", "431", "500", "503"]), "\(name)")
            if operation["requestBody"] != nil {
                #expect(statuses.isSuperset(of: ["411", "413"]), "\(name)")
                // What other makers' buttons send is taken whatever they call it.
                #expect(statuses.contains("415") == name.contains("/v1/"), "\(name)")
            }
            if name.contains("/v1/") { #expect(statuses.isSuperset(of: ["401", "429"]), "\(name)") }
            let parameters = operation["parameters"] as? [[String: Any]] ?? []
            let takesKey = parameters.contains { ($0["$ref"] as? String)?.hasSuffix("/IdempotencyKey") == true }
            #expect(takesKey == statuses.contains("422"), "\(name)")
        }
    }

    @Test("states the limits that the code has")
    func limits() {
        func number(_ path: String...) -> Int? {
            path.reduce(value("components") as Any?) { ($0 as? [String: Any])?[$1] } as? Int
        }
        #expect(
            number("schemas", "CountBatchRequest", "properties", "content_ids", "maxItems") == WireLimits.countBatchIDs)
        #expect(
            number("schemas", "BulkResult", "properties", "rejected", "maxItems") == WireLimits.bulkRejectionsListed)
        #expect(OpenAPIDocument.json.contains("\"maxItems\": \(WireLimits.heldItems)"))
        #expect(OpenAPIDocument.json.contains("the 100,000 that one call") && WireLimits.heldOfContent == 100_000)
        #expect(number("parameters", "PageLimit", "schema", "maximum") == WireLimits.pageEntries)
        #expect(number("parameters", "PageLimit", "schema", "default") == WireLimits.pageEntriesByDefault)
        #expect(number("parameters", "TopLimit", "schema", "maximum") == WireLimits.topEntries)
        #expect(number("parameters", "TopLimit", "schema", "default") == WireLimits.topEntriesByDefault)
        #expect(number("schemas", "CursorText", "maxLength").map { $0 >= Cursor.encodedBytes } == true)
        let key = value("components", "parameters", "IdempotencyKey", "schema", "pattern") as? String
        #expect(key == "^[!-~]{1,\(WireLimits.idempotencyKeyBytes)}$")
        #expect(OpenAPIDocument.json.contains("\"maxLength\": \(WireLimits.bulkBytes)"))
        #expect(OpenAPIDocument.json.contains("At most 100,000 lines or 16 MiB") && WireLimits.bulkLines == 100_000)
    }

    @Test("names the reactions that the server takes")
    func reactions() {
        #expect(OpenAPIDocument.json.contains(#""enum": ["like","love","haha","wow","sad","angry"]"#))
        #expect(OpenAPIDocument.json(reactions: ["like", "clap"]).contains(#""enum": ["like","clap"]"#))
    }

    @Test("says that a call names its user where the server knows no callers")
    func users() throws {
        for knows in [false, true] {
            let json = Data(OpenAPIDocument.json(reactions: ["like"], knowsCallers: knows).utf8)
            let document = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
            let components = try #require(document["components"] as? [String: Any])
            let schemas = try #require(components["schemas"] as? [String: Any])
            for name in ["LikeRequest", "UnlikeRequest", "UserRequest"] {
                let schema = try #require(schemas[name] as? [String: Any])
                let required = try #require(schema["required"] as? [String])
                #expect(required.contains("user_id") != knows, "\(name)")
            }
        }
    }
}
