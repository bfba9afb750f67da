import Glibc
import LikewiseTestSupport
import Testing

@Suite("SIGTERM")
struct ShutdownTests {
    @Test("Under load, all that took effect is answered, and the server ends with 0 within 10 seconds")
    func underLoad() throws {
        try withFolder { folder in
            let seed = UInt64.random(in: 0...UInt64.max)
            var pairs: [Pair: Knowledge] = [:]
            try withServer(dataFolder: folder) { server in
                let answers = Monitor(0)
                let crew = Crew(6) { number in
                    try LoadClient(number: number, port: server.port, seed: seed).run { count in
                        answers.update { $0 += count }
                    }
                }
                #expect(answers.wait(seconds: 60) { $0 >= 2_000 ? $0 : nil } != nil)
                let begin = ContinuousClock.now
                let ending = server.terminate()
                let took = ContinuousClock.now - begin
                #expect(ending == .exited(0), "\(server.process.errors.suffix(2_000))")
                #expect(took < .seconds(10), "it took \(took)")
                for account in try crew.finish() {
                    #expect(account.wrong.isEmpty, "seed \(seed): \(account.wrong.prefix(3))")
                    #expect(account.end == .closed, "seed \(seed): no answer is cut off")
                    pairs.merge(account.pairs) { $1 }
                }
            }
            try withServer(dataFolder: folder) { server in
                let order = Array(pairs.keys)
                let states = try Audit(http: server.connect()).states(order)
                let unanswered = zip(order, states).filter { pairs[$0]?.liked != $1 }
                #expect(unanswered.isEmpty, "seed \(seed): took effect without an answer: \(unanswered.prefix(5))")
            }
        }
    }

    @Test("Idle connections are closed and do not hold the server up", arguments: [SIGTERM, SIGINT])
    func idle(signal: Int32) throws {
        try withServer { server in
            let idle = try (0..<5).map { _ in try server.connect() }
            for http in idle { expect(try http.answer("GET", "/health/live"), 200) }
            let begin = ContinuousClock.now
            server.process.signal(signal)
            #expect(server.process.waitForEnd(seconds: 20) == .exited(0))
            #expect(ContinuousClock.now - begin < .seconds(10))
            for http in idle { #expect(try http.isClosedByServer()) }
        }
    }

    @Test("A request that never becomes whole does not hold the server up")
    func halfARequest() throws {
        try withServer { server in
            let http = try server.connect()
            try http.send(bytes: HTTPCall("GET", "/health/live").bytes + Array("POST /v1/likes HT".utf8))
            expect(try http.receive(), 200)
            let begin = ContinuousClock.now
            #expect(server.terminate() == .exited(0))
            #expect(ContinuousClock.now - begin < .seconds(10))
        }
    }

    @Test("After an orderly end everything is there, and the ledger has no drift")
    func restart() throws {
        try withFolder { folder in
            for round in 0..<3 {
                try withServer(dataFolder: folder) { server in
                    let http = try server.connect()
                    expect(try http.answer("GET", Target.count("c")), 200, ["count": .integer(Int64(round * 50))])
                    try http.send(
                        (0..<50).map { try HTTPCall("PUT", Target.like("user_\(round)_\($0)", "c"), [:]) })
                    for _ in 0..<50 { expect(try http.receive(), 200, ["changed": true]) }
                    #expect(server.terminate() == .exited(0))
                }
                let verify = try Binary.run(["verify", "--data-dir", folder])
                #expect(verify.ending == .exited(0), "\(verify.output)\(verify.errors)")
            }
        }
    }
}
