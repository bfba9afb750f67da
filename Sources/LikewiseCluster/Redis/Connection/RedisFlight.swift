/// The commands of one call for one node, which are sent in one write and answered in their order.
package final class RedisFlight: @unchecked Sendable {
    let commands: [RedisCommand]
    /// Nanoseconds on the monotonic clock.
    let deadline: UInt64
    /// Results so far, in order. Touched by one thread at a time: who made the flight until it is handed to a
    /// connection, from then on that connection's loop.
    private var results: [Result<RedisValue, RedisError>] = []
    private let completion: @Sendable ([Result<RedisValue, RedisError>]) -> Void

    /// `completion` is called once, on any thread, with a result for each command.
    package init(
        _ commands: [RedisCommand], deadline: UInt64,
        completion: @escaping @Sendable ([Result<RedisValue, RedisError>]) -> Void
    ) {
        precondition(!commands.isEmpty, "a flight has commands")
        self.commands = commands
        self.deadline = deadline
        self.completion = completion
    }

    /// Makes room for the results; called once, when the commands are sent.
    func begin() {
        results.reserveCapacity(commands.count)
    }

    /// Takes the next answer.
    func take(_ value: RedisValue) {
        if case .error(let code, let words) = value {
            results.append(.failure(.refused(code: code, words: words)))
        } else {
            results.append(.success(value))
        }
    }

    /// All answers are there, or `error` is the result of those that are missing.
    func finish(missing error: RedisError? = nil) {
        if let error {
            for _ in results.count..<commands.count { results.append(.failure(error)) }
        }
        precondition(results.count == commands.count, "\(results.count) results for \(commands.count) commands")
        let results = results
        self.results = []
        completion(results)
    }
}
