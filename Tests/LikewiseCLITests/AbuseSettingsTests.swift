import Testing
import likewise

@Suite("Settings of likewise abuse")
struct AbuseSettingsTests {
    private func problems(_ arguments: [String]) -> [String] {
        do {
            _ = try resolve(AbuseSettings.self, arguments)
            return []
        } catch let error as SettingsError {
            return error.problems.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    @Test(
        "The actions say what they lack",
        arguments: [
            (["list"], nil), (["list", "--content-id", "c", "--user-id", "u", "--limit", "5"], nil),
            (["show", "c", "u"], nil), (["hold", "c", "u"], nil), (["release", "c"], nil), (["reject", "c", "u"], nil),
            (["list", "c"], "--content-id"), (["show", "c"], "a content and a user"),
            (["hold", "c"], "hold video_1 ann"),
            (["release"], "takes a content"), (["reject", "c", "u", "v"], "takes a content"),
            (["burn", "c"], "release, reject or hold"), (["list", "--limit", "0"], "limit"),
            (["list", "--key", "k", "--key-file", "f"], "give one of them"),
        ] as [([String], String?)])
    func actions(arguments: [String], words: String?) {
        let found = problems(arguments)
        if let words {
            #expect(found.contains { $0.contains(words) }, "\(found)")
        } else {
            #expect(found.isEmpty, "\(found)")
        }
    }

    @Test(
        "A server is named by scheme, host and port",
        arguments: [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("HTTPS://likes.example/", "https://likes.example"),
            ("http://[::1]:9", "http://[::1]:9"), ("likes.example", nil), ("http://", nil), ("ftp://x", nil),
            ("http://x/v1", nil), ("http://a@b", nil), ("http://a b", nil),
        ] as [(String, String?)])
    func urls(text: String, url: String?) throws {
        let found = try? resolve(AbuseSettings.self, ["list", "--url", text]).url
        #expect(found == url)
    }
}
