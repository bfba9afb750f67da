// Contents that are private: to who may not see them, they are not there, in the very words of a content that is not
// registered.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    /// The answer for a content that is not there.
    static var contentNotFound: APIProblem { Answers.problem(.contentNotFound) ?? APIProblem(.contentNotFound) }

    /// Whether what was read is of a content that is not there for the caller. It must have been read without a user.
    func isHidden(_ outcome: Outcome, from caller: Caller) -> Bool {
        !caller.seesPrivate && outcome.description?.visibility == .private
    }

    /// Whether each content may be shown to who does not see private ones: `contentNotFound` where not, and another
    /// failure where that could not be found out. What is not registered is for the call itself to tell.
    func sights(of contents: [[UInt8]]) async -> [Outcome.Status] {
        await service.read(contents, user: nil).map { outcome in
            switch outcome.status {
            case .done, .contentNotFound: outcome.description?.visibility == .private ? .contentNotFound : .done
            default: outcome.status
            }
        }
    }

    /// Throws where a content is not there for the caller.
    func requireVisible(_ content: [UInt8], to caller: Caller) async throws(APIProblem) {
        guard !caller.seesPrivate else { return }
        if let problem = Answers.problem(await sights(of: [content])[0]) { throw problem }
    }

    /// The places of those contents that are not there for the caller; `read`: what was read of them without a user.
    func hidden(
        _ contents: [[UInt8]], _ read: [Outcome]?, from caller: Caller
    ) async throws(APIProblem) -> [Int] {
        guard !caller.seesPrivate else { return [] }
        if let read { return read.indices.filter { isHidden(read[$0], from: caller) } }
        var places: [Int] = []
        for (i, status) in await sights(of: contents).enumerated() where status != .done {
            if status != .contentNotFound, let problem = Answers.problem(status) { throw problem }
            places.append(i)
        }
        return places
    }

    /// Throws where the caller may not see who likes a content.
    func requireListable(_ content: [UInt8], to caller: Caller) async throws(APIProblem) {
        guard !caller.seesPrivate || !caller.scopes.contains(.usersRead) else { return }
        let outcome = await service.read([content], user: nil)[0]
        if let problem = Answers.problem(outcome.status) { throw problem }
        guard outcome.description?.visibility == .private else { return }
        guard caller.seesPrivate else { throw API.contentNotFound }
        try caller.require(.usersRead)
    }
}
