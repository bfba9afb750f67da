// From a credential to a caller, for both ways that a request can take. Keys come from files and addresses in the
// background (`run`); a request finds what was read last, and waits only where a token's key is not known yet.

package import LikewiseEngine
package import Logging
import Metrics
package import NIOCore
import Synchronization

/// How callers are known.
package struct IdentityOptions: Sendable {
    /// How users' tokens are checked.
    package struct Tokens: Sendable {
        /// A path, or an address that begins with `https://` or `http://`.
        package var keys: String
        package var rules: TokenRules
        /// Milliseconds between two fetches from an address.
        package var refresh: UInt64

        package init(keys: String, rules: TokenRules, refresh: UInt64 = 600_000) {
            self.keys = keys
            self.rules = rules
            self.refresh = refresh
        }

        var isAddress: Bool { keys.hasPrefix("https://") || keys.hasPrefix("http://") }
    }

    package var tokens: Tokens?
    /// The file of backends' keys.
    package var apiKeys: String?

    package init(tokens: Tokens? = nil, apiKeys: String? = nil) {
        self.tokens = tokens
        self.apiKeys = apiKeys
    }
}

/// Why identity cannot begin, and what to do. For the operator.
package struct IdentityProblem: Error, CustomStringConvertible {
    package let description: String
}

package final class Authenticator: Sendable {
    /// Milliseconds for which a key that was checked is believed.
    private static let keyLife: UInt64 = 300_000
    /// Between two looks at the files.
    private static let lookInterval = Duration.seconds(2)

    private struct State {
        var tokenKeys = TokenKeySet(keys: [])
        var apiKeys = APIKeySet()
        var generation: UInt64 = 0
        var cache: CallerCache
    }

    private let rules: TokenRules?
    private let clock: any EngineClock
    private let logger: Logger
    private let state: Mutex<State>
    /// The state's, for those who hold callers of their own.
    private let generation = Atomic<UInt64>(0)
    private let held = Counter(label: "likewise_identity_checks", dimensions: [("outcome", "held")])
    private let refused = Counter(label: "likewise_identity_checks", dimensions: [("outcome", "refused")])
    private let sources = Mutex(Sources())

    private struct Sources {
        var files: [WatchedFiles] = []
        var address: TokenKeySource?
    }

    /// Reads the keys. An address that cannot be reached is tried again later; a file that cannot be used is an error.
    package init(
        _ options: IdentityOptions, clock: any EngineClock, group: any EventLoopGroup, logger: Logger
    ) async throws(IdentityProblem) {
        rules = options.tokens?.rules
        self.clock = clock
        self.logger = logger
        state = Mutex(State(cache: CallerCache(seed: .random(in: .min ... .max))))
        var sources = Sources()
        if let tokens = options.tokens {
            if tokens.isAddress {
                let address = KeySetAddress(url: tokens.keys, group: group)
                let source = TokenKeySource(
                    interval: tokens.refresh, clock: clock, logger: logger, fetch: { try await address.fetch() },
                    take: { [weak self] in self?.put($0) })
                await source.refreshIfDue()
                sources.address = source
            } else {
                let file = IdentityFile(tokens.keys, maxBytes: TokenKeyParser.maxBytes)
                sources.files.append(
                    try await loaded("jwt-keys", file) { [weak self] in
                        self?.put(try await TokenKeyParser.keys($0, isFile: true))
                    })
            }
        }
        if let path = options.apiKeys {
            let file = IdentityFile(path, maxBytes: APIKeySet.maxBytes)
            sources.files.append(try await loaded("api-keys", file) { [weak self] in self?.put(try APIKeySet($0)) })
        }
        self.sources.withLock { $0 = sources }
    }

    private func loaded(
        _ setting: String, _ file: IdentityFile, _ take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(IdentityProblem) -> WatchedFiles {
        let watched = WatchedFiles(
            setting, what: "keys", [file],
            failed: Counter(label: "likewise_identity_files_failed", dimensions: [("setting", setting)]),
            logger: logger
        ) { contents in try await take(contents[0]) }
        do { try await watched.load() } catch {
            throw IdentityProblem(description: "\(setting) \(file.path): \(error)")
        }
        return watched
    }

    /// Keeps the keys up to date until the task is cancelled.
    package func run() async {
        let sources = sources.withLock { $0 }
        await withDiscardingTaskGroup { tasks in
            for file in sources.files { tasks.addTask { await Authenticator.repeatedly { await file.lookAgain() } } }
            guard let address = sources.address else { return }
            tasks.addTask { await Authenticator.repeatedly { await address.refreshIfDue() } }
        }
    }

    private static func repeatedly(_ work: () async -> Void) async {
        while !Task.isCancelled {
            // Ends early where the task is cancelled, and then the loop ends too.
            try? await Task.sleep(for: lookInterval)
            await work()
        }
    }

    private func put(_ keys: TokenKeySet) { change { $0.tokenKeys = keys } }
    private func put(_ keys: APIKeySet) { change { $0.apiKeys = keys } }

    private func change(_ work: (inout State) -> Void) {
        state.withLock { state in
            work(&state)
            state.generation += 1
            generation.store(state.generation, ordering: .releasing)
        }
    }

    // MARK: Credentials

    /// Rises whenever keys change: what was checked before must be checked again.
    package var keyGeneration: UInt64 { generation.load(ordering: .acquiring) }

    /// A caller, and which keys he was checked with.
    package struct Checked: Sendable {
        package var caller: Caller
        package var generation: UInt64
    }

    /// The bearer of a credential; nil where it does not hold.
    package func check(_ token: [UInt8]) async -> Checked? {
        let now = clock.milliseconds()
        let (known, keys) = state.withLock { state in
            let known = token.withUnsafeBytes {
                state.cache.find($0, generation: state.generation, now: now)
            }
            return (
                known.map { Checked(caller: $0, generation: state.generation) },
                (tokens: state.tokenKeys, api: state.apiKeys, generation: state.generation)
            )
        }
        if let known { return known }
        let checked: Checked?
        if APIKeySet.isKey(token) {
            checked = keys.api.caller(token, expires: now + Authenticator.keyLife).map {
                Checked(caller: $0, generation: keys.generation)
            }
        } else {
            checked = await checkToken(token, keys.tokens, keys.generation)
        }
        guard let checked else {
            refused.increment()
            return nil
        }
        held.increment()
        state.withLock { $0.cache.insert(token, checked.caller, generation: checked.generation) }
        return checked
    }

    private func checkToken(_ token: [UInt8], _ keys: TokenKeySet, _ generation: UInt64) async -> Checked? {
        guard let rules else { return nil }
        do throws(TokenFault) {
            return Checked(
                caller: try keys.caller(token, rules, now: clock.milliseconds()), generation: generation)
        } catch {
            guard error == .unknownKey, let source = sources.withLock({ $0.address }) else { return refuse(error) }
            let isFetched = await source.refreshForUnknownKey()
            let (newKeys, newGeneration) = state.withLock { ($0.tokenKeys, $0.generation) }
            // They may have been fetched for another token, between the first look and the question.
            guard isFetched || newGeneration != generation else { return refuse(error) }
            do throws(TokenFault) {
                return Checked(
                    caller: try newKeys.caller(token, rules, now: clock.milliseconds()), generation: newGeneration)
            } catch { return refuse(error) }
        }
    }

    private func refuse(_ fault: TokenFault) -> Checked? {
        logger.debug("a token was refused", metadata: ["fault": "\(fault.rawValue)"])
        return nil
    }

    /// The caller of a request whose Authorization fields have these values.
    func caller(_ values: [String]) async throws(APIProblem) -> Caller {
        guard !values.isEmpty else { return .anonymous() }
        guard values.count == 1, let token = Authenticator.token(values[0]), let checked = await check(token) else {
            throw .invalidToken
        }
        return checked.caller
    }

    private static func token(_ value: String) -> [UInt8]? {
        var value = value
        return value.withUTF8 { BearerField.token(in: UnsafeRawBufferPointer($0)).map { Array($0) } }
    }
}
