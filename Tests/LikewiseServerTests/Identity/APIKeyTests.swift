import Foundation
import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Backends' keys")
struct APIKeyTests {
    private func make(_ scopes: Scopes = .likesWrite) -> (key: APIKey, shown: String) {
        APIKey.make(name: "web", scopes: scopes, created: "2026-01-01T00:00:00Z")
    }

    private func caller(_ keys: APIKeySet, _ shown: String) -> Caller? { keys.caller(Array(shown.utf8), expires: 1) }

    @Test("A key that was made acts with its scopes, also after the file was written and read")
    func roundTrip() throws {
        let made = make([.likesWrite, .admin])
        var keys = APIKeySet()
        try keys.add(made.key)
        let read = try APIKeySet(try keys.encoded())
        for keys in [keys, read] {
            let found = try #require(caller(keys, made.shown))
            #expect(
                found.scopes == [.likesWrite, .admin] && found.user == nil && found.name == "key:\(made.key.id)")
        }
        #expect(read.keys == [made.key])
        #expect(made.shown.hasPrefix("lw_\(made.key.id)_") && made.shown.utf8.count == 59)
        let text = String(decoding: try keys.encoded(), as: UTF8.self)
        #expect(!text.contains(made.shown.dropFirst(16)), "the secret is in the file")
    }

    @Test("A key with any character changed, cut, or longer is none")
    func others() throws {
        let made = make()
        let other = make()
        var keys = APIKeySet()
        try keys.add(made.key)
        let bytes = Array(made.shown.utf8)
        for i in bytes.indices {
            var changed = bytes
            changed[i] = changed[i] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
            #expect(keys.caller(changed, expires: 1) == nil, "with another character at \(i)")
            #expect(keys.caller(Array(bytes[..<i]), expires: 1) == nil, "cut at \(i)")
        }
        #expect(caller(keys, made.shown + "A") == nil && caller(keys, made.shown + "=") == nil)
        #expect(caller(keys, other.shown) == nil)
        #expect(caller(keys, "lw_\(made.key.id)_" + other.shown.dropFirst(16)) == nil)
    }

    @Test("A key that was revoked is none, and no other is touched")
    func revoke() throws {
        let (first, second) = (make(), make())
        var keys = APIKeySet()
        try keys.add(first.key)
        try keys.add(second.key)
        #expect(keys.remove(first.key.id) && !keys.remove(first.key.id))
        #expect(caller(keys, first.shown) == nil && caller(keys, second.shown) != nil)
    }

    @Test(
        "A file that is not as it should be is an error that says so",
        arguments: [
            ("", "no file of keys"), ("[]", "no file of keys"), (#"{"keys":[{"id":"x"}]}"#, "no file of keys"),
            (
                #"{"keys":[{"id":"x","name":"n","scopes":[],"sha256":"","created":""}]}"#, "is none of a key"
            ),
            (
                #"{"keys":[{"id":"0123456789ab","name":"n","scopes":["likes:all"],"sha256":"","created":""}]}"#,
                "likes:all"
            ),
            (
                #"{"keys":[{"id":"0123456789ab","name":"n","scopes":[],"sha256":"AAAA","created":""}]}"#, "no hash"
            ),
            (
                #"{"keys":[{"id":"0123456789ab","name":"","scopes":[],"sha256":"AAAA","created":""}]}"#, "the name"
            ),
        ])
    func unsound(text: String, words: String) {
        let problem = #expect(throws: APIKeyProblem.self) { try APIKeySet(Array(text.utf8)) }
        #expect(problem?.description.contains(words) == true, "\(problem?.description ?? "")")
    }

    @Test("There are at most so many keys, and no id twice")
    func bound() throws {
        var keys = APIKeySet()
        let first = make().key
        try keys.add(first)
        #expect(throws: APIKeyProblem.self) { try keys.add(first) }
        while keys.keys.count < APIKeySet.maxKeys { try keys.add(make().key) }
        #expect(throws: APIKeyProblem.self) { try keys.add(make().key) }
        #expect(try keys.encoded().count < APIKeySet.maxBytes)
    }

    @Test("Many who change the file at a time lose nothing, and it is its owner's alone")
    func concurrentChanges() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/keys.json"
        let file = IdentityFile(path, maxBytes: APIKeySet.maxBytes)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    try await onThread {
                        for _ in 0..<5 {
                            let made = APIKey.make(name: "n", scopes: .admin, created: "")
                            try file.update { bytes in
                                var keys = try bytes.map { try APIKeySet($0) } ?? APIKeySet()
                                try keys.add(made.key)
                                return (try keys.encoded(), ())
                            }
                        }
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try APIKeySet(try file.contents()).keys.count == 40)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["keys.json"])
    }
}
