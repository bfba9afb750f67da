import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import Logging
import Synchronization

extension LikeEvent {
    /// A user's reaction to a content, or none; `reading` is all of the version unless a region is said.
    static func register(
        _ content: String, _ user: String, at reading: UInt64, _ reaction: Reaction = .like,
        was previous: Reaction = .none, region: UInt16 = 0
    ) -> LikeEvent {
        var event = LikeEvent(
            .register, content: Array(content.utf8), version: Version(reading: reading, region: region))
        event.user = Array(user.utf8)
        event.reaction = reaction
        event.previous = previous
        return event
    }

    /// A content that the operator registers.
    static func put(
        _ content: String, type: String, at reading: UInt64, _ visibility: ContentDescription.Visibility = .public
    ) -> LikeEvent {
        var event = LikeEvent(.contentPut, content: Array(content.utf8), version: Version(reading: reading, region: 0))
        event.type = Array(type.utf8)
        event.visibility = visibility
        return event
    }

    /// A content that the operator deletes.
    static func deletion(_ content: String, at reading: UInt64) -> LikeEvent {
        LikeEvent(.contentDeleted, content: Array(content.utf8), version: Version(reading: reading, region: 0))
    }

    /// The same with the type of its content.
    func typed(_ type: String) -> LikeEvent {
        var event = self
        event.type = Array(type.utf8)
        return event
    }

    /// First likes of users with the numbers in `range`, each on a content of three.
    static func likes(_ range: Range<Int>) -> [LikeEvent] {
        range.map { .register("c\($0 % 3)", "u\($0)", at: UInt64($0 + 1)) }
    }

    /// The same event under the key of its content.
    var keyed: KeyedEvent { KeyedEvent(key: content, event: self) }
}

extension Logger {
    /// Says nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Tasks wait at it until it is opened; others can wait for so many to have come.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// Returns when the gate is open.
    func pass() async {
        await withCheckedContinuation { continuation in
            let (isOpen, seen) = state.withLock { state in
                state.arrived += 1
                let seen = state.watchers.filter { $0.count <= state.arrived }.map(\.continuation)
                state.watchers.removeAll { $0.count <= state.arrived }
                if !state.isOpen { state.waiting.append(continuation) }
                return (state.isOpen, seen)
            }
            for watcher in seen { watcher.resume() }
            if isOpen { continuation.resume() }
        }
    }

    /// Returns when so many have come, since the beginning.
    func arrivals(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived < count { state.watchers.append((count, continuation)) }
                return state.arrived >= count
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets everybody pass, from now on.
    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
