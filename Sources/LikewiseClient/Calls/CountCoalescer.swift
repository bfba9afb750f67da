// Puts counts together that are asked for at about the same time: a page that shows a hundred contents asks for each
// where it is shown, and one request goes out.
//
// The first one that is asked for opens a window; who asks within it comes along; after it, or when it is full, the
// request goes. Nobody joins a request that is on its way: its count may have been read before what the caller has just
// been answered.

/// The counts that are asked for within one window: a state machine without clock and network.
package struct CountWindow: Sendable {
    /// Contents of a request, at most.
    package static let mostContents = LikewiseClient.mostCountsAtOnce

    /// The contents, each once, in the order in which they were first asked for.
    package private(set) var contents: [String] = []
    private var places: [String: Int] = [:]
    /// Who waits for which of `contents`.
    package private(set) var waiters: [UInt64: Int] = [:]

    /// A window in which nothing has been asked for.
    package init() {}

    /// Whether no further content has room.
    package var isFull: Bool { contents.count == CountWindow.mostContents }

    /// Takes in one more waiter. Not called when the window is full.
    package mutating func add(_ content: String, waiter: UInt64) {
        let place = places[content] ?? contents.count
        if place == contents.count {
            precondition(!isFull, "a window of \(contents.count) contents takes one more")
            contents.append(content)
            places[content] = place
        }
        waiters[waiter] = place
    }
}

actor CountCoalescer {
    typealias Ask = @Sendable (_ contents: [String], _ user: String?) async throws -> [Count]

    /// How long a window is open.
    private let time: Duration
    private let ask: Ask
    private var lastNumber: UInt64 = 0
    /// The window that is open for each user, with its number.
    private var open: [String?: (number: UInt64, window: CountWindow)] = [:]
    private var waiting: [UInt64: CheckedContinuation<Count, any Error>] = [:]

    init(window: Duration, ask: @escaping Ask) {
        time = window
        self.ask = ask
    }

    func count(of content: String, user: String?) async throws -> Count {
        lastNumber += 1
        let waiter = lastNumber
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                waiting[waiter] = continuation
                join(content, user, waiter)
            }
        } onCancel: {
            Task { await cancel(waiter) }
        }
    }

    private func join(_ content: String, _ user: String?, _ waiter: UInt64) {
        var window = open[user]?.window ?? CountWindow()
        if open[user] == nil { closeLater(user) }
        window.add(content, waiter: waiter)
        open[user]?.window = window
        guard window.isFull else { return }
        open[user] = nil
        Task { await send(window, user) }
    }

    /// Opens a window for `user`, and sends what it has gathered when its time is over, unless it was full before.
    private func closeLater(_ user: String?) {
        lastNumber += 1
        let number = lastNumber
        open[user] = (number, CountWindow())
        Task {
            if time > .zero { try? await Task.sleep(for: time) }
            guard let (current, window) = open[user], current == number else { return }
            open[user] = nil
            await send(window, user)
        }
    }

    private func send(_ window: CountWindow, _ user: String?) async {
        let waiters = window.waiters.filter { waiting[$0.key] != nil }
        guard !waiters.isEmpty else { return }
        let result: Result<[Count], any Error>
        do { result = .success(try await ask(window.contents, user)) } catch { result = .failure(error) }
        for (waiter, place) in waiters {
            waiting.removeValue(forKey: waiter)?.resume(with: result.map { $0[place] })
        }
    }

    private func cancel(_ waiter: UInt64) {
        waiting.removeValue(forKey: waiter)?.resume(throwing: CancellationError())
    }
}
