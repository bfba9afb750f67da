// Health, and the page at the root.

import LikewiseAPI
import LikewiseEngine

extension API {
    /// 200 where writes are taken; 503 with the reason where they are not.
    func ready() -> APIResponse {
        let shards = service.engine.health
        let stopping = isStopping()
        let isReady = !stopping && shards.allSatisfy { $0 == .good }
        var response = APIResponse.json(isReady ? 200 : 503) { writer in
            writer.object { body in
                body.field("status", isReady ? "ok" : stopping ? "stopping" : "not_ready")
                body.field(
                    "shards",
                    list: { list in
                        for (shard, health) in shards.enumerated() {
                            list.object { entry in
                                entry.field("shard", shard)
                                switch health {
                                case .good: entry.field("status", "ok")
                                case .full: entry.field("status", "storage_full")
                                case .failed: entry.field("status", "storage_failed")
                                }
                            }
                        }
                    })
            }
        }
        if !isReady { response.headers.append(("Retry-After", "1")) }
        return response
    }

    static let index = APIResponse(
        status: 200, contentType: "text/plain; charset=utf-8", cacheControl: "public, max-age=300",
        body: Array(
            """
            Likewise counts likes.

            Like:     curl -X POST localhost:8080/v1/likes -H 'content-type: application/json' \\
                           -d '{"content_id":"video_1","user_id":"ann"}'
            Count:    curl localhost:8080/v1/likes/count/video_1
            Console:  this address, in a browser
            All:      /openapi.json
            Health:   /health/live  /health/ready  /metrics

            """.utf8))
}
