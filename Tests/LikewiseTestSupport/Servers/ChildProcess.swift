// A process that a test has started: the binary under test, or a server that it talks to. It is signalled and reaped by its own number only: a number is free for others
// once the process is reaped, so whoever signals holds the lock under which it is reaped.

package import Foundation
import Glibc

/// A process that was started by a test, with all that it printed.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Ending: Equatable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    package struct CannotStart: Error {
        package var path: String
        package var code: Int32
    }

    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var open = 2
        var ending: Ending?
    }

    package let id: pid_t
    private let state = Monitor(State())

    /// Starts the program at `path`. Its environment is the test's, without the settings of Likewise, and `variables`.
    package init(_ path: String, _ arguments: [String], variables: [String: String] = [:]) throws {
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LIKEWISE_") }
        let environment = inherited.merging(variables) { _, given in given }
        var (output, errors): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        // Not pipes: theirs cannot be kept from children that other tests start just now, and would stay open in them.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &output) == 0, socketpair(AF_UNIX, kind, 0, &errors) == 0 else {
            throw CannotStart(path: path, code: errno)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        posix_spawn_file_actions_adddup2(&actions, errors[1], 2)
        // The threads that tests run on block signals, which children would inherit: not every server unblocks SIGTERM.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var blocked = sigset_t()
        sigemptyset(&blocked)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var id: pid_t = 0
        let code = Self.withCStrings([path] + arguments) { argv in
            Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawnp(&id, path, &actions, &attributes, argv, envp)
            }
        }
        close(output[1])
        close(errors[1])
        guard code == 0 else {
            close(output[0])
            close(errors[0])
            throw CannotStart(path: path, code: code)
        }
        self.id = id
        let (started, state) = (id, state)
        let (standardOutput, standardError) = (output[0], errors[0])
        Thread.detachNewThread { Self.read(standardOutput, into: \.output, of: state) }
        Thread.detachNewThread { Self.read(standardError, into: \.errors, of: state) }
        Thread.detachNewThread { Self.reap(started, state) }
    }

    /// Sends a signal, unless the process has ended.
    package func signal(_ number: Int32) {
        state.update { state in
            if state.ending == nil { kill(id, number) }
        }
    }

    /// Ends the process at once, and waits until it has.
    package func kill9() {
        signal(SIGKILL)
        _ = waitForEnd(seconds: 60)
    }

    /// Waits until the process has ended and all that it printed is read; nil where that takes longer than `seconds`.
    package func waitForEnd(seconds: Double) -> Ending? {
        state.wait(seconds: seconds) { $0.open == 0 ? $0.ending : nil }
    }

    /// How the process ended, nil while it runs.
    package var ending: Ending? { state.update { $0.ending } }
    package var output: String { state.update { String(decoding: $0.output, as: UTF8.self) } }
    package var errors: String { state.update { String(decoding: $0.errors, as: UTF8.self) } }

    /// Waits for a complete line on standard error in which `find` finds something; nil where the process ends without
    /// it, or `seconds` pass.
    package func waitForErrorLine<Found>(seconds: Double, _ find: (String) -> Found?) -> Found? {
        var seen = 0
        return state.wait(seconds: seconds) { state -> Found?? in
            while let end = state.errors[seen...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: state.errors[seen..<end], as: UTF8.self)
                seen = end + 1
                if let found = find(line) { return .some(found) }
            }
            return state.open == 0 ? .some(nil) : nil
        } ?? nil
    }

    private static func read(
        _ descriptor: Int32, into buffer: WritableKeyPath<State, [UInt8]>, of state: Monitor<State>
    ) {
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            state.update { $0[keyPath: buffer] += chunk[..<count] }
        }
        close(descriptor)
        state.update { $0.open -= 1 }
    }

    private static func reap(_ id: pid_t, _ state: Monitor<State>) {
        var info = siginfo_t()
        while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        state.update { state in
            var status: Int32 = 0
            waitpid(id, &status, 0)
            let signal = status & 0x7f
            state.ending = signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return body(copies)
    }
}
