import Testing
import likewise

@Suite("Settings of how connections come in")
struct TransportSettingsTests {
    private func problems(_ arguments: [String]) -> [String] {
        do {
            _ = try resolve(ServeSettings.self, arguments)
            return []
        } catch let error as SettingsError {
            return error.problems.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    @Test(
        "What needs something else says what it lacks",
        arguments: [
            (["--tls-certificate", "c.pem", "--tls-key", "k.pem"], nil), (["--tls-certificate", "c.pem"], "tls-key: "),
            (["--tls-key", "k.pem"], "tls-certificate: "),
            (["--strict-transport-security", "365d"], "strict-transport-security: "),
            (["--tls-certificate", "c.pem", "--tls-key", "k.pem", "--strict-transport-security", "1h"], nil),
            (["--proxy-protocol"], "proxy-protocol: "), (["--proxy-protocol", "--trusted-proxies", "10.0.0.0/8"], nil),
        ] as [([String], String?)])
    func combinations(_ arguments: [String], _ problem: String?) {
        let found = problems(arguments)
        #expect(found.count == (problem == nil ? 0 : 1), "\(found)")
        if let problem { #expect(found.first?.hasPrefix(problem) == true, "\(found)") }
    }

    @Test("TLS does not take the place of identity: the address stays loopback")
    func hosts() {
        let tls = ["--tls-certificate", "c.pem", "--tls-key", "k.pem"]
        #expect(problems(tls + ["--host", "0.0.0.0"]).first?.hasPrefix("host: ") == true)
        #expect(problems(tls + ["--host", "0.0.0.0", "--api-keys", "keys.json"]).isEmpty)
    }

    @Test(
        "Origins are a star, or a list of what browsers write",
        arguments: [
            ("*", true), ("https://app.example", true), ("https://app.example,http://localhost:3000", true),
            ("", false), ("*,https://app.example", false), ("https://app.example/", false), ("app.example", false),
            ("https://app.example,", false), ("https://*.example", false),
        ])
    func origins(_ text: String, _ isTaken: Bool) {
        #expect(problems(["--cors-origins", text]).isEmpty == isTaken)
    }
}
