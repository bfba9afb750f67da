// Where a node keeps events while Kafka cannot be reached: the same segment log as on one machine, on the node's own disk.
//
// One thread writes it, with one fdatasync for all that waits (group commit), and reads back what the relay asks for.
// Records go only when Kafka has acknowledged them. A crash between the two has them relayed once more, which does no
// harm: an event merges once.

import LikewiseCore
package import LikewiseEngine
package import Logging
import Synchronization

/// Events on this node's disk, in the order in which they came.
package final class Spool: Sendable {
    package struct Options: Sendable {
        /// The spool's folder; one process at a time.
        package var directory: String
        package var region: UInt16 = 0
        /// Names of the reactions, by code.
        package var reactions: [String]
        /// Bytes of events that may wait for Kafka.
        package var bound = 1 << 30
        /// Bytes of a segment file.
        package var segmentBytes = 4 << 20

        package init(directory: String, reactions: [String]) {
            self.directory = directory
            self.reactions = reactions
        }
    }

    private enum Command {
        case append([LikeEvent], @Sendable (Publication) -> Void)
        case read(limit: Int, @Sendable ([LikeEvent]) -> Void)
        case relayed(Int, @Sendable () -> Void)
        case stop
    }

    private struct State {
        var commands: [Command] = []
        var bytes = 0
        var events = 0
        /// Called when the spool stops being empty.
        var onFirst: (@Sendable () -> Void)?
    }

    private let options: Options
    private let state: Mutex<State>
    private let wakeUp = ThreadSignal()
    private let thread: Mutex<EngineThread?>

    /// Opens the spool and takes in what an earlier run left. Everything in it is durable on return.
    package init(_ options: Options, disk: any Disk, clock: any EngineClock, logger: Logger) throws(EventLogError) {
        self.options = options
        let store = try SpoolStore(options, disk: disk, clock: clock, logger: logger)
        state = Mutex(State(bytes: store.waitingBytes, events: store.waitingEvents))
        thread = Mutex(nil)
        let confined = Confined(store)
        let started = EngineThread(name: "spool") { [self] in run(confined.value) }
        thread.withLock { $0 = started }
    }

    /// Events and bytes that wait for Kafka.
    package var waiting: (events: Int, bytes: Int) { state.withLock { ($0.events, $0.bytes) } }

    /// Calls that wait for the spool's thread.
    package var queued: Int { state.withLock { $0.commands.count } }

    /// Has `body` called, on the spool's thread, whenever events begin to wait.
    package func onFirst(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onFirst = body } }

    /// Appends `events`; they are on stable storage when the answer is `durable`. Otherwise none of them are kept, but
    /// after `failed`, when that is not known.
    package func append(_ events: [LikeEvent]) async -> Publication {
        await withCheckedContinuation { continuation in
            send(.append(events) { continuation.resume(returning: $0) })
        }
    }

    /// Up to `limit` of the oldest events.
    package func oldest(_ limit: Int) async -> [LikeEvent] {
        await withCheckedContinuation { continuation in
            send(.read(limit: limit) { continuation.resume(returning: $0) })
        }
    }

    /// Forgets the `count` oldest events, which Kafka has acknowledged.
    package func relayed(_ count: Int) async {
        await withCheckedContinuation { continuation in
            send(.relayed(count) { continuation.resume() })
        }
    }

    /// Ends the thread when all before is done. What waits stays on the disk for the next start. Blocks.
    package func stop() {
        guard
            let thread = thread.withLock({ thread in
                defer { thread = nil }
                return thread
            })
        else { return }
        send(.stop)
        thread.join()
    }

    private func send(_ command: Command) {
        state.withLock { $0.commands.append(command) }
        wakeUp.signal()
    }

    // MARK: The thread

    private func run(_ store: SpoolStore) {
        while true {
            wakeUp.wait()
            let commands = state.withLock { state in
                defer { state.commands = [] }
                return state.commands
            }
            var appends: [([LikeEvent], @Sendable (Publication) -> Void)] = []
            var stops = false
            for command in commands {
                if case .append(let events, let completion) = command {
                    appends.append((events, completion))
                    continue
                }
                append(appends, to: store)
                appends = []
                switch command {
                case .append: break
                case .read(let limit, let completion): completion(store.oldest(limit))
                case .relayed(let count, let completion):
                    store.relayed(count)
                    note(store)
                    completion()
                case .stop: stops = true
                }
            }
            append(appends, to: store)
            if stops { return }
        }
    }

    /// Writes what several callers gave, with one sync.
    private func append(_ appends: [([LikeEvent], @Sendable (Publication) -> Void)], to store: SpoolStore) {
        guard !appends.isEmpty else { return }
        let wasEmpty = store.waitingEvents == 0
        let result = store.append(appends.flatMap(\.0))
        note(store)
        for (_, completion) in appends { completion(result) }
        if wasEmpty, store.waitingEvents > 0 { state.withLock { $0.onFirst }?() }
    }

    private func note(_ store: SpoolStore) {
        state.withLock { state in
            state.bytes = store.waitingBytes
            state.events = store.waitingEvents
        }
    }
}
