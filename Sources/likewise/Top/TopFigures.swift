/// What `likewise top` shows of one look.
package struct TopFigures: Sendable {
    /// One call of the interface.
    package struct Route: Sendable, Hashable {
        package var name: String
        /// Requests a second.
        package var rate: Double
        /// Answers of 5xx a second.
        package var errors: Double
        /// Seconds; nil where there was no request.
        package var p50: Double?
        package var p99: Double?
    }

    /// One single writer.
    package struct Shard: Sendable, Hashable {
        package var name: String
        /// Batches a second, and intents in one on average.
        package var batches: Double
        package var batchSize: Double?
        /// Seconds of a sync.
        package var syncP50: Double?
        package var syncP99: Double?
        package var overlayBytes: Double
        package var lagRecords: Double
        package var lagSeconds: Double
        /// Intents that wait.
        package var queue: Double
    }

    /// One content that gained likes.
    package struct Hot: Sendable, Hashable {
        package var id: String
        package var count: UInt64
        /// In the last minute.
        package var gained: UInt64

        package init(id: String, count: UInt64, gained: UInt64) {
            (self.id, self.count, self.gained) = (id, count, gained)
        }
    }

    private static let reads: Set<String> = [
        "count", "count_batch", "status", "user_likes", "content_likes", "top", "content_get",
    ]

    /// Intents a second by what became of them.
    package var outcomes: [(name: String, rate: Double)]
    /// Busiest first.
    package var routes: [Route]
    package var shards: [Shard]
    /// Requests for counts, lists and what a user holds, a second.
    package var reads: Double
    /// Calls that a limit refused, a second.
    package var limited: Double
    /// Answers of 5xx a second.
    package var errors: Double
    package var liveStreams: Double?
    package var liveContents: Double?
    package var hot: [Hot]

    /// The figures of what happened between two looks, and what gained most.
    package init(_ delta: MetricsDelta, hot: [Hot]) {
        self.hot = hot
        outcomes = delta.values(of: "outcome", in: "likewise_likes_total").map {
            ($0, delta.rate("likewise_likes_total", ["outcome": $0]))
        }
        let request = "likewise_http_request_seconds"
        routes = delta.values(of: "route", in: request + "_count").map { route in
            let times = delta.histogram(request, ["route": route])
            return Route(
                name: route, rate: delta.rate(request + "_count", ["route": route]),
                errors: delta.rate(request + "_count", ["route": route, "status": "5xx"]), p50: times.quantile(0.5),
                p99: times.quantile(0.99))
        }
        .filter { $0.rate > 0 }.sorted { ($1.rate, $0.name) < ($0.rate, $1.name) }
        reads = routes.filter { TopFigures.reads.contains($0.name) }.map(\.rate).reduce(0, +)
        errors = routes.map(\.errors).reduce(0, +)
        limited = delta.rate("likewise_rate_limit_calls_total", ["outcome": "refused"])
        liveStreams = delta.gauge("likewise_live_streams")
        liveContents = delta.gauge("likewise_live_contents")
        shards = delta.values(of: "shard", in: "likewise_batch_intents_count").map { shard in
            let label = ["shard": shard]
            let sync = delta.histogram("likewise_log_sync_seconds", label)
            return Shard(
                name: shard, batches: delta.rate("likewise_batch_intents_count", label),
                batchSize: delta.histogram("likewise_batch_intents", label).mean, syncP50: sync.quantile(0.5),
                syncP99: sync.quantile(0.99), overlayBytes: delta.gauge("likewise_overlay_bytes", label) ?? 0,
                lagRecords: delta.gauge("likewise_ledger_lag_records", label) ?? 0,
                lagSeconds: delta.gauge("likewise_ledger_lag_seconds", label) ?? 0,
                queue: delta.gauge("likewise_shard_queue_intents", label) ?? 0)
        }
    }

    /// Changes and repetitions a second, all outcomes but refusals.
    package var likes: Double { outcomes.filter { $0.name != "refused" }.map(\.rate).reduce(0, +) }
}

/// What was shown before, for lines of the last looks.
package struct TopHistory: Sendable {
    /// Looks that are kept.
    package static let looks = 30
    /// Contents that are kept; those that were not hot for longest go first.
    private static let mostContents = 200

    /// Likes a second, the oldest look first.
    package private(set) var likes: [Double] = []
    private var counts: [String: (look: Int, counts: [UInt64])] = [:]
    private var look = 0

    package init() {}

    /// Takes a look in.
    package mutating func add(_ figures: TopFigures) {
        look += 1
        likes = Array((likes + [figures.likes]).suffix(TopHistory.looks))
        for content in figures.hot {
            let before = counts[content.id]?.counts ?? []
            counts[content.id] = (look, Array((before + [content.count]).suffix(TopHistory.looks + 1)))
        }
        while counts.count > TopHistory.mostContents, let oldest = counts.min(by: { $0.value.look < $1.value.look }) {
            counts[oldest.key] = nil
        }
    }

    /// By how much a content's count has grown from look to look; 0 where it fell.
    package func gains(of content: String) -> [Double] {
        let counts = counts[content]?.counts ?? []
        return zip(counts, counts.dropFirst()).map { $1 > $0 ? Double($1 - $0) : 0 }
    }
}
