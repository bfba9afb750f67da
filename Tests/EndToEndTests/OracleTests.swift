import Foundation
import LikewiseTestSupport
import Testing

/// A real trace and a checker that knows only the contract; they are not part of this project.
private enum Oracle {
    static let folder: String = {
        if let given = ProcessInfo.processInfo.environment["LIKEWISE_SHARED"] { return given }
        return Binary.root.deletingLastPathComponent().appending(path: "shared").path
    }()
    static let script = folder + "/oracle/replay.py"
    static let trace = folder + "/data/higgs-retweets.csv.gz"
    static let isThere = [script, trace].allSatisfy { FileManager.default.fileExists(atPath: $0) }
}

@Suite("A real viral event")
struct OracleTests {
    @Test(
        "20,000 retweets of the Higgs boson are counted exactly, sent twice, with and without unlikes",
        .enabled(if: Oracle.isThere, "the trace is not here; LIKEWISE_SHARED says where it is"),
        arguments: [["--repeat"], ["--unlike-every", "7"]],
        [["--filters", "on"], ["--filters", "off"], ["--filters", "evict"], ["--ledger", "rocksdb"]])
    func higgs(flags: [String], settings: [String]) throws {
        try withServer(settings) { server in
            let oracle = try ChildProcess(
                "python3",
                [Oracle.script, "http://127.0.0.1:\(server.port)", Oracle.trace, "--limit", "20000"] + flags)
            defer { oracle.kill9() }
            let ending = oracle.waitForEnd(seconds: 240)
            #expect(ending == .exited(0), "\(oracle.output)\(oracle.errors)")
        }
    }
}
