// The call for bulk intake, with its body whole. Without an Idempotency-Key the body is scanned as it arrives instead
// (`FullStack`); with one it must be known whole before anything is changed, to tell whether it was sent before.

import LikewiseAPI
import LikewiseEngine

extension API {
    /// Bytes of a whole body that are scanned at a time.
    private static let bulkPiece = 64 << 10

    func bulk(_ request: APIRequest) async throws(APIProblem) -> APIResponse {
        try request.caller.require(.likesWrite)
        return try await once(request) { () async throws(APIProblem) in
            let intake = BulkIntake(self, for: request.caller)
            var at = 0
            while at < request.body.count, !intake.isEnded {
                let end = min(request.body.count, at + API.bulkPiece)
                request.body.withUnsafeBytes { intake.take(UnsafeRawBufferPointer(rebasing: $0[at..<end])) }
                await intake.handOver()
                at = end
            }
            return try await intake.finish()
        }
    }
}
