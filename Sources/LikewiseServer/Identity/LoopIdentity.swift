// Who is asking, on one event loop: callers that were found before, at once; others while their connection waits.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

/// What is being found out for the request that waits first on a connection, which is looked at again then.
struct HeldRequest {
    /// What there is to know of the content that is asked for.
    enum Sight {
        case visible
        case isPrivate
        /// It could not be found out.
        case failed(Outcome.Status)
    }

    /// Whether somebody is about to call `goOn`.
    var isWaiting = true
    /// Whether the credential was checked.
    var isChecked = false
    /// Its bearer; nil where it does not hold, or was not checked.
    var caller: Caller?
    var sight: Sight?

    /// The credential was checked.
    mutating func found(_ caller: Caller?) {
        isWaiting = false
        isChecked = true
        self.caller = caller
    }

    /// The content was read.
    mutating func found(_ outcome: Outcome) {
        isWaiting = false
        switch outcome.status {
        // The call itself says that it is not registered.
        case .done, .contentNotFound: sight = outcome.description?.visibility == .private ? .isPrivate : .visible
        default: sight = .failed(outcome.status)
        }
    }
}

/// The callers that one event loop knows; touched there alone.
final class LoopIdentity {
    let authenticator: Authenticator
    private var cache = CallerCache(seed: .random(in: .min ... .max))
    private let anonymous = Caller.anonymous()
    private let clock: any EngineClock

    init(_ authenticator: Authenticator, clock: any EngineClock) {
        self.authenticator = authenticator
        self.clock = clock
    }

    /// What the Authorization field of a request comes to.
    enum Finding {
        case caller(Caller)
        /// A credential that has to be checked.
        case unknown([UInt8])
        /// None that could hold.
        case refused
    }

    /// The caller of a request; `field` is the value of its Authorization field, if there is one.
    func find(_ field: UnsafeRawBufferPointer?) -> Finding {
        guard let field else { return .caller(anonymous) }
        guard let token = BearerField.candidate(in: field) else { return .refused }
        let generation = authenticator.keyGeneration
        if let caller = cache.find(token, generation: generation, now: clock.milliseconds()) { return .caller(caller) }
        return BearerField.isSound(token) ? .unknown(Array(token)) : .refused
    }

    /// Keeps what a check found.
    func keep(_ token: [UInt8], _ checked: Authenticator.Checked?) -> Caller? {
        guard let checked else { return nil }
        let own = checked.caller.copy()
        cache.insert(token, own, generation: checked.generation)
        return own
    }
}

extension LoopSubmitter {
    /// What is known of who asks.
    enum Asking {
        case caller(Caller)
        /// It is being found out; `goOn` is called then.
        case mustWait
        /// The credential does not hold, and the full stack says so.
        case refused
    }

    /// Who asks with the request that `head` and `bytes` are.
    func caller(
        _ identity: LoopIdentity, _ head: ScannedHead, _ bytes: UnsafeRawBufferPointer, of connection: Connection
    ) -> Asking {
        if let held = connection.held, held.isChecked { return held.caller.map { .caller($0) } ?? .refused }
        switch identity.find(head.authorization.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }) {
        case .caller(let caller): return .caller(caller)
        case .refused: return .refused
        case .unknown(let token):
            connection.held = HeldRequest()
            let waiting = Confined((submitter: self, connection: connection))
            Task { [authenticator = identity.authenticator, execute] in
                let checked = await authenticator.check(token)
                execute {
                    let (submitter, connection) = waiting.value
                    connection.held?.found(submitter.identity?.keep(token, checked))
                    connection.goOn()
                }
            }
            return .mustWait
        }
    }

    /// Whether a content is there for a caller; nil where it is being found out, and `goOn` is called then.
    func sight(
        of content: UnsafeRawBufferPointer, for caller: Caller, of connection: Connection
    ) -> HeldRequest.Sight? {
        if caller.seesPrivate { return .visible }
        if let sight = connection.held?.sight { return sight }
        if let published = engine.published(content) {
            return published.description.visibility == .private ? .isPrivate : .visible
        }
        var held = connection.held ?? HeldRequest()
        held.isWaiting = true
        connection.held = held
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        submit(
            .read, content: content, user: nothing, type: nothing, reaction: .none, shard: engine.shard(of: content),
            for: Target(connection: connection, slot: 0, kind: .sight, started: 0))
        return nil
    }
}
