import LikewiseClient

/// Why a server could not be looked at, and what to do.
struct TopFailure: Error, CustomStringConvertible {
    let description: String
}

/// One look at a server.
struct TopLook: Sendable {
    var moment: ContinuousClock.Instant
    var page: PrometheusPage
    var hot: [TopFigures.Hot]
}

/// Asks a server for what `likewise top` shows.
struct TopWatch: Sendable {
    private let url: String
    private let client: LikewiseClient
    private let contents: Int

    init(_ settings: Settings<TopSettings>) throws {
        url = settings.arguments[0]
        contents = min(100, settings.contents ?? 100)
        let key = try settings.keyFile.map { try AdminClient.key(in: $0, setting: "--key-file") } ?? settings.key
        var configuration = LikewiseClient.Configuration(url: url)
        if let key { configuration.token = { key } }
        configuration.timeout = .seconds(5)
        configuration.retry = .never
        client = LikewiseClient(configuration)
    }

    /// Asks for metrics and hot contents.
    func look() async throws(TopFailure) -> TopLook {
        do {
            let bytes = try await client.body(of: ["metrics"])
            let moment = ContinuousClock.now
            let page = try PrometheusPage(parsing: String(decoding: bytes, as: UTF8.self))
            let top = contents > 0 ? try await client.top(window: .minute, limit: contents) : []
            return TopLook(
                moment: moment, page: page,
                hot: top.map { TopFigures.Hot(id: $0.contentID, count: $0.count, gained: $0.gained) })
        } catch {
            throw TopFailure(description: words(error))
        }
    }

    private func words(_ error: any Error) -> String {
        guard let error = error as? LikewiseError else { return "\(url)/metrics: \(error)" }
        switch (error.kind, error.status) {
        case (.connection, _):
            return "nothing takes connections at \(url): start a server with `likewise serve`, or check the address"
        case (.problem, 401), (.problem, 403):
            return "\(url) wants a key of scope admin: --key-file, or LIKEWISE_KEY"
        case (.problem, 404): return "\(url) has no metrics: is it a server of Likewise?"
        default: return "\(url): \(error)"
        }
    }
}
