import LikewiseServer
import Testing

@Suite("The rules of who may do what")
struct CallerTests {
    private static func user(_ scopes: Scopes = []) -> Caller {
        Caller(user: Array("ann".utf8), scopes: scopes, expires: .max)
    }
    private static func key(_ scopes: Scopes = []) -> Caller {
        Caller(key: "0123456789ab", scopes: scopes, expires: .max)
    }

    @Test("A user's token acts for its subject, and for others with the scope")
    func users() {
        for access in [Caller.UserAccess.write, .read] {
            #expect(Self.user().refusal(access, isOwn: true) == nil)
            #expect(Self.user().refusal(access, isOwn: false) == .notYourself)
            #expect(Self.user(access.scope).refusal(access, isOwn: false) == nil)
        }
        #expect(Self.user(.likesWrite).refusal(.read, isOwn: false) == .notYourself)
    }

    @Test("A backend's key acts for all users, as far as its scopes go")
    func keys() {
        #expect(Self.key(.likesWrite).refusal(.write, isOwn: false) == nil)
        #expect(Self.key(.likesWrite).refusal(.read, isOwn: false) == .forbidden(.usersRead))
        #expect(Self.key(.usersRead).refusal(.read, isOwn: false) == nil)
        #expect(Self.key([.usersRead, .admin]).refusal(.write, isOwn: false) == .forbidden(.likesWrite))
    }

    @Test("Nobody in particular may do nothing for a user, and a server without identity believes everybody")
    func others() {
        for access in [Caller.UserAccess.write, .read] {
            #expect(Caller.anonymous().refusal(access, isOwn: false) == .unauthenticated)
            #expect(Caller.trusted().refusal(access, isOwn: false) == nil)
        }
        for (_, scope) in Scopes.named {
            #expect(Caller.anonymous().refusal(without: scope) == .unauthenticated)
            #expect(Caller.trusted().refusal(without: scope) == nil)
            #expect(Self.user().refusal(without: scope) == .forbidden(scope))
            #expect(Self.key(scope).refusal(without: scope) == nil)
        }
        #expect(!Caller.anonymous().seesPrivate && Caller.trusted().seesPrivate)
        #expect(!Self.user([.likesWrite, .usersRead, .admin]).seesPrivate && Self.key(.likesRead).seesPrivate)
    }

    @Test("A scope claim gives the scopes that are known here, and passes over others")
    func scopeClaim() {
        #expect(Scopes(claim: "openid likes:read  admin") == [.likesRead, .admin])
        #expect(Scopes(claim: "") == [] && Scopes(claim: "Admin likes:Read likes:readx") == [])
        #expect(Scopes([.admin, .likesWrite]).names == ["likes:write", "admin"])
    }
}

@Suite("The cache of credentials")
struct CallerCacheTests {
    private func cache(entries: Int = 4, bytes: Int = 1 << 20) -> CallerCache {
        var limits = CallerCache.Limits()
        limits.entries = entries
        limits.bytes = bytes
        return CallerCache(limits, seed: 7)
    }

    private func caller(_ name: String, expires: UInt64 = 100) -> Caller {
        Caller(user: Array(name.utf8), scopes: [], expires: expires)
    }

    private func find(_ cache: inout CallerCache, _ token: String, generation: UInt64 = 1, now: UInt64 = 0) -> String? {
        Array(token.utf8).withUnsafeBytes { cache.find($0, generation: generation, now: now)?.name }
    }

    @Test("Finds what was kept, to the last byte, until it expires")
    func keeps() {
        var cache = cache()
        cache.insert(Array("token".utf8), caller("ann"), generation: 1)
        #expect(find(&cache, "token", now: 99) == "user:ann")
        #expect(find(&cache, "token", now: 100) == nil)
        #expect(find(&cache, "tokeN") == nil && find(&cache, "toke") == nil && find(&cache, "token1") == nil)
    }

    @Test("Is empty when keys have changed, and takes nothing that was checked with the ones before")
    func generations() {
        var cache = cache()
        cache.insert(Array("token".utf8), caller("ann"), generation: 1)
        #expect(find(&cache, "token", generation: 2) == nil)
        cache.insert(Array("token".utf8), caller("ann"), generation: 1)
        #expect(find(&cache, "token", generation: 2) == nil && cache.count == 0)
        cache.insert(Array("token".utf8), caller("ann"), generation: 2)
        #expect(find(&cache, "token", generation: 2) == "user:ann")
    }

    @Test("Holds no more than twice its bound, and keeps what is asked for")
    func bound() {
        var cache = cache(entries: 8)
        cache.insert(Array("hot".utf8), caller("hot"), generation: 1)
        for i in 0..<1_000 {
            cache.insert(Array("token \(i)".utf8), caller("\(i)"), generation: 1)
            #expect(find(&cache, "token \(i)") == "user:\(i)")
            #expect(find(&cache, "hot") == "user:hot")
            #expect(cache.count <= 16)
        }
        #expect(find(&cache, "token 0") == nil)
    }

    @Test("Holds no more bytes than its bound, whatever the size of tokens")
    func bytes() {
        var cache = cache(entries: 1_000, bytes: 1_000)
        for i in 0..<50 {
            cache.insert([UInt8](repeating: UInt8(i), count: 400), caller("\(i)"), generation: 1)
            #expect(cache.count <= 4)
        }
    }
}
