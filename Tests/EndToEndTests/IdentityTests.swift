import Foundation
import LikewiseTestSupport
import Testing

@Suite("Identity of the binary")
struct IdentityTests {
    @Test("A key made by the command acts as far as its scopes go, and not after it is revoked")
    func keys() throws {
        try withFolder { folder in
            let path = folder + "/keys.json"
            let made = try Binary.run([
                "keys", "make", "--api-keys", path, "--name", "web", "--scopes", "likes:write",
            ])
            #expect(made.ending == .exited(0), "\(made.errors)")
            let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let id = String(key.dropFirst(3).prefix(12))
            let list = try Binary.run(["keys", "list", "--api-keys", path])
            #expect(list.output.contains("\(id)  ") && list.output.contains("likes:write  web"), "\(list.output)")
            #expect(!list.output.contains(key.dropFirst(16)), "the secret is shown again")
            try withServer(["--api-keys", path]) { server in
                let http = try server.connect()
                let bearer = [(name: "Authorization", value: "Bearer \(key)")]
                let like: JSON = ["content_id": "c", "user_id": "ann"]
                let refused = try http.answer("POST", Target.likes, like)
                expectProblem(refused, 401, "unauthenticated")
                #expect(try http.answer("POST", Target.likes, like, headers: bearer).status == 200)
                expectProblem(try http.answer("GET", "/metrics", headers: bearer), 403, "forbidden")
                #expect(try http.answer("GET", Target.count("c")).status == 200)
                #expect(try Binary.run(["keys", "revoke", id, "--api-keys", path]).ending == .exited(0))
                let began = ContinuousClock.now
                while try http.answer("POST", Target.likes, like, headers: bearer).status != 401 {
                    try #require(ContinuousClock.now - began < .seconds(60), "the key still acts")
                }
            }
            let again = try Binary.run(["keys", "revoke", id, "--api-keys", path])
            #expect(again.ending == .exited(1) && again.errors.contains("there is no key \(id)"), "\(again.errors)")
        }
    }

    @Test("A server whose keys cannot be read does not start, and says which file it is")
    func unsound() throws {
        try withFolder { folder in
            let run = try Binary.run(
                ["serve", "--port", "0", "--data-dir", folder + "/data", "--api-keys", folder + "/none.json"],
                seconds: 20)
            #expect(run.ending == .exited(1) && run.errors.contains("api-keys \(folder)/none.json"), "\(run.errors)")
        }
    }
}
