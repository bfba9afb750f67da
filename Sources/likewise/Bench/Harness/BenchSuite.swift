/// A group of measurements that is run by its name: `likewise bench NAME`.
protocol BenchSuite: Sendable {
    /// The name on the command line.
    static var name: String { get }
    init()
    /// Measures, and reports a line for each figure.
    func run(_ bench: BenchContext) async throws
}

/// The suites that there are.
enum BenchSuites {
    /// Every suite, in the order in which `all` runs them.
    static let all: [any BenchSuite.Type] = [
        EngineBench.self, BulkBench.self, HTTPBench.self, LedgerBench.self, MemoryBench.self, LevelsBench.self,
        AbuseBench.self,
    ]

    /// Stands for every suite.
    static let everything = "all"

    /// The suites of `names`, each once, in the order of the list above.
    static func named(_ names: [String]) -> [any BenchSuite.Type] {
        names.contains(everything) ? all : all.filter { names.contains($0.name) }
    }

    /// What is wrong with `names`; a sentence each.
    static func problems(with names: [String]) -> [String] {
        let known = all.map { $0.name } + [everything]
        return names.filter { !known.contains($0) }.map { name in
            let hint = Nearest.name(to: name, among: known).map { "did you mean '\($0)'?" }
            return "there is no suite '\(name)'; \(hint ?? "the suites are \(known.joined(separator: ", "))")"
        }
    }
}

/// What a suite is given.
struct BenchContext: Sendable {
    let settings: Settings<BenchSettings>
    let machine: BenchMachine
    let resources: BenchResources
    private let output = LogSink(descriptor: 1)

    init(settings: Settings<BenchSettings>, machine: BenchMachine, resources: BenchResources) {
        self.settings = settings
        self.machine = machine
        self.resources = resources
    }

    /// Prints the line of a figure.
    func print(_ report: BenchReport) { output.write(Array((report.line(machine: machine) + "\n").utf8)) }

    /// Whether a server that figures are compared with was left out (`--without`).
    func leavesOut(_ server: String) -> Bool { settings.without.contains(server) }

    /// Runs `body` on a thread of its own, since it waits for sockets and processes, and the cooperative pool must not.
    func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            BenchThread.start { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
