import Foundation
import LikewiseTestSupport
import Testing

/// A call that failed at one node is sent to the next where that does no harm.
@Suite("Calls that fail at one node, behind nginx and Varnish", .timeLimit(.minutes(3)))
struct EdgeRetryTests {
    /// A node that takes calls and breaks off, before one that is well.
    private func withBrokenNode(_ kind: EdgeKind, _ body: (MadeUpNode, EdgeProcess) throws -> Void) throws {
        try withServer { server in
            let broken = try MadeUpNode { $0.hasPrefix("GET /health/") ? .json(200, "{}") : .breakOff }
            defer { broken.stop() }
            let edge = try EdgeProcess(kind, nodes: (broken.port, server.port))
            defer { edge.stop() }
            try body(broken, edge)
        }
    }

    /// Sends calls until the broken node has got `count` of them; what was answered to all.
    private func answers(
        _ broken: MadeUpNode, _ edge: EdgeProcess, until count: Int = 1, _ start: String,
        _ call: (Int) throws -> HTTPCall
    ) throws -> [HTTPAnswer] {
        let before = broken.heads(start).count
        var answers: [HTTPAnswer] = []
        // A node that failed is passed over for a second.
        let deadline = ContinuousClock.now + .seconds(15)
        while broken.heads(start).count < before + count, ContinuousClock.now < deadline {
            do { answers.append(try edge.connect().answer(call(answers.count))) } catch {
                Issue.record("\(start): \(error)\n\(edge.log)")
                break
            }
        }
        #expect(broken.heads(start).count >= before + count, "the broken node got no \(start)")
        return answers
    }

    @Test("Reads and idempotent writes are answered by another node when one breaks off", arguments: EdgeKind.allCases)
    func repeated(kind: EdgeKind) throws {
        try withBrokenNode(kind) { broken, edge in
            for (start, call) in [
                ("GET /v1/users", { _ in try HTTPCall("GET", Target.likesOfUser("ann")) }),
                ("GET /v1/likes/count", { try HTTPCall("GET", Target.count("c\($0)")) }),
                ("POST /v1/likes/count", { _ in try HTTPCall("POST", Target.counts, ["content_ids": ["c"]]) }),
                ("PUT /v1/users", { try HTTPCall("PUT", Target.like("ann", "p\($0)"), ["reaction": "love"]) }),
                ("DELETE /v1/users", { _ in try HTTPCall("DELETE", Target.like("ann", "p")) }),
                (
                    "POST /v1/likes ",
                    {
                        try HTTPCall("POST", Target.likes, ["content_id": "k\($0)", "user_id": "ann"]).with(
                            key: "k\($0)")
                    }
                ),
            ] as [(String, (Int) throws -> HTTPCall)] {
                let all = try answers(broken, edge, start, call)
                #expect(all.allSatisfy { $0.status == 200 }, "\(start): \(all.map(\.status))")
            }
        }
    }

    @Test("A like without a key is not sent twice: the caller hears that nobody knows", arguments: EdgeKind.allCases)
    func notRepeated(kind: EdgeKind) throws {
        try withBrokenNode(kind) { broken, edge in
            let all = try answers(broken, edge, until: 3, "POST /v1/likes ") {
                try HTTPCall("POST", Target.likes, ["content_id": "c", "user_id": .string("u\($0)")])
            }
            #expect(all.allSatisfy { $0.status == 200 || $0.status == 502 }, "\(all.map(\.status))")
            #expect(all.count { $0.status == 502 } == broken.heads("POST /v1/likes ").count)
            for answer in all where answer.status == 502 { expectProblem(answer, 502, "bad_gateway") }
            // Every like that was answered with success counts, and no other.
            let count = try edge.connect().answer("GET", Target.count("c") + "?now").json["count"]
            #expect(count == .integer(Int64(all.count { $0.status == 200 })))
        }
    }

    @Test("While a node takes no connections, every call goes to the others", arguments: EdgeKind.allCases)
    func refused(kind: EdgeKind) throws {
        try withServer { server in
            let edge = try EdgeProcess(kind, nodes: (EdgePorts.next(), server.port))
            defer { edge.stop() }
            let http = try edge.connect()
            for number in 0..<50 {
                let like: JSON = ["content_id": "c", "user_id": .string("u\(number)")]
                expect(try http.answer("POST", Target.likes, like), 200, ["count": 1])
                expect(try http.answer("GET", Target.likesOfContent("c")), 200)
                expect(try http.answer("DELETE", Target.likes, like), 200, ["count": 0])
                let line = #"{"content_id":"b","user_id":"u\#(number)","action":"like"}"#
                let bulk = HTTPCall("POST", Target.bulk, contentType: "application/x-ndjson", body: Array(line.utf8))
                expect(try http.answer(bulk), 200, ["changed": 1])
            }
        }
    }
}
