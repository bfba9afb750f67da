import LikewiseTestSupport
import Testing

/// Idempotency keys, problems, caching, and the order of requests.
extension ClusterContractTests {
    @Test("A key's first answer is given again by the other node, and it refuses the key with another body")
    func idempotencyKeys() throws {
        let nodes = try Nodes()
        let (calls, statuses) = try ContractTables.writesWithKeys("keys-")
        let first = try calls.map { try nodes.one.answer($0) }
        #expect(first.map(\.status) == statuses)
        _ = try nodes.one.answer("DELETE", Target.like("ann", "keys-c"))
        for http in [nodes.other, nodes.one] {
            for (call, first) in zip(calls, first) {
                let again = try http.answer(call)
                #expect(again.status == first.status && again.body == first.body, "\(again.text) is not \(first.text)")
                #expect(again.header("content-type") == first.header("content-type"))
                var changed = try HTTPCall("PUT", Target.like("dora", "keys-c"), [:])
                changed.headers += call.headers.filter { $0.name == "idempotency-key" }
                expectProblem(try http.answer(changed), 422, "idempotency_key_reused", "\(call.method) \(call.target)")
            }
            expect(
                try http.answer("GET", Target.like("ann", "keys-c")), 200, ["liked": false], "retries change nothing")
            expect(try http.answer("GET", Target.like("dora", "keys-c")), 200, ["liked": false])
        }
        try nodes.expectSoon(Target.count("keys-c"), ["count": 1, "reactions": ["sad": 1]])
        try nodes.expectSoon(Target.count("keys-e"), ["count": 1])
    }

    @Test("One key sent to both nodes at once counts once")
    func keyRace() throws {
        let nodes = try Nodes()
        let cluster = nodes.cluster
        for round in 0..<10 {
            let content = "key-race-\(round)"
            let like = try HTTPCall("POST", Target.likes, ["content_id": .string(content), "user_id": "ann"])
                .with(key: content)
            let answers = try Crew(8) { try cluster.connect($0 % 2).answer(like) }.finish()
            for answer in answers where answer.status != 200 {
                #expect(answer.status == 409, "\(answer.text)")
            }
            #expect(answers.contains { $0.status == 200 })
        }
        for round in 0..<10 { try nodes.expectSoon(Target.count("key-race-\(round)"), ["count": 1]) }
    }

    @Test(
        "A bad body is refused with the name of the field at fault, by every node", arguments: ContractTables.badFields)
    func badFields(body: String, field: String) throws {
        let call = HTTPCall("POST", Target.likes, contentType: "application/json", body: Array(body.utf8))
        for http in try Nodes().both {
            let answer = try http.answer(call)
            expectProblem(answer, 400, "invalid_request", field: field)
            expectNoStore(answer)
        }
    }

    @Test("What is not one JSON object is refused", arguments: ContractTables.notJSON)
    func notJSON(body: String) throws {
        for http in try Nodes().both {
            for (method, target) in [("POST", Target.likes), ("DELETE", Target.likes), ("POST", Target.counts)] {
                let call = HTTPCall(method, target, contentType: "application/json", body: Array(body.utf8))
                expectProblem(try http.answer(call), 400, "invalid_request", "\(method) \(target)")
            }
        }
    }

    @Test("A path that is none is not found", arguments: ContractTables.noPaths)
    func notFound(target: String) throws {
        for http in try Nodes().both { expectProblem(try http.answer("GET", target), 404, "not_found") }
    }

    @Test(
        "A method that a path does not take is refused, with those that it takes",
        arguments: ContractTables.otherMethods)
    func methodNotAllowed(method: String, target: String, allowed: [String]) throws {
        let call = HTTPCall(method, target, contentType: "application/json", body: Array("{}".utf8))
        for http in try Nodes().both {
            let answer = try http.answer(call)
            expectProblem(answer, 405, "method_not_allowed")
            let allow = Set((answer.header("allow") ?? "").split(separator: ",").map { $0.drop { $0 == " " } })
            #expect(allow.isSuperset(of: allowed.map { $0[...] }) && !allow.contains(method[...]), "\(allow)")
        }
    }

    @Test("A body of another kind is refused", arguments: ContractTables.otherMediaTypes)
    func mediaType(type: String) throws {
        let body = Array(#"{"content_id": "media-c", "user_id": "u"}"#.utf8)
        for http in try Nodes().both {
            for target in [Target.likes, Target.bulk] {
                let call = HTTPCall("POST", target, contentType: type, body: body)
                expectProblem(try http.answer(call), 415, "unsupported_media_type", target)
            }
        }
    }

    @Test("A body that is too long is refused, and changes nothing")
    func bodyTooLarge() throws {
        let nodes = try Nodes()
        let like = #"{"content_id": "large-c", "user_id": "u"}"#
        let padded = Array((like + String(repeating: " ", count: (64 << 10) + 1 - like.utf8.count)).utf8)
        for number in 0..<2 {
            let http = try nodes.cluster.connect(number)
            let call = HTTPCall("POST", Target.likes, contentType: "application/json", body: padded)
            expectProblem(try http.answer(call), 413, "body_too_large")
        }
        expect(try nodes.one.answer("GET", Target.like("u", "large-c")), 200, ["liked": false])
    }

    @Test("A count for everyone may be cached, and is confirmed by its ETag until it changes, at either node")
    func cache() throws {
        let nodes = try Nodes()
        let target = Target.count("cache-c")
        for user in 0..<3 { _ = try nodes.one.answer("PUT", Target.like("user_\(user)", "cache-c"), [:]) }
        try nodes.expectSoon(target, ["count": 3])
        let tags = try nodes.both.map { http -> String in
            let answer = try http.answer("GET", target)
            #expect(answer.header("cache-control") == "public, max-age=5, stale-while-revalidate=10")
            return try #require(answer.header("etag"))
        }
        #expect(tags[0] == tags[1], "what one node gave out, the other confirms")
        for http in nodes.both {
            for match in [tags[0], "\"other\", \(tags[0])", "W/\(tags[0])", "*"] {
                let known = try http.answer("GET", target, headers: [("if-none-match", match)])
                expect(known, 304, [:], "\(match)")
                #expect(known.body.isEmpty && known.header("etag") == tags[0])
            }
            expect(try http.answer("GET", target, headers: [("if-none-match", "\"other\"")]), 200, ["count": 3])
        }
        _ = try nodes.other.answer("POST", Target.likes, ["content_id": "cache-c", "user_id": "one more"])
        try nodes.expectSoon(target, ["count": 4])
        for http in nodes.both {
            let changed = try http.answer("GET", target, headers: [("if-none-match", tags[0])])
            expect(changed, 200, ["count": 4])
            #expect(changed.header("etag") != tags[0])
        }
    }

    @Test("The metrics of nodes and aggregators tell how PostgreSQL's pools and Redis are")
    func engineMetrics() throws {
        let nodes = try Nodes()
        _ = try nodes.one.answer("PUT", Target.like("ann", "metrics-c"), [:])
        _ = try nodes.other.answer("GET", Target.likesOfUser("ann"))
        try nodes.expectSoon(Target.count("metrics-c"), ["count": 1])
        for port in nodes.cluster.ports + nodes.cluster.aggregatorPorts {
            let page = try HTTPConnection(port: port).answer("GET", "/metrics").text
            func value(_ series: String) -> Int? {
                page.split(separator: "\n").first { $0.hasPrefix(series + " ") }
                    .flatMap { Int($0.dropFirst(series.count + 1)) }
            }
            for server in 1...2 {
                #expect(
                    (1...4).contains(value("likewise_postgresql_connections{server=\"\(server)\"}") ?? 0), "\(page)")
                #expect(value("likewise_postgresql_breaker{server=\"\(server)\"}") == 0)
                #expect(value("likewise_postgresql_waiting_calls{server=\"\(server)\"}") != nil)
                #expect(value("likewise_postgresql_running_calls{server=\"\(server)\"}") != nil)
            }
            #expect(page.contains("likewise_postgresql_calls_total{"))
            let redis = "{deployment=\"redis\"}"
            #expect(value("likewise_redis_nodes" + redis) == 3)
            #expect(value("likewise_redis_connected_nodes" + redis) == 3)
            #expect(value("likewise_redis_open_breakers" + redis) == 0)
            #expect((value("likewise_redis_commands_total" + redis) ?? 0) > 0)
            #expect(value("likewise_redis_redirects_total" + redis) != nil)
            #expect(value("likewise_redis_retries_total" + redis) != nil)
        }
    }

    @Test("Any calls, sent at once, take effect and are answered in order", arguments: [21, 22, 23] as [UInt64])
    func pipelined(seed: UInt64) throws {
        let nodes = try Nodes()
        let (contents, users) = ((0..<3).map { "piped-\(seed)-c\($0)" }, (0..<4).map { "piped-\(seed)-u\($0)" })
        var random = Random(seed: seed)
        var model = LikeModel()
        let steps = try (0..<300).map { _ in try LikeStep(&random, &model, contents: contents, users: users) }
        let http = nodes.both[Int(seed % 2)]
        try http.send(steps.map(\.call))
        for (number, step) in steps.enumerated() {
            let answer = try http.receive()
            let comment = "seed \(seed), request \(number): \(step.call.method) \(step.call.target)"
            expect(answer, step.status, step.exactMembers, comment)
            if answer.status != step.status { return }
        }
        for content in contents { try nodes.expectSoon(Target.count(content), model.members(content)) }
    }
}

extension LikeStep {
    /// What a cluster's node has to answer exactly, and at once: all but the counts.
    var exactMembers: [String: JSON] { members.filter { !["count", "reactions"].contains($0.key) } }
}
