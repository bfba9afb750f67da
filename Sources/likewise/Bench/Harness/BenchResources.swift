// What a run of the benchmarks leaves behind if nobody takes it away: child processes and a folder. Both are written down
// here the moment they exist, so that every way out (the end, an error, a signal) takes the same path.

import Foundation
import Synchronization
import UnixSignals

/// Why a benchmark could not be run; a sentence that says what to do.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The folder and the child processes of a run.
final class BenchResources: Sendable {
    private struct State {
        var children: [ObjectIdentifier: ChildProcess] = [:]
        var folders = 0
        var isReleased = false
    }

    /// The folder of this run alone.
    let root: String
    private let state = Mutex(State())

    /// Whether the run has ended, or is being ended by a signal.
    var isReleased: Bool { state.withLock { $0.isReleased } }

    /// Makes a folder of its own in `parent`, so that removing it harms nothing else.
    init(in parent: String) throws {
        let number = String(UInt32.random(in: .min ... .max), radix: 16)
        root = "\(parent)/likewise-bench-\(number)"
        do {
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        } catch {
            throw BenchError("no folder can be made in \(parent): give one that is writable with --data-dir")
        }
    }

    /// A fresh, empty folder below the root, at a path that no call gave before: what had one open may close it later, and
    /// SQLite removes its log by path then.
    func folder(_ name: String) throws -> String {
        let number = state.withLock { state in
            state.folders += 1
            return state.folders
        }
        let path = "\(root)/\(name)-\(number)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch { throw BenchError("\(path) cannot be made: \(error)") }
        return path
    }

    /// Removes a folder with all that is in it. The children of a server that was killed may write for a moment longer, so
    /// it is tried again for a while.
    func remove(_ path: String) {
        _ = BenchClock.wait(seconds: 2) { () -> Bool? in
            try? FileManager.default.removeItem(atPath: path)
            return FileManager.default.fileExists(atPath: path) ? nil : true
        }
    }

    /// Starts a program, to be ended at the latest when the run is. `log` gets what it prints.
    func start(_ program: String, _ arguments: [String], log: String) throws -> ChildProcess {
        try state.withLock { state in
            guard !state.isReleased else { throw BenchError("the run has ended") }
            let child = try ChildProcess(program, arguments, log: log)
            state.children[ObjectIdentifier(child)] = child
            return child
        }
    }

    /// Ends all children and removes the folder. May be called more than once.
    func release() {
        // All of it under the lock: a second caller, such as the suite that a signal has interrupted, returns when all is
        // gone, and two removals do not trip over each other.
        state.withLock { state in
            state.isReleased = true
            for child in state.children.values { child.kill() }
            state.children = [:]
            remove(root)
        }
    }

    /// Ends this process at Ctrl-C or SIGTERM, with nothing left behind. Returns when its task is cancelled.
    func endProcessOnSignal() async {
        for await signal in await UnixSignalsSequence(trapping: [.sigint, .sigterm]) {
            release()
            exit(128 + (signal == .sigint ? SIGINT : SIGTERM))
        }
    }
}
