import LikewiseAPI
import Testing

// Timed, and printed. The bounds are far above what was measured, so that only a mistake in kind (a copy, an
// allocation, a byte at a time through a protocol) goes over them, and a busy machine does not.

/// Whether this was built to be fast: assertions are not looked at then.
private let isOptimised: Bool = {
    var isOptimised = true
    assert(
        {
            isOptimised = false
            return true
        }())
    return isOptimised
}()

private func nanosecondsEach(_ times: Int, _ work: () -> Void) -> Double {
    let clock = ContinuousClock()
    let best = (0..<5).map { _ in clock.measure { for _ in 0..<times { work() } } }.min() ?? .zero
    return best / .nanoseconds(1) / Double(times)
}

@Suite("Speed", .serialized, .enabled(if: isOptimised))
struct SpeedTests {
    @Test("a like's body is scanned in a fraction of a microsecond")
    func intentBody() {
        let body = Array(#"{"content_id":"video_abc","content_type":"video","user_id":"user_12345678"}"#.utf8)
        var scratch: [UInt8] = []
        var scanned = 0
        let nanoseconds = body.withUnsafeBytes { bytes in
            nanosecondsEach(200_000) {
                if let fields = try? IntentBody.scan(bytes, scratch: &scratch) { scanned += fields.user?.length ?? 0 }
            }
        }
        print("IntentBody.scan: \(Int(nanoseconds)) ns for \(body.count) bytes")
        #expect(scanned == 13 * 1_000_000)
        #expect(nanoseconds < 1_500)
    }

    @Test("a like's answer is written in a fraction of a microsecond")
    func answer() {
        let content = Array("video_abc".utf8)
        let user = Array("user_12345678".utf8)
        var writer = JSONWriter()
        var written = 0
        let nanoseconds = nanosecondsEach(200_000) {
            writer.removeAll()
            writer.object { answer in
                answer.field("content_id", utf8: content)
                answer.field("user_id", utf8: user)
                answer.field("liked", true)
                answer.field("reaction", "like")
                answer.field("count", 128_412 as UInt64)
                answer.field("reactions", object: { $0.field("like", 128_412 as UInt64) })
                answer.field("approx", false)
            }
            written += writer.count
        }
        print("JSONWriter: \(Int(nanoseconds)) ns for an answer of \(writer.count) bytes")
        #expect(written == writer.count * 1_000_000)
        #expect(nanoseconds < 3_000)
    }
}
