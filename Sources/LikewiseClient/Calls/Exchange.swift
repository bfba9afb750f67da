// One call with all its attempts: sends it, and decides by what came of it.

import AsyncHTTPClient
import LikewiseAPI
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

struct Exchange: Sendable {
    /// Bytes of an answer: a page of a thousand likes with the longest ids, and room.
    private static let mostBytes = 8 << 20
    /// Of all clients that were given none. Connections are not tried again here but by the calls' own plan,
    /// redirections are not followed since the token is for the server that was named, and idle connections go before
    /// the server closes them.
    private static let commonHTTP: HTTPClient = {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)))
        configuration.connectionPool.idleTimeout = .seconds(30)
        configuration.connectionPool.retryConnectionEstablishment = false
        // Each live stream has one of them for itself.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 128
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()

    let configuration: LikewiseClient.Configuration
    private let base: String
    private let tokens: TokenStore?

    init(_ configuration: LikewiseClient.Configuration) {
        self.configuration = configuration
        base = configuration.url.hasSuffix("/") ? String(configuration.url.dropLast()) : configuration.url
        tokens = configuration.token.map(TokenStore.init)
    }

    /// What an attempt came to where it was answered.
    private struct Answer: Sendable {
        var status: Int
        var retryAfter: Duration?
        var body: [UInt8]
    }

    /// Sends `call` until it is answered with success, and answers with the body.
    func answer(_ call: Call, timeout: Duration? = nil) async throws -> [UInt8] {
        let surroundings = configuration.surroundings
        let begin = surroundings.now()
        var plan = RetryPlan(configuration.retry)
        var (attempts, refusedToken, isUnknown) = (0, String?.none, false)
        while true {
            var error: LikewiseError
            let token = try await tokens?.token(insteadOf: refusedToken)
            attempts += 1
            do {
                let answer = try await attempt(request(call, token), within: timeout ?? configuration.timeout)
                if 200..<300 ~= answer.status { return answer.body }
                error = LikewiseError(status: answer.status, body: answer.body, retryAfter: answer.retryAfter)
            } catch let failure as LikewiseError { error = failure }
            if error.status == 401, refusedToken == nil, let token {
                refusedToken = token
                continue
            }
            isUnknown = isUnknown || call.isWrite && error.isOutcomeUnknown
            error.attempts = attempts
            error.mayHaveTakenEffect = isUnknown
            let wait = plan.wait(
                after: error, elapsed: surroundings.now() - begin, random: surroundings.random())
            guard let wait else { throw error }
            try await surroundings.sleep(wait)
        }
    }

    /// Opens a stream of events; answers with its head, and the body still to come. `lastEventID`: of the last event
    /// that was seen.
    func open(_ call: Call, refusedToken: String?) async throws -> (response: HTTPClientResponse, token: String?) {
        let token = try await tokens?.token(insteadOf: refusedToken)
        do {
            let response = try await http.execute(
                request(call, token), timeout: .nanoseconds(configuration.timeout.nanoseconds))
            return (response, token)
        } catch { throw try Exchange.failure(error) }
    }

    /// The error that an answer other than 200 is; reads what is left of it.
    func problem(_ response: HTTPClientResponse) async -> LikewiseError {
        let body = try? await response.body.collect(upTo: 1 << 16)
        return LikewiseError(
            status: Int(response.status.code), body: body.map { Array($0.readableBytesView) } ?? [],
            retryAfter: Exchange.retryAfter(response.headers))
    }

    private var http: HTTPClient { configuration.http ?? Exchange.commonHTTP }

    private func request(_ call: Call, _ token: String?) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: base + call.target)
        request.method = call.method
        if !call.body.isEmpty {
            request.headers.add(name: "Content-Type", value: call.contentType)
            request.body = .bytes(ByteBuffer(bytes: call.body))
        }
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let key = call.key { request.headers.add(name: "Idempotency-Key", value: key) }
        for field in call.fields { request.headers.add(name: field.name, value: field.value) }
        return request
    }

    /// Sends a request once; head and body of its answer have to be here within `limit`.
    private func attempt(_ request: HTTPClientRequest, within limit: Duration) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await send(request) }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            guard let answer = try await group.next() ?? nil else {
                try Task.checkCancellation()
                throw LikewiseError(.timeout, "no whole answer within \(limit)")
            }
            return answer
        }
    }

    private func send(_ request: HTTPClientRequest) async throws -> Answer {
        do {
            let response = try await http.execute(request, deadline: .distantFuture)
            let body = try await response.body.collect(upTo: Exchange.mostBytes)
            return Answer(
                status: Int(response.status.code), retryAfter: Exchange.retryAfter(response.headers),
                body: Array(body.readableBytesView))
        } catch { throw try Exchange.failure(error) }
    }

    /// `Retry-After` in seconds. A date is passed over: clocks differ, and the plan has waits of its own.
    private static func retryAfter(_ headers: HTTPHeaders) -> Duration? {
        headers.first(name: "Retry-After").flatMap { UInt32($0) }.map { .seconds(Int64($0)) }
    }

    /// Whether no connection came to be, so that nothing was sent.
    private static func isRefusal(_ error: any Error) -> Bool {
        if error is NIOConnectionError { return true }
        let codes = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL]
        return (error as? IOError).map { codes.contains($0.errnoCode) } ?? false
    }

    /// What the transport threw, as the error of a call; throws where the task was cancelled.
    static func failure(_ error: any Error) throws -> LikewiseError {
        if error is CancellationError { throw error }
        var failure: LikewiseError
        switch error as? HTTPClientError {
        case .cancelled: throw CancellationError()
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            failure = LikewiseError(.timeout, "the answer did not come in time")
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout:
            failure = LikewiseError(.connection, "no connection could be made in time")
        case .invalidURL, .emptyHost, .emptyScheme:
            failure = LikewiseError(.argument, "the url of the configuration is none: http://host:port")
        case let known?:
            failure = LikewiseError(.connection, "the connection was lost: \(known.shortDescription)")
            failure.mayHaveTakenEffect = true
        case nil where isRefusal(error):
            failure = LikewiseError(.connection, "nothing takes connections at the url of the configuration")
        case nil where error is NIOTooManyBytesError:
            failure = .notUnderstood("it is longer than any of this version")
        case nil:
            failure = LikewiseError(.connection, "the connection failed")
            failure.mayHaveTakenEffect = true
        }
        failure.underlying = error
        return failure
    }
}

extension Duration {
    /// Whole nanoseconds, from 0 to what 63 bits hold.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return 0 }
        guard seconds < Int64.max / 1_000_000_000 else { return .max }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
