// A connection through libpq, in its non-blocking mode with `poll`, so that every wait has an end: a server that is
// stopped or a network that swallows packets costs a caller a time limit and not his thread.
//
// Calls are pipelined: all messages of a group are sent before the first answer is read, with one Sync at the end, so
// that a group costs one round trip. libpq does not allow COPY inside of a pipeline; arrays as parameters do the same
// without it.

import CPostgreSQL
import LikewiseEngine

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A connection to a PostgreSQL server, for one thread at a time; its calls block that thread.
final class PostgresConnection {
    /// How long statements may take, and what the planner is told.
    enum Purpose {
        /// Index look-ups only: with a generic plan made while tables were small, a scan would be kept for ever.
        case reading
        /// The same, with ten times the time.
        case writing
        /// The same, with as much time as it takes, and every commit on the server's disk: moves between servers.
        case moving
        /// Migrations and recounts: the planner as the server has it, and as much time as it takes.
        case upkeep
    }

    private let library: PostgresLibrary
    private var handle: OpaquePointer?
    private var prepared: Set<String> = []
    private let patience: UInt64?
    private let clock = SystemClock()

    /// How much longer than the server's own time limit an answer is waited for.
    private static let grace: Int64 = 2_000
    /// Pipelines are new in libpq 14; the statements need nothing newer than a server of 13.
    private static let oldestServer: CInt = 130_000

    /// Opens a connection. Throws `.connection`, `.timeout`, `.refused` or `.library`.
    init(_ options: PostgresOptions, for purpose: Purpose) throws(PostgresError) {
        library = try PostgresLibrary.at(options.libraryPath)
        let limit = purpose.timeLimit(options)
        patience = limit.map { UInt64($0 + Self.grace) * 1_000_000 }
        try connect(options)
        do {
            try execute(purpose.settings(options, limit: limit))
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// False once the connection was lost.
    var isOpen: Bool { handle != nil }

    func close() {
        if let handle { library.functions.pointee.PQfinish(handle) }
        handle = nil
    }

    // MARK: Calls

    /// Runs statements without parameters, apart by semicolons, in one round trip and one transaction (unless they say
    /// BEGIN themselves). No rows.
    func execute(_ sql: String) throws(PostgresError) {
        let pq = library.functions.pointee
        let handle = try opened()
        let deadline = deadline()
        guard pq.PQsendQuery(handle, sql) == 1 else { throw lost() }
        try flush(handle, until: deadline)
        var failure: PostgresError?
        while let result = try next(handle, until: deadline) {
            if pq.PQresultStatus(result) == PGRES_FATAL_ERROR { failure = failure ?? refusal(result) }
            pq.PQclear(result)
        }
        if let failure { throw settle(failure) }
    }

    /// Runs the calls in one round trip; their results in order. Without BEGIN they are one transaction. Throws what
    /// the first that failed was refused with; those behind it did not run.
    @discardableResult
    func run(_ calls: [PostgresCall]) throws(PostgresError) -> [PostgresResult] {
        let pq = library.functions.pointee
        let handle = try opened()
        let deadline = deadline()
        guard pq.PQenterPipelineMode(handle) == 1 else { throw lost() }
        let steps = try send(calls, handle)
        guard pq.PQpipelineSync(handle) == 1 else { throw lost() }
        try flush(handle, until: deadline)
        var results: [PostgresResult] = []
        var failure: PostgresError?
        for step in steps {
            while let result = try next(handle, until: deadline) {
                switch pq.PQresultStatus(result) {
                case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                    if case .prepare(let name) = step {
                        prepared.insert(name)
                        pq.PQclear(result)
                    } else {
                        results.append(PostgresResult(result, library))
                    }
                case PGRES_PIPELINE_ABORTED: pq.PQclear(result)
                default:
                    failure = failure ?? refusal(result)
                    pq.PQclear(result)
                }
            }
        }
        // The Sync's own result, which has no end mark behind it.
        if let result = try next(handle, until: deadline) { pq.PQclear(result) }
        guard pq.PQexitPipelineMode(handle) == 1 else { throw lost() }
        if let failure { throw settle(failure) }
        return results
    }

    /// Runs one call.
    func run(_ call: PostgresCall) throws(PostgresError) -> PostgresResult {
        let results = try run([call])
        precondition(results.count == 1, "\(call.statement.name) gave \(results.count) results")
        return results[0]
    }

    private enum Step {
        case prepare(String)
        case call
    }

    private func send(_ calls: [PostgresCall], _ handle: OpaquePointer) throws(PostgresError) -> [Step] {
        let pq = library.functions.pointee
        var steps: [Step] = []
        var sent: Set<String> = []
        for call in calls {
            let statement = call.statement
            if !prepared.contains(statement.name), sent.insert(statement.name).inserted {
                let types = statement.types.map(\.rawValue)
                guard pq.PQsendPrepare(handle, statement.name, statement.sql, CInt(types.count), types) == 1 else {
                    throw lost()
                }
                steps.append(.prepare(statement.name))
            }
            guard Self.send(call, handle, pq) else { throw lost() }
            steps.append(.call)
        }
        return steps
    }

    private static func send(_ call: PostgresCall, _ handle: OpaquePointer, _ pq: likewise_postgresql) -> Bool {
        let count = call.values.count
        let lengths = call.values.map { CInt($0.bytes.count) }
        let formats = [CInt](repeating: 1, count: count)
        // libpq copies what it is given. One byte more, so that no value's address is NULL, which would be SQL's.
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: lengths.reduce(1) { $0 + Int($1) })
        defer { memory.deallocate() }
        var addresses: [UnsafePointer<CChar>?] = []
        var offset = 0
        for value in call.values {
            value.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(start: memory + offset, count: bytes.count).copyMemory(from: bytes)
            }
            addresses.append(UnsafePointer(memory + offset))
            offset += value.bytes.count
        }
        return pq.PQsendQueryPrepared(handle, call.statement.name, CInt(count), addresses, lengths, formats, 1) == 1
    }

    // MARK: Waiting

    private func connect(_ options: PostgresOptions) throws(PostgresError) {
        let pq = library.functions.pointee
        var parameters = [
            "host": options.host, "port": "\(options.port)", "dbname": options.database, "user": options.user,
            "client_encoding": "UTF8", "fallback_application_name": "likewise",
        ]
        parameters["password"] = options.password
        parameters.merge(options.parameters) { _, given in given }
        let started = Self.withCStrings(Array(parameters.keys)) { keys in
            Self.withCStrings(Array(parameters.values)) { values in pq.PQconnectStartParams(keys, values, 0) }
        }
        guard let started else { throw PostgresError(.library, "libpq has no memory") }
        handle = started
        likewise_postgresql_silence(library.functions, started)
        let deadline = clock.nanoseconds() + UInt64(options.connectTimeout.timeoutMilliseconds) * 1_000_000
        guard pq.PQstatus(started) != CONNECTION_BAD else { throw lost() }
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            if state == PGRES_POLLING_FAILED { throw lost() }
            try wait(started, for: state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until: deadline)
            state = pq.PQconnectPoll(started)
        }
        guard pq.PQsetnonblocking(started, 1) == 0 else { throw lost() }
        guard pq.PQserverVersion(started) >= Self.oldestServer else {
            close()
            throw PostgresError(.refused(state: "0A000"), "the server is older than PostgreSQL 13")
        }
    }

    private func opened() throws(PostgresError) -> OpaquePointer {
        guard let handle else { throw PostgresError(.connection, "the connection was lost before") }
        return handle
    }

    private func deadline() -> UInt64? { patience.map { clock.nanoseconds() + $0 } }

    /// Sends all that libpq holds, and takes what comes meanwhile, so that neither side waits for the other to read.
    private func flush(_ handle: OpaquePointer, until deadline: UInt64?) throws(PostgresError) {
        let pq = library.functions.pointee
        while true {
            switch pq.PQflush(handle) {
            case 0: return
            case 1:
                try wait(handle, for: POLLIN | POLLOUT, until: deadline)
                guard pq.PQconsumeInput(handle) == 1 else { throw lost() }
            default: throw lost()
            }
        }
    }

    /// The next result, or nil at the end of a statement's results.
    private func next(_ handle: OpaquePointer, until deadline: UInt64?) throws(PostgresError) -> OpaquePointer? {
        let pq = library.functions.pointee
        while pq.PQisBusy(handle) == 1 {
            try wait(handle, for: POLLIN, until: deadline)
            guard pq.PQconsumeInput(handle) == 1 else { throw lost() }
        }
        let result = pq.PQgetResult(handle)
        guard pq.PQstatus(handle) != CONNECTION_BAD else {
            if let result { pq.PQclear(result) }
            throw lost()
        }
        return result
    }

    private func wait(_ handle: OpaquePointer, for events: Int32, until deadline: UInt64?) throws(PostgresError) {
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let now = clock.nanoseconds()
                guard now < deadline else {
                    close()
                    throw PostgresError(.timeout, "no answer in time")
                }
                milliseconds = Int32(clamping: (deadline - now) / 1_000_000 + 1)
            }
            var entry = pollfd(fd: library.functions.pointee.PQsocket(handle), events: Int16(events), revents: 0)
            let ready = poll(&entry, 1, milliseconds)
            if ready > 0 { return }
            if ready < 0 && errno != EINTR { throw lost() }
        }
    }

    // MARK: Errors

    /// Gives the connection up.
    private func lost() -> PostgresError {
        let words = library.functions.pointee.PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        close()
        return PostgresError(.connection, words)
    }

    private func refusal(_ result: OpaquePointer) -> PostgresError {
        let pq = library.functions.pointee
        let words = pq.PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        // PG_DIAG_SQLSTATE, a character constant that Swift does not import.
        guard let state = pq.PQresultErrorField(result, CInt(UInt8(ascii: "C"))) else {
            return PostgresError(.connection, words)
        }
        return PostgresError(.refused(state: String(cString: state)), words)
    }

    /// Closes the connection where the server's refusal means its end.
    private func settle(_ failure: PostgresError) -> PostgresError {
        if failure.isLoss { close() }
        return failure
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> R
    ) -> R {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies.map { UnsafePointer($0) } + [nil])
    }
}

extension PostgresConnection.Purpose {
    /// Milliseconds that a statement may take.
    func timeLimit(_ options: PostgresOptions) -> Int64? {
        switch self {
        case .reading: options.statementTimeout.timeoutMilliseconds
        case .writing: options.statementTimeout.timeoutMilliseconds * 10
        case .moving, .upkeep: nil
        }
    }

    /// What a new connection is told.
    func settings(_ options: PostgresOptions, limit: Int64?) -> String {
        var lines = [
            "SET search_path = \(PostgresSchema.quoted(options.schema))",
            "SET statement_timeout = \(limit ?? 0)",
            "SET idle_in_transaction_session_timeout = \(limit ?? 0)",
            "SET lock_timeout = \(limit ?? 0)",
            "SET default_transaction_isolation = 'read committed'",
            "SET synchronous_commit = \(options.synchronousCommit || self == .moving ? "on" : "off")",
            "SET jit = off",
        ]
        if self != .upkeep {
            lines += [
                "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET enable_hashjoin = off",
                "SET enable_mergejoin = off",
            ]
        }
        return lines.joined(separator: "; ")
    }
}
