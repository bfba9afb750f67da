public import AsyncHTTPClient

extension LikewiseClient {
    /// Where a server is, and how to ask it.
    public struct Configuration: Sendable {
        /// Scheme, host and port, such as `http://127.0.0.1:8080`; a path in front of `/v1`, where a proxy gives the
        /// server one, may follow.
        public var url: String
        /// Gives the bearer token of a user, or the key of a backend, for servers with identity; nil for those without.
        /// Asked before the first call, and once more for a call that is answered with 401; what it gave is kept in
        /// between.
        public var token: (@Sendable () async throws -> String)?
        /// The longest that one attempt of a call may take, from its beginning to the last byte of its answer.
        public var timeout = Duration.seconds(10)
        /// The same for a piece of bulk intake.
        public var bulkTimeout = Duration.seconds(60)
        /// What is tried again, how often and for how long.
        public var retry = RetryPolicy()
        /// How long a count waits for others to be asked for along with it. Zero: no longer than it takes to be sent.
        public var countWindow = Duration.milliseconds(2)
        /// After this time without a byte a live stream is taken for dead: three signs of life of the server.
        public var liveSilence = Duration.seconds(45)
        /// What sends the requests; nil: the one that all of the process share. One that is handed in belongs to the
        /// caller, who shuts it down.
        public var http: HTTPClient?
        /// The clock and the random source.
        public var surroundings = Surroundings()

        /// The configuration for a server at `url`, with `token` where it has identity.
        public init(url: String, token: (@Sendable () async throws -> String)? = nil) {
            self.url = url
            self.token = token
        }
    }

    /// What a client has of the world besides the network, so that a test can hand in its own.
    public struct Surroundings: Sendable {
        /// The time since some moment in the past; never goes back.
        public var now: @Sendable () -> Duration
        /// Returns after the time; throws `CancellationError` when the task is cancelled before.
        public var sleep: @Sendable (Duration) async throws -> Void
        /// 64 random bits. Keys of calls are made of them, so they must not repeat.
        public var random: @Sendable () -> UInt64

        /// The system's clock and random source.
        public init() {
            let start = ContinuousClock.now
            now = { ContinuousClock.now - start }
            sleep = { try await Task.sleep(for: $0) }
            random = { UInt64.random(in: .min ... .max) }
        }
    }
}
