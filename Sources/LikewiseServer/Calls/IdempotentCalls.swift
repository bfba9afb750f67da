// The Idempotency-Key of a write: what it claims, and the answers that are stored as bytes.

import Crypto
import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    /// The payload of an answer that is stored as it was sent: this byte, the status (two bytes), then the body.
    private static let bytesTag: UInt8 = 2
    /// Bodies above this are not stored; a bulk intake's answer is always below.
    private static let storedBodyBytes = 60_000

    enum KeyClaim {
        /// The first request with its key.
        case first(StoredAnswer)
        /// A request that was done before, and what was stored of it.
        case again(payload: [UInt8])
    }

    /// What the request's Idempotency-Key says; nil without one.
    func claim(_ request: APIRequest) async throws(APIProblem) -> KeyClaim? {
        guard let name = HTTPField.Name("Idempotency-Key") else { return nil }
        let values = request.headers[values: name]
        guard let key = values.first else { return nil }
        let isVisible = key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        guard values.count == 1, !key.isEmpty, key.utf8.count <= WireLimits.idempotencyKeyBytes, isVisible else {
            throw APIProblem(
                .invalidRequest,
                "Idempotency-Key must be given once, as 1 to \(WireLimits.idempotencyKeyBytes) visible ASCII characters.",
                field: "Idempotency-Key")
        }
        var asked = Array("\(request.method.rawValue) \(request.path)\n".utf8)
        asked += request.body
        let fingerprint = Hash64.of(asked, seed: 0)
        let own = API.key(key, of: request.caller)
        switch service.idempotency.claim(own, fingerprint: fingerprint, now: service.clock.milliseconds()) {
        case .new(let answer): return try await shared(answer)
        case .done(let payload): return .again(payload: payload)
        case .inUse:
            var problem = APIProblem(.idempotencyKeyInUse, "The first request with this key is still under way.")
            problem.headers.append(("Retry-After", "1"))
            throw problem
        case .reused:
            throw APIProblem(.idempotencyKeyReused, "The Idempotency-Key was used for another request.")
        case .full: throw APIProblem(.overloaded, "Too many Idempotency-Keys are kept. Nothing was changed; try again.")
        }
    }

    /// The key as it is kept: callers that are known do not see each other's, so theirs is a hash of both.
    private static func key(_ key: String, of caller: Caller) -> [UInt8] {
        guard !caller.name.isEmpty else { return Array(key.utf8) }
        return Array("caller:".utf8) + Base64URL.encode(Array(SHA256.hash(data: Array("\(caller.name)\0\(key)".utf8))))
    }

    /// What other nodes know of a key that is new to this one.
    private func shared(_ answer: StoredAnswer) async throws(APIProblem) -> KeyClaim {
        guard let found = await service.engine.sharedAnswers?.find(answer.key) else { return .first(answer) }
        service.idempotency.release(answer)
        guard found.fingerprint == answer.fingerprint else {
            throw APIProblem(.idempotencyKeyReused, "The Idempotency-Key was used for another request.")
        }
        return .again(payload: found.payload)
    }

    /// Keeps the first answer of a key, here and for other nodes.
    func settle(_ answer: StoredAnswer, payload: [UInt8]) async {
        service.idempotency.settle(answer, payload: payload)
        guard let shared = service.engine.sharedAnswers else { return }
        var stored = answer
        stored.payload = payload
        await shared.store(stored)
    }

    /// Runs `work` unless it was done before with the request's key; then its first answer is given again. The answer
    /// is durable before it is sent.
    func once(
        _ request: APIRequest, _ work: () async throws(APIProblem) -> APIResponse
    ) async throws(APIProblem) -> APIResponse {
        guard let stored = try await claim(request) else { return try await work() }
        switch stored {
        case .again(let payload):
            guard payload.count >= 3, payload[0] == API.bytesTag else {
                throw APIProblem(.idempotencyKeyReused, "The Idempotency-Key was used for another request.")
            }
            let status = Int(payload[1]) << 8 | Int(payload[2])
            return APIResponse(
                status: status, contentType: status < 400 ? "application/json" : Problem.mediaType,
                cacheControl: "no-store", body: Array(payload[3...]))
        case .first(var answer):
            let response: APIResponse
            do throws(APIProblem) { response = try await work() } catch {
                // What failed because of the request fails again by itself; what failed because of us may be retried.
                service.idempotency.release(answer)
                throw error
            }
            guard response.body.count <= API.storedBodyBytes else {
                service.idempotency.release(answer)
                return response
            }
            answer.payload = [API.bytesTag, UInt8(response.status >> 8), UInt8(response.status & 255)] + response.body
            var call = LikeService.Call(.remember, content: Array("idempotency".utf8))
            call.answer = answer
            let outcome = await service.perform(call)
            guard outcome.status == .done else {
                service.idempotency.release(answer)
                throw Answers.problem(outcome.status) ?? APIProblem(.internal)
            }
            await settle(answer, payload: answer.payload)
            return response
        }
    }
}
