// The example of README.md, between the markers; `ReadmeClientTests` runs it, and sees to it that both are the same.

// README.md begins
import LikewiseClient

func likeAndFollow(_ url: String) async throws -> UInt64 {
    let client = LikewiseClient(.init(url: url))

    // On stable storage when it returns. Where the answer is lost, it is sent again and still counts once.
    let result = try await client.like("video_1", by: "ann")
    print(result.changed, result.count)

    // Asked for at the same time, these go out as one request.
    async let first = client.count(of: "video_1", user: "ann")
    async let second = client.count(of: "video_2")
    print(try await first.reaction ?? "none", try await second.display)

    // Many intents at once, in order; what is not taken is listed, and stops nothing.
    let bulk = try await client.send([
        .like("video_1", by: "bob", reaction: "love"), .like("video_2", by: "bob"), .unlike("video_2", by: "ann"),
    ])
    print(bulk.accepted, bulk.changed, bulk.rejected)

    // Page by page, as it is read.
    for try await like in client.likes(ofUser: "bob") { print(like.contentID, like.reaction) }

    // The count now, and then on every change; a connection that is lost is made again.
    for try await update in client.live(of: "video_1") {
        guard case .count(let video) = update else { continue }
        return video.count
    }
    return 0
}
// README.md ends
