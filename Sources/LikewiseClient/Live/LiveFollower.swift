// One live stream with all its connections.

import AsyncHTTPClient
import LikewiseAPI
import NIOCore
import NIOHTTP1
import Synchronization

/// What came and was not read yet: at most one update a content.
final class LiveMailbox: Sendable {
    private struct State {
        var updates: [String: LiveUpdate] = [:]
        /// The contents of `updates`, in the order in which each came to have one.
        var order: [String] = []
    }

    private let state = Mutex(State())

    func put(_ update: LiveUpdate) {
        state.withLock { state in
            if state.updates.updateValue(update, forKey: update.contentID) == nil {
                state.order.append(update.contentID)
            }
        }
    }

    func take() -> LiveUpdate? {
        state.withLock { state in
            guard !state.order.isEmpty else { return nil }
            return state.updates.removeValue(forKey: state.order.removeFirst())
        }
    }
}

final class LiveFollower: Sendable {
    private struct State {
        var parser = EventStreamParser()
        var plan: LivePlan
        /// Counts the pieces of bytes that came.
        var pieces = 0
    }

    private let exchange: Exchange
    private let contentIDs: [String]
    private let mailbox: LiveMailbox
    private let waker: AsyncThrowingStream<Void, any Error>.Continuation
    private let state: Mutex<State>

    init(
        _ exchange: Exchange, _ contentIDs: [String], _ mailbox: LiveMailbox,
        _ waker: AsyncThrowingStream<Void, any Error>.Continuation
    ) {
        self.exchange = exchange
        self.contentIDs = contentIDs
        self.mailbox = mailbox
        self.waker = waker
        state = Mutex(State(plan: LivePlan(exchange.configuration.retry)))
    }

    /// Follows until it is cancelled, or nothing more is to be had.
    func run() async {
        do {
            guard 1...WireLimits.countBatchIDs ~= contentIDs.count else {
                throw LikewiseError(.argument, "a live stream has 1 to \(WireLimits.countBatchIDs) contents")
            }
            for id in contentIDs { try IDRules.check(content: id) }
            try await follow()
        } catch { waker.finish(throwing: error) }
    }

    private func follow() async throws {
        let surroundings = exchange.configuration.surroundings
        var refusedToken: String?
        while true {
            var error: LikewiseError?
            do {
                let (response, token) = try await exchange.open(call(), refusedToken: refusedToken)
                if response.status == .ok {
                    refusedToken = nil
                    try await read(response.body)
                } else {
                    if response.status == .unauthorized, refusedToken == nil, let token {
                        refusedToken = token
                        continue
                    }
                    error = await exchange.problem(response)
                }
            } catch let failure as LikewiseError { error = failure }
            try Task.checkCancellation()
            let wait = state.withLock { state in
                state.plan.serverWait = state.parser.retryMilliseconds.map { .milliseconds(Int64(clamping: $0)) }
                return state.plan.wait(after: error, random: surroundings.random())
            }
            guard let wait else { throw error ?? LikewiseError(.connection, "the stream ends before it begins") }
            try await surroundings.sleep(wait)
        }
    }

    private func call() -> Call {
        var call = Call("v1", "live", query: contentIDs.map { ("content_id", $0) })
        call.fields = [("Accept", "text/event-stream")]
        let last = state.withLock { state in
            state.parser.reconnect()
            return state.parser.lastEventID
        }
        if !last.isEmpty { call.fields.append(("Last-Event-ID", last)) }
        return call
    }

    /// Reads until the stream ends or falls silent.
    private func read(_ body: HTTPClientResponse.Body) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { [self] in
                do { for try await piece in body { try take(piece) } } catch let error as LikewiseError {
                    throw error
                } catch { throw try Exchange.failure(error) }
            }
            group.addTask { [self] in try await watch() }
            try await group.next()
        }
    }

    /// Returns when nothing has come for the whole of `liveSilence`.
    private func watch() async throws {
        var seen = -1
        while true {
            let pieces = state.withLock { $0.pieces }
            if pieces == seen { return }
            seen = pieces
            try await Task.sleep(for: exchange.configuration.liveSilence)
        }
    }

    private func take(_ piece: ByteBuffer) throws {
        let events: [ServerEvent]
        do {
            events = try state.withLock { state in
                state.pieces += 1
                let events = try state.parser.take(piece.readableBytesView)
                if !events.isEmpty { state.plan.heard() }
                return events
            }
        } catch is EventStreamParser.TooLong { throw LikewiseError.notUnderstood("an event is too long") }
        for event in events {
            switch event.name {
            case "count": mailbox.put(.count(try Count(bytes: event.data)))
            case "gone": mailbox.put(.gone(contentID: try JSONValue(answer: event.data).text("content_id")))
            default: continue
            }
            waker.yield()
        }
    }
}
