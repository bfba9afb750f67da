// Lists, newest first, by opaque cursor; and what is liked most.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    func userLikes(_ request: APIRequest, user: [UInt8]) async throws(APIProblem) -> APIResponse {
        let user = try checked(user: user)
        _ = try request.caller.user(named: user, for: .read)
        try limit(request)
        let page = try await page(request, of: .user(user))
        var hidden = Set(try await hidden(page.likes.map(\.content), nil, from: request.caller))
        if !request.caller.seesHeld(of: user) {
            hidden.formUnion(page.likes.indices.filter { page.likes[$0].register.reaction.isHeld })
        }
        return .json { writer in
            writer.object { body in
                body.field("user_id", utf8: user)
                body.field(
                    "likes",
                    list: { list in
                        for (i, like) in page.likes.enumerated() where !hidden.contains(i) {
                            list.object { entry in
                                entry.field("content_id", utf8: like.content)
                                held(like, &entry)
                            }
                        }
                    })
                if let next = page.next(by: { $0.content }) { body.field("next_cursor", next) }
            }
        }
    }

    func contentLikes(_ request: APIRequest, content: [UInt8]) async throws(APIProblem) -> APIResponse {
        let content = try checked(content: content)
        try await requireListable(content, to: request.caller)
        try limit(request)
        let page = try await page(request, of: .content(content))
        return .json { writer in
            writer.object { body in
                body.field("content_id", utf8: content)
                body.field(
                    "likes",
                    list: { list in
                        for like in page.likes {
                            list.object { entry in
                                entry.field("user_id", utf8: like.user)
                                held(like, &entry)
                            }
                        }
                    })
                if let next = page.next(by: { $0.user }) { body.field("next_cursor", next) }
            }
        }
    }

    func held(_ like: LedgerLike, _ entry: inout JSONWriter) {
        if let name = answers.reactions.name(of: like.register.reaction) { entry.field("reaction", name) }
        entry.field("since", moment: like.register.version.milliseconds)
    }

    struct Page {
        var likes: [LedgerLike]
        var hasMore: Bool

        /// The cursor of what comes behind this page, in a list by `id`; nil where nothing does.
        func next(by id: (LedgerLike) -> [UInt8]) -> String? {
            guard hasMore, let last = likes.last else { return nil }
            let version = last.register.version
            return Cursor(reading: version.reading, region: version.region, id: id(last)).encoded()
        }
    }

    func page(_ request: APIRequest, of subject: ListSubject) async throws(APIProblem) -> Page {
        let limit = try number(
            request, "limit", in: 1...WireLimits.pageEntries, default: WireLimits.pageEntriesByDefault)
        var position: LikePosition?
        if let text = try single(request, "cursor") {
            do throws(CursorProblem) {
                let cursor = try Cursor(decoding: text)
                position = LikePosition(
                    version: Version(reading: cursor.reading, region: cursor.region), id: cursor.id)
            } catch {
                throw APIProblem(
                    .invalidRequest, "cursor must be a next_cursor of an earlier answer, unchanged.", field: "cursor")
            }
        }
        return try await page(of: subject, behind: position, limit: limit)
    }

    /// Up to `limit` entries behind `position`.
    func page(
        of subject: ListSubject, behind position: LikePosition?, limit: Int
    ) async throws(APIProblem) -> Page {
        switch await service.likes(of: subject, behind: position, limit: limit + 1) {
        case .success(let likes):
            return Page(likes: Array(likes.prefix(limit)), hasMore: likes.count > limit)
        case .failure(.overloaded): throw APIProblem(.overloaded, "Too many lists are being read; try again.")
        case .failure(.shuttingDown): throw APIProblem(.shuttingDown, "The server is stopping; try again.")
        case .failure(.storage):
            throw APIProblem(.storageFailed, "The storage failed, so the list would not be whole.")
        case .failure(.ledger): throw APIProblem(.storageFailed, "The ledger could not be read; try again.")
        }
    }

    func top(_ request: APIRequest) async throws(APIProblem) -> APIResponse {
        let limit = try number(request, "limit", in: 1...WireLimits.topEntries, default: WireLimits.topEntriesByDefault)
        var window = TrendWindow.hour
        if let text = try single(request, "window") {
            guard let named = TrendWindow(rawValue: String(decoding: text, as: UTF8.self)) else {
                throw APIProblem(.invalidRequest, "window must be 1m, 1h or 24h.", field: "window")
            }
            window = named
        }
        let seesAll = request.caller.seesPrivate
        // Those that are not there for the caller, or that nobody likes any more, make room for others.
        try self.limit(request)
        let entries = await service.top(window, limit: seesAll ? limit : WireLimits.topEntries)
        let counts = await service.read(entries.map(\.content), user: nil)
        let top = zip(entries, counts).filter { !isHidden($1, from: request.caller) && $1.tally.total > 0 }.prefix(
            limit)
        for outcome in counts where outcome.status != .contentNotFound {
            if let problem = Answers.problem(outcome.status) { throw problem }
        }
        return .json { writer in
            writer.object { body in
                body.field("window", window.rawValue)
                body.field(
                    "contents",
                    list: { list in
                        for (entry, known) in top {
                            list.object { item in
                                item.field("content_id", utf8: entry.content)
                                item.field("gained", Int(entry.gained))
                                item.field("count", known.tally.total)
                                item.field("display", display: known.tally.total)
                            }
                        }
                    })
            }
        }
    }
}
