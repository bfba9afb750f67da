// Tokens that do not hold, over HTTP: whatever is wrong with one, the answer is the same, to the byte.

import Foundation
import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Attacks with tokens over HTTP")
struct IdentityAttackTests {
    @Test("Every attack is answered 401 with the same body, by the event loop's way and by the full stack's")
    func attacks() async throws {
        let bed = try IdentityBed()
        let attacks = try await bed.issuer.attacks()
        let sound = try await bed.issuer.token()
        let refused = try await TestServer.run(bed.options) { server in
            let plain = IdentityRouteTests.like("v", "ann")
            var answers: [(String, RawAnswer)] = []
            func ask(_ name: String, _ request: RawRequest) throws {
                // Each on a connection of its own, so that each begins where hot calls are answered.
                answers.append((name, try server.connect().ask(request)))
                answers.append((name + ", full stack", try server.connect().ask(request.detoured)))
            }
            for attack in attacks { try ask(attack.name, plain.bearing(attack.token)) }
            try ask("two fields", plain.bearing(sound).bearing(sound))
            try ask("two fields, one that does not hold", plain.bearing(sound).bearing("x"))
            for value in [
                "Bearer", "Bearer ", sound, "Basic YTpi", "Token \(sound)", "Bearer\t\(sound)", "bearer:\(sound)", "",
            ] {
                try ask("Authorization: \(value.prefix(12))", plain.with("Authorization", value))
            }
            try ask("a count for everyone", IdentityRouteTests.count("v").bearing(attacks[0].token))
            let counted = try server.connect().ask(IdentityRouteTests.count("v"))
            #expect(counted.says("count", "0"), "an attack had an effect: \(counted.text)")
            return answers
        }
        let first = try #require(refused.first?.1)
        for (name, answer) in refused {
            #expect(answer.status == 401, "\(name): \(answer.line)")
            #expect(answer.text == first.text, "\(name)")
            #expect(answer.field("WWW-Authenticate") == "Bearer realm=\"likewise\", error=\"invalid_token\"", "\(name)")
            #expect(answer.field("Cache-Control") == "no-store", "\(name)")
        }
    }

    @Test("A sound token is taken however the scheme is written, and with the longest header that is allowed")
    func sound() async throws {
        let bed = try IdentityBed()
        let token = try await bed.issuer.token()
        let claims = TokenIssuer.claims(["more": "\"" + String(repeating: "x", count: 5_500) + "\""])
        let long = try await bed.issuer.token(header: bed.issuer.header(.es256), claims: claims, .es256)
        try await TestServer.run(bed.options) { server in
            for value in ["Bearer \(token)", "bearer \(token)", "BEARER   \(token) ", "Bearer \(long)"] {
                for request in [IdentityRouteTests.like("v"), IdentityRouteTests.like("v").detoured] {
                    let answer = try server.connect().ask(request.with("authorization", value))
                    #expect(answer.status == 200 || answer.status == 409, "\(value.prefix(20)): \(answer.text)")
                }
            }
        }
    }

    @Test("A token holds until it expires, also where it was found to hold before")
    func expiry() async throws {
        let bed = try IdentityBed()
        let token = try await bed.issuer.token()
        let clock = ShiftedClock()
        var options = bed.options
        (options.clock, options.identityClock) = (clock, clock)
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            func ask() throws -> Int { try connection.ask(IdentityRouteTests.like("v").bearing(token)).status }
            #expect(try ask() == 200)
            #expect(try ask() == 409)
            clock.advance(seconds: TokenIssuer.lifetime + 31)
            #expect(try ask() == 401)
        }
    }
}
