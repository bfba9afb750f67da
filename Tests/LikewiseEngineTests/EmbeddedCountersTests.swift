import Foundation
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Testing

@Suite("Counters of anonymous reactions")
struct EmbeddedCountersTests {
    private let quiet = Logger(label: "counter tests") { _ in SwiftLogNoOpLogHandler() }

    private func name(_ page: String, _ mark: String = "") -> CounterName {
        CounterName(space: "test", page: Array(page.utf8), mark: Array(mark.utf8))
    }

    private func open(
        _ folder: TemporaryFolder, region: UInt16 = 1, _ options: EmbeddedCounters.Options = .init()
    ) throws -> EmbeddedCounters {
        try EmbeddedCounters(in: folder.path, region: region, options: options, logger: quiet)
    }

    /// Stops counters on a thread that may wait.
    private func stop(_ counters: EmbeddedCounters) async {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "stop").async {
                counters.stop()
                continuation.resume()
            }
        }
    }

    @Test("A thousand at once count exactly, and hold when the file is opened again")
    func concurrency() async throws {
        let folder = try TemporaryFolder()
        let counters = try open(folder)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for i in 0..<1_000 {
                tasks.addTask {
                    _ = try await counters.add(UInt64(i % 3 + 1), to: self.name("page", i % 2 == 0 ? "a" : "b"))
                }
            }
            try await tasks.waitForAll()
        }
        var sums: [UInt64] = [0, 0]
        for i in 0..<1_000 { sums[i % 2] += UInt64(i % 3 + 1) }
        let expected = zip(["a", "b"], sums).map { CounterReading(mark: Array($0.utf8), value: $1) }
        #expect(try await counters.read([Array("page".utf8)], of: "test") == [expected])
        #expect(counters.count == 2)
        await stop(counters)

        // Another region's entries are summed with those that there are, and never raised.
        let again = try open(folder, region: 2)
        #expect(try await again.add(7, to: name("page", "a")).first?.value == expected[0].value + 7)
        #expect(again.count == 2)
        await stop(again)
    }

    @Test("An answer has all counters of its page and of no other")
    func pages() async throws {
        let folder = try TemporaryFolder()
        let counters = try open(folder)
        _ = try await counters.add(1, to: name("page", "a"))
        _ = try await counters.add(2, to: name("other", "a"))
        let answer = try await counters.add(3, to: name("page", "b"))
        #expect(answer.map(\.value) == [1, 3])
        let read = try await counters.read(["other", "none", "page"].map { Array($0.utf8) }, of: "test")
        #expect(read.map { $0.map(\.value) } == [[2], [], [1, 3]])
        #expect(try await counters.read([Array("page".utf8)], of: "elsewhere") == [[]])
        await stop(counters)
    }

    @Test("Beyond the bound no counter is begun, and those there are go on")
    func bound() async throws {
        let folder = try TemporaryFolder()
        var options = EmbeddedCounters.Options()
        options.counterLimit = 2
        let counters = try open(folder, options)
        _ = try await counters.add(1, to: name("one"))
        _ = try await counters.add(1, to: name("two"))
        await #expect(throws: CounterFailure.tooMany) { try await counters.add(1, to: name("three")) }
        #expect(try await counters.add(1, to: name("two")).first?.value == 2)
        await stop(counters)
        await #expect(throws: CounterFailure.shuttingDown) { try await counters.add(1, to: name("two")) }
    }

    @Test("A file that holds something else is refused with what to do, and left as it is")
    func foreign() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/counters.sqlite"
        try Data("this is a letter to a friend, and no database at all".utf8).write(to: URL(filePath: path))
        do {
            _ = try open(folder)
            Issue.record("it was opened")
        } catch let error as LedgerError {
            #expect("\(error)".contains("counters.sqlite"))
            #expect("\(error)".contains("move"))
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("this is a letter"))
    }
}
