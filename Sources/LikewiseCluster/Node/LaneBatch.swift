// What a lane does with a batch: pure, so that it needs no server to be tested.
//
// Two kinds of knowledge. A register is *certain* where Redis held it: every node writes it there before it answers, so
// nothing newer was acknowledged. It is *doubtful* where only the ledger could be asked, which lags behind Kafka. An
// intent that would change a doubtful register is carried out, and the merge does the rest: its version is later than what
// was acknowledged before, as long as the nodes' clocks differ by less than an answer takes. One that would change
// nothing cannot be sure of that, so the lane asks the ledger once more when that has caught up; if it cannot, the intent
// becomes an event all the same.

import LikewiseCore
import LikewiseEngine

/// Intents of several groups, in the order in which they came, with the registers and contents that they touch.
struct LaneBatch {
    /// What is known of a register.
    enum Knowledge: Equatable {
        case certain(Register)
        case doubtful(Register)

        var register: Register {
            switch self {
            case .certain(let register), .doubtful(let register): register
            }
        }
    }

    /// One intent.
    struct Item {
        var group: Int
        var place: Int
        var action: Intent.Action
        /// Into `keys`; nil where the intent names no user.
        var key: Int?
        /// Into `contents`.
        var content: Int
        var reaction: Reaction
        var type: [UInt8]
        var visibility: ContentDescription.Visibility
    }

    /// A read that has to be answered from the ledger when that has caught up.
    struct Deferred {
        var item: Int
        var key: Int
        /// What this node knew.
        var known: Register
    }

    let groups: [IntentGroup]
    private(set) var items: [Item] = []
    private(set) var keys: [RegisterKey] = []
    private(set) var contents: [[UInt8]] = []
    /// What items take from limits that all nodes share.
    private(set) var limits: [(item: Int, limit: SharedLimit)] = []
    /// By item: those that such a limit refuses.
    private(set) var refusals: [Int: SharedRefusal] = [:]

    /// By item.
    private(set) var outcomes: [Outcome] = []
    /// To be published, each with its item.
    private(set) var events: [(item: Int, event: LikeEvent)] = []
    private(set) var deferred: [Deferred] = []
    /// By key: what a batch left there, where it changed.
    private(set) var changed: [Int: Register] = [:]
    /// By content: what is known of it now.
    private(set) var states: [ClusterContent] = []
    /// By content: whether a batch changed what is known.
    private(set) var touched: Set<Int> = []

    init(_ groups: [IntentGroup]) {
        self.groups = groups
        var keyPlaces: [RegisterKey: Int] = [:]
        var contentPlaces: [[UInt8]: Int] = [:]
        for (number, group) in groups.enumerated() {
            let first = items.count
            limits += group.sharedLimits.map { (item: first + $0.intent, limit: $0) }
            group.bytes.withUnsafeBytes { bytes in
                for (place, intent) in group.intents.enumerated() {
                    let ids = IntentIDs(intent, bytes)
                    let content = Array(ids.content)
                    let index = contentPlaces[content] ?? contents.count
                    if index == contents.count {
                        contentPlaces[content] = index
                        contents.append(content)
                    }
                    var key: Int?
                    if intent.userLength > 0 {
                        let wanted = RegisterKey(content: content, user: Array(ids.user))
                        let found = keyPlaces[wanted] ?? keys.count
                        if found == keys.count {
                            keyPlaces[wanted] = found
                            keys.append(wanted)
                        }
                        key = found
                    }
                    items.append(
                        Item(
                            group: number, place: place, action: intent.action, key: key, content: index,
                            reaction: intent.reaction, type: Array(ids.type), visibility: intent.visibility))
                }
            }
        }
    }

    /// Takes out what limits refuse. Before anything is evaluated.
    mutating func refuse(_ refusals: [Int: SharedRefusal]) { self.refusals = refusals }

    /// The keys of intents that would change nothing if what is doubted held; and of those that may act only on what is
    /// certain, since they are not the user's own.
    func doubtedNoOps(_ knowledge: [Knowledge], _ states: [ClusterContent]) -> [Int] {
        var seen: Set<Int> = []
        var found: [Int] = []
        for (number, item) in items.enumerated() where refusals[number] == nil {
            guard let key = item.key, item.action.isWrite, seen.insert(key).inserted else { continue }
            guard case .doubtful(let register) = knowledge[key] else { continue }
            let held = LaneBatch.effective(register, states[item.content]).reaction
            let wanted = item.action.result(on: held, reaction: item.reaction)
            if item.action.needsCertainty || held == wanted { found.append(key) }
        }
        return found
    }

    /// Evaluates all intents in order. `unknown` are the contents of which nothing could be had.
    mutating func evaluate(
        _ knowledge: [Knowledge], _ states: [ClusterContent], unknown: Set<Int>, strictContent: Bool,
        clock: inout HybridClock, milliseconds: UInt64
    ) {
        var knowledge = knowledge
        self.states = states
        outcomes.reserveCapacity(items.count)
        for (number, item) in items.enumerated() {
            var outcome = Outcome(status: .done)
            let isRegistered = self.states[item.content].description.registered
            if refusals[number] != nil {
                outcome.status = .rateLimited
            } else if unknown.contains(item.content),
                item.action == .read || item.action == .deleteContent || strictContent,
                item.action != .putContent
            {
                outcome.status = .ledgerFailed
            } else if strictContent, !isRegistered, item.action != .putContent, item.action != .remember {
                outcome.status = .contentNotFound
            } else {
                evaluate(number, item, &knowledge, &outcome, &clock, milliseconds)
            }
            outcome.tally = self.states[item.content].tally
            outcome.countOwn()
            if item.key == nil { outcome.description = self.states[item.content].description }
            outcomes.append(outcome)
        }
    }

    private mutating func evaluate(
        _ number: Int, _ item: Item, _ knowledge: inout [Knowledge], _ outcome: inout Outcome,
        _ clock: inout HybridClock, _ milliseconds: UInt64
    ) {
        switch item.action {
        case .remember: break
        case .putContent:
            var event = LikeEvent(
                .contentPut, content: contents[item.content], version: clock.next(milliseconds: milliseconds))
            event.type = item.type
            event.visibility = item.visibility
            events.append((number, event))
            states[item.content].description = ContentDescription(
                type: item.type, visibility: item.visibility, registered: true)
            touched.insert(item.content)
        case .deleteContent:
            guard states[item.content].description != ContentDescription() || states[item.content].tally.total > 0
            else {
                outcome.status = .contentNotFound
                return
            }
            clock.observe(states[item.content].deleted)
            let version = clock.next(milliseconds: milliseconds)
            events.append((number, LikeEvent(.contentDeleted, content: contents[item.content], version: version)))
            states[item.content] = ClusterContent(deleted: version)
            touched.insert(item.content)
        case .read, .react, .clear, .release, .reject, .hold:
            guard let key = item.key else { return }
            react(number, item, key, &knowledge, &outcome, &clock, milliseconds)
        }
    }

    private mutating func react(
        _ number: Int, _ item: Item, _ key: Int, _ knowledge: inout [Knowledge], _ outcome: inout Outcome,
        _ clock: inout HybridClock, _ milliseconds: UInt64
    ) {
        let known = knowledge[key]
        let register = LaneBatch.effective(known.register, states[item.content])
        outcome.old = register.reaction
        outcome.new = register.reaction
        outcome.version = register.version
        if item.action == .read {
            if case .doubtful = known { deferred.append(Deferred(item: number, key: key, known: register)) }
            return
        }
        if item.action.needsCertainty, case .doubtful = known {
            outcome.status = .ledgerFailed
            return
        }
        let wanted = item.action.result(on: register.reaction, reaction: item.reaction)
        clock.observe(known.register.version)
        clock.observe(states[item.content].deleted)
        if register.reaction == wanted, case .certain = known { return }
        let version = clock.next(milliseconds: milliseconds)
        var event = LikeEvent(.register, content: contents[item.content], version: version)
        event.user = keys[key].user
        event.reaction = wanted
        event.previous = register.reaction
        if states[item.content].description.type.isEmpty, !item.type.isEmpty {
            event.type = item.type
            states[item.content].description.type = item.type
            touched.insert(item.content)
        }
        events.append((number, event))
        outcome.new = wanted
        outcome.version = version
        knowledge[key] = .certain(event.register)
        changed[key] = event.register
        if states[item.content].tally.move(from: register.reaction, to: wanted) { touched.insert(item.content) }
    }

    /// What a register holds in the content's present life.
    static func effective(_ register: Register, _ content: ClusterContent) -> Register {
        register.version < content.deleted ? .untouched : register
    }

    // MARK: What became of it

    /// Takes in what became of the events, in their order. Where one was not made durable, its intent fails, and so do later
    /// ones on the same register or content that rest on it.
    mutating func settle(_ publications: [Publication]) {
        var lost: [Int: Outcome.Status] = [:]
        var lostContents: [Int: Outcome.Status] = [:]
        var byItem: [Int: Publication] = [:]
        for (event, publication) in zip(events, publications) { byItem[event.item] = publication }
        for (number, item) in items.enumerated() where refusals[number] == nil {
            let status: Outcome.Status?
            switch byItem[number] {
            case .durable?: status = nil
            case .overloaded?: status = .overloaded
            case .full?: status = .storageFull
            case .failed?: status = .storageFailed
            case nil: status = item.key.flatMap { lost[$0] } ?? lostContents[item.content]
            }
            guard let status else { continue }
            outcomes[number] = Outcome(status: status)
            touched.remove(item.content)
            guard byItem[number] != nil else { continue }
            if let key = item.key {
                lost[key] = status
                changed[key] = nil
            } else {
                lostContents[item.content] = status
            }
        }
        for (event, publication) in zip(events, publications) {
            guard case .durable = publication, let key = items[event.item].key else { continue }
            changed[key] = event.event.register
        }
        deferred.removeAll { outcomes[$0.item].status != .done }
    }

    /// The register of a deferred read, when the ledger has been asked again.
    mutating func settle(_ deferred: Deferred, _ held: Register) {
        let content = states[items[deferred.item].content]
        var register = deferred.known
        register.merge(held)
        register = LaneBatch.effective(register, content)
        outcomes[deferred.item].old = register.reaction
        outcomes[deferred.item].new = register.reaction
        outcomes[deferred.item].version = register.version
        outcomes[deferred.item].countOwn()
    }

    /// Fails reads that nobody could answer.
    mutating func fail(_ reads: [Deferred], _ status: Outcome.Status) {
        for read in reads { outcomes[read.item] = Outcome(status: status) }
    }

    /// Gives each group in `numbers` its outcomes, and completes it.
    func complete(_ numbers: Set<Int>) {
        for number in numbers {
            let group = groups[number]
            group.outcomes.removeAll(keepingCapacity: true)
            group.briefOutcomes.removeAll(keepingCapacity: true)
        }
        for (number, item) in items.enumerated() where numbers.contains(item.group) {
            let outcome = outcomes[number]
            let group = groups[item.group]
            if group.wantsTallies {
                group.outcomes.append(outcome)
            } else {
                var brief = BriefOutcome(status: outcome.status)
                brief.old = outcome.old
                brief.new = outcome.new
                brief.version = outcome.version
                group.briefOutcomes.append(brief)
            }
            if let refusal = refusals[number] { group.refusals.append(refusal) }
        }
        for number in numbers.sorted() { groups[number].complete(groups[number]) }
    }
}

extension Outcome {
    /// Counts that lag are never below what the user's own reaction implies.
    fileprivate mutating func countOwn() {
        if new.counted != .none, tally.count(of: new) == 0 { tally.apply(old: .none, new: new) }
    }
}

extension Tally {
    /// Moves one user from `old` to `new` in counts that may lag: what they do not know of is not taken away. Answers
    /// whether anything changed.
    mutating func move(from old: Reaction, to new: Reaction) -> Bool {
        let (old, new) = (old.counted, new.counted)
        guard old != new else { return false }
        if old != .none, count(of: old) == 0 {
            guard new != .none else { return false }
            apply(old: .none, new: new)
        } else {
            apply(old: old, new: new)
        }
        return true
    }
}

extension Intent.Action {
    /// Whether it may change a user's register.
    fileprivate var isWrite: Bool {
        switch self {
        case .react, .clear, .release, .reject, .hold: true
        case .read, .putContent, .deleteContent, .remember: false
        }
    }

    /// Whether it must not be carried out on a guess: the user may have taken back what the operator lets count.
    fileprivate var needsCertainty: Bool { self == .release || self == .reject || self == .hold }
}
