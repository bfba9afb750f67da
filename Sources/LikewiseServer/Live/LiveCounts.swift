// Counts as they change, for the streams of server-sent events (HTML Living Standard, 9.2) that follow them.
//
// One look at all followed contents, four times a second, serves all streams: the event of a content that changed is made once,
// and each stream is only told that there is something new. It takes what is newest when it is ready to write, so a
// slow reader skips what lay between, and nothing is kept for it but one wake-up. In a cluster the same look goes through the
// node's cache, which Redis fills.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine
import Metrics
import NIOCore
import Synchronization

package final class LiveCounts: Sendable {
    /// Between two looks: a content's count is sent at most four times a second.
    package static let interval = Duration.milliseconds(250)
    /// Looks between two signs of life on a stream where nothing changes: 15 s. Proxies end silent connections, and a
    /// connection that is gone shows by a write.
    static let looksPerBeat: UInt64 = 60
    /// Contents that one stream may follow.
    package static let contentsPerStream = WireLimits.countBatchIDs
    /// Contents that all streams together may follow.
    static let mostContents = 100_000
    /// Contents of one read of a look.
    private static let piece = 1_024

    /// Why a stream is woken.
    enum Wake: Sendable {
        case news, beat
    }

    /// A content that is followed.
    private struct Followed {
        var outcome: Outcome
        /// Of its latest change.
        var sequence: UInt64
        /// What tells of it: an event of its count.
        var event: [UInt8]
        /// Of its streams.
        var streams: Set<UInt64> = []
    }

    /// An event that a stream is told.
    private struct Told {
        var sequence: UInt64
        var event: [UInt8]

        /// The bytes of events in the order of their ids: a stream that is cut between two of them goes on with the second.
        static func inOrder(_ events: [Told]) -> [UInt8] {
            events.sorted { $0.sequence < $1.sequence }.flatMap(\.event)
        }
    }

    private struct State {
        var contents: [[UInt8]: Followed] = [:]
        var streams: [UInt64: AsyncStream<Wake>.Continuation] = [:]
        var lastStream: UInt64 = 0
        var sequence: UInt64 = 0
        var looks: UInt64 = 0
        var isStopped = false
    }

    private let service: LikeService
    private let answers: Answers
    /// Tells the ids of this process from those of others: after a restart, or on another node, they mean nothing.
    private let epoch: UInt32
    private let state = Mutex(State())
    private let (wanted, want) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let streamGauge = Gauge(label: "likewise_live_streams")
    private let contentGauge = Gauge(label: "likewise_live_contents")
    private let changes = Counter(label: "likewise_live_changes")

    init(service: LikeService, answers: Answers) {
        self.service = service
        self.answers = answers
        epoch = UInt32(truncatingIfNeeded: Hash64.combine(service.engine.seed, 0x6c69_7665))
    }

    // MARK: Streams

    /// Begins to follow contents, which are read before it returns. `after`: the id of the last event that the caller has seen;
    /// what has not changed since is not told again. Ends when the last reference to it goes.
    func open(
        _ contents: [[UInt8]], after: String?, seesPrivate: Bool
    ) async throws(APIProblem) -> LiveStream {
        let outcomes = await service.read(contents, user: nil)
        for outcome in outcomes {
            if let problem = Answers.problem(outcome.status) { throw problem }
            if !seesPrivate, outcome.description?.visibility == .private { throw API.contentNotFound }
        }
        let (wakes, waker) = AsyncStream.makeStream(of: Wake.self, bufferingPolicy: .bufferingNewest(1))
        let known = after.flatMap(sequence(ofEvent:))
        let opened = state.withLock { state -> Result<LiveStream, APIProblem> in
            if state.isStopped { return .failure(APIProblem(.overloaded, "The server is stopping; connect again.")) }
            let added = contents.count { state.contents[$0] == nil }
            guard state.contents.count + added <= LiveCounts.mostContents else {
                return .failure(APIProblem(.overloaded, "Too many contents are followed at a time; try again later."))
            }
            state.lastStream += 1
            state.streams[state.lastStream] = waker
            var first: [Told] = []
            var seen: [UInt64] = []
            for (content, outcome) in zip(contents, outcomes) {
                let isNew = state.contents[content] == nil
                if isNew { follow(content, outcome, &state) }
                guard let followed = state.contents[content] else { continue }
                state.contents[content]?.streams.insert(state.lastStream)
                seen.append(followed.sequence)
                // What was read may be newer than what the last look found, and is told all the same.
                let isSame = outcome.tally == followed.outcome.tally
                if !isNew, isSame, let known, followed.sequence <= known { continue }
                let newest = isSame ? followed.event : event(content, outcome, followed.sequence)
                first.append(Told(sequence: followed.sequence, event: newest))
            }
            return .success(
                LiveStream(
                    self, number: state.lastStream, contents: contents, seesPrivate: seesPrivate,
                    first: Told.inOrder(first), seen: seen, wakes: wakes))
        }
        want.yield()
        return try opened.get()
    }

    /// Forgets a stream.
    func close(_ number: UInt64, _ contents: [[UInt8]]) {
        state.withLock { state in
            state.streams.removeValue(forKey: number)?.finish()
            for content in contents {
                state.contents[content]?.streams.remove(number)
                if state.contents[content]?.streams.isEmpty == true { state.contents[content] = nil }
            }
        }
    }

    /// The events that a stream has not seen; each content's newest only.
    func news(of stream: LiveStream, _ progress: inout LiveStream.Progress) -> [UInt8] {
        state.withLock { state in
            var events: [Told] = []
            for (i, content) in stream.contents.enumerated() {
                guard let followed = state.contents[content], followed.sequence > progress.seen[i] else { continue }
                progress.seen[i] = followed.sequence
                let isShown =
                    followed.outcome.status == .done
                    && (stream.seesPrivate || followed.outcome.description?.visibility != .private)
                if isShown {
                    events.append(Told(sequence: followed.sequence, event: followed.event))
                } else if !progress.isGone[i] {
                    events.append(Told(sequence: followed.sequence, event: gone(content, followed.sequence)))
                }
                progress.isGone[i] = !isShown
            }
            return Told.inOrder(events)
        }
    }

    // MARK: Looks

    /// Looks for changes until it is stopped; at nothing while nobody follows anything.
    package func run() async {
        for await _ in wanted {
            while state.withLock({ !$0.streams.isEmpty }) {
                await look()
                // Cancelled: the server ends, and `stop` has been called.
                guard (try? await Task.sleep(for: LiveCounts.interval)) != nil else { return }
            }
            report()
        }
    }

    /// Reads what is followed, once, and wakes the streams of what has changed.
    package func look() async {
        let contents = state.withLock { Array($0.contents.keys) }
        var wakers: [UInt64: AsyncStream<Wake>.Continuation] = [:]
        for start in stride(from: 0, to: contents.count, by: LiveCounts.piece) {
            let piece = Array(contents[start..<min(contents.count, start + LiveCounts.piece)])
            let outcomes = await service.read(piece, user: nil)
            state.withLock { state in
                for (content, outcome) in zip(piece, outcomes) { take(content, outcome, &state, &wakers) }
            }
        }
        for waker in wakers.values { waker.yield(.news) }
        let beaten = state.withLock { state in
            state.looks += 1
            // A sixtieth of the streams with each look.
            return state.streams.filter { $0.key % LiveCounts.looksPerBeat == state.looks % LiveCounts.looksPerBeat }
        }
        for waker in beaten.values { waker.yield(.beat) }
        report()
    }

    private func take(
        _ content: [UInt8], _ outcome: Outcome, _ state: inout State,
        _ wakers: inout [UInt64: AsyncStream<Wake>.Continuation]
    ) {
        // Where it could not be read, the next look may.
        guard outcome.status == .done || outcome.status == .contentNotFound, let known = state.contents[content],
            known.outcome.tally != outcome.tally || known.outcome.status != outcome.status
                || known.outcome.description?.visibility != outcome.description?.visibility
        else { return }
        follow(content, outcome, &state)
        state.contents[content]?.streams = known.streams
        changes.increment()
        for stream in known.streams { wakers[stream] = state.streams[stream] }
    }

    private func follow(_ content: [UInt8], _ outcome: Outcome, _ state: inout State) {
        state.sequence += 1
        state.contents[content] = Followed(
            outcome: outcome, sequence: state.sequence, event: event(content, outcome, state.sequence))
    }

    private func report() {
        let (streams, contents) = state.withLock { ($0.streams.count, $0.contents.count) }
        streamGauge.record(streams)
        contentGauge.record(contents)
    }

    /// Ends all streams, and takes no more.
    package func stop() {
        let streams = state.withLock { state in
            state.isStopped = true
            return Array(state.streams.values)
        }
        for stream in streams { stream.finish() }
        want.finish()
    }

    // MARK: Events

    private func event(_ content: [UInt8], _ outcome: Outcome, _ sequence: UInt64) -> [UInt8] {
        framed("count", sequence) { body in
            content.withUnsafeBytes { answers.count(content: $0, outcome, withUser: false, to: &body) }
        }
    }

    /// Says that a content is no longer there for who follows it.
    private func gone(_ content: [UInt8], _ sequence: UInt64) -> [UInt8] {
        framed("gone", sequence) { $0.field("content_id", utf8: content) }
    }

    private func framed(
        _ name: String, _ sequence: UInt64, _ build: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        let id = String(epoch, radix: 16) + "-" + String(sequence)
        return Array("event: \(name)\nid: \(id)\ndata: ".utf8) + JSONWriter.bytes { $0.object(build) } + [0x0a, 0x0a]
    }

    /// The sequence that an id of this process tells; nil for any other text.
    private func sequence(ofEvent id: String) -> UInt64? {
        let parts = id.split(separator: "-")
        guard parts.count == 2, UInt32(parts[0], radix: 16) == epoch else { return nil }
        return UInt64(parts[1])
    }
}
