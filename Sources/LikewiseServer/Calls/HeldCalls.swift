// What an operator does with likes that are held back: sees them, lets them count, takes them away.

import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    /// Likes that are read and settled at a time where all of a content are meant.
    private static let heldAtOnce = WireLimits.heldItems

    func heldLikes(_ request: APIRequest) async throws(APIProblem) -> APIResponse {
        try request.caller.require(.admin)
        var filter = HeldFilter()
        if let content = try single(request, "content_id") { filter.content = try checked(content: content) }
        if let user = try single(request, "user_id") { filter.user = try checked(user: user) }
        let page = try await page(request, of: .held(filter))
        return .json { writer in
            writer.object { body in
                body.field(
                    "held",
                    list: { list in
                        for like in page.likes {
                            list.object { entry in
                                entry.field("content_id", utf8: like.content)
                                entry.field("user_id", utf8: like.user)
                                held(like, &entry)
                            }
                        }
                    })
                if let next = page.next(by: { $0.heldPosition.id }) { body.field("next_cursor", next) }
            }
        }
    }

    func heldLike(
        _ request: APIRequest, content: [UInt8], user: [UInt8]
    ) async throws(APIProblem) -> APIResponse {
        try request.caller.require(.admin)
        let content = try checked(content: content)
        let user = try checked(user: user)
        let outcome = await service.read([content], user: user)[0]
        if let problem = Answers.problem(outcome.status) { throw problem }
        guard outcome.new.isHeld else {
            throw APIProblem(.notHeld, "No like of this user is held back on this content.")
        }
        let like = LedgerLike(
            content: content, user: user, register: Register(version: outcome.version, reaction: outcome.new))
        return .json { writer in
            writer.object { body in
                body.field("content_id", utf8: content)
                body.field("user_id", utf8: user)
                held(like, &body)
            }
        }
    }

    /// Releases, rejects or holds back what the body names. Does no harm a second time: what is so already stays as it is.
    func settleHeld(_ request: APIRequest, _ action: Route.HeldAction) async throws(APIProblem) -> APIResponse {
        try request.caller.require(.admin)
        let named = try heldBody(request)
        var settled = Settled()
        if let content = named.content {
            guard action != .hold else { throw APIProblem(.missing(.userID)) }
            try await settleAll(of: content, action, &settled)
        } else {
            try await settle(named.items, action, &settled)
        }
        return .json { writer in
            writer.object { body in
                body.field("changed", settled.changed)
                body.field("unchanged", settled.unchanged)
                body.field("more", settled.hasMore)
            }
        }
    }

    /// What a call did.
    private struct Settled {
        var changed = 0
        /// Those that were so already.
        var unchanged = 0
        /// Whether the content has more than one call settles.
        var hasMore = false
    }

    /// Walks along what is held back on the content now; what comes meanwhile is newer, and left.
    private func settleAll(
        of content: [UInt8], _ action: Route.HeldAction, _ settled: inout Settled
    ) async throws(APIProblem) {
        var position: LikePosition?
        var left = WireLimits.heldOfContent
        while true {
            let page = try await page(
                of: .held(HeldFilter(content: content)), behind: position, limit: min(left, API.heldAtOnce))
            try await settle(page.likes.map { ($0.content, $0.user) }, action, &settled)
            left -= page.likes.count
            settled.hasMore = page.hasMore
            guard page.hasMore, left > 0, let last = page.likes.last else { return }
            position = last.heldPosition
        }
    }

    private func settle(
        _ likes: [(content: [UInt8], user: [UInt8])], _ action: Route.HeldAction, _ settled: inout Settled
    ) async throws(APIProblem) {
        guard !likes.isEmpty else { return }
        let outcomes = await service.settle(action.intent, likes)
        let changed = outcomes.count { $0.status == .done && $0.changed }
        settled.changed += changed
        settled.unchanged += outcomes.count - changed
        timings.record(action, changed)
        let failed = outcomes.first { $0.status != .done && $0.status != .contentNotFound }
        guard let failed, var problem = Answers.problem(failed.status) else { return }
        let before = settled.changed
        problem.detail = "Not all could be done; those that were stay so. Try again."
        problem.members = { $0.field("changed", before) }
        throw problem
    }

    private func heldBody(
        _ request: APIRequest
    ) throws(APIProblem) -> (items: [(content: [UInt8], user: [UInt8])], content: [UInt8]?) {
        var scratch: [UInt8] = []
        let result = request.body.withUnsafeBytes { body in
            Result<(items: [(content: [UInt8], user: [UInt8])], content: [UInt8]?), BodyProblem> {
                () throws(BodyProblem) in
                let found = try HeldBody.scan(body, scratch: &scratch)
                func copy(_ slice: Slice) -> [UInt8] { slice.withBytes(body: body, scratch: scratch) { Array($0) } }
                return (found.items.map { (copy($0.content), copy($0.user)) }, found.content.map(copy))
            }
        }
        var named: (items: [(content: [UInt8], user: [UInt8])], content: [UInt8]?)
        do throws(BodyProblem) { named = try result.get() } catch { throw APIProblem(error) }
        for i in named.items.indices {
            named.items[i] = (try checked(content: named.items[i].content), try checked(user: named.items[i].user))
        }
        if let content = named.content { named.content = try checked(content: content) }
        return named
    }
}

extension Route.HeldAction {
    fileprivate var intent: Intent.Action {
        switch self {
        case .release: .release
        case .reject: .reject
        case .hold: .hold
        }
    }
}
