import Foundation
import LikewiseTestSupport
import Testing

/// The files of the button: their weight, their policy, and that what the documents say of them runs.
@Suite("The files of the like button", .serialized, .timeLimit(.minutes(3)))
struct BrowserButtonFilesTests {
    @Test("The button and its module weigh less than 6,144 bytes together, by gzip -9")
    func weight() throws {
        let weights = try ["like-button.js", "likewise.js"].map { name -> Int in
            let file = Binary.root.appending(path: "Sources/CWeb/web/\(name)").path
            let process = try ChildProcess("/bin/sh", ["-c", "gzip -9 --stdout '\(file)' | wc -c"])
            try #require(process.waitForEnd(seconds: 20) == .exited(0), "\(process.errors)")
            return try #require(Int(process.output.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
        #expect(weights.reduce(0, +) < 6_144, "\(weights)")
    }

    @Test("The page lets only its own scripts and styles run, none of them inline, and nothing goes against it")
    func policy() throws {
        try withServer { server in
            let head = try server.connect().answer("GET", "/buttons")
            let policy = try #require(head.header("content-security-policy"))
            #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"))
            #expect(policy.contains("style-src 'self'") && policy.contains("connect-src 'self'"))
            #expect(!policy.contains("unsafe"))
            try withBrowser { browser in
                let page = try ButtonPage.open(browser, port: server.port, content: "v", user: "ann")
                // The policy holds: a style of the page's own does not.
                try page.run(
                    """
                    window.violations = [];
                    document.addEventListener(
                      'securitypolicyviolation', event => violations.push(event.violatedDirective));
                    """)
                try page.tap()
                try browser.press(Browser.Key.up, Browser.Key.right, Browser.Key.enter)
                try page.settle()
                #expect(try page.run("return violations") == [])
                try expectQuiet(browser)
                try page.run(
                    "document.head.append(Object.assign(document.createElement('style'), { textContent: 'p{}' }))")
                try browser.wait(for: "a violation", "return violations.length === 1")
            }
        }
    }

    @Test("The line of the documents makes a button that likes", arguments: ["README.md", "docs/button.md"])
    func line(document: String) throws {
        let line = try #require(try blocks("html", of: document).first { $0.contains("<like-button") })
        try withServer { server in
            try withBrowser { browser in
                try browser.open("http://127.0.0.1:\(server.port)/buttons")
                // The script is the page's already.
                let markup = line.split(separator: "\n").filter { !$0.hasPrefix("<script") }.joined(separator: "\n")
                try browser.run("document.body.insertAdjacentHTML('beforeend', arguments[0])", .string(markup))
                let page = ButtonPage(browser: browser, content: "video_1")
                try page.wait(for: "a count", "host.content.count === 0")
                try page.tap()
                try page.settle()
                expect(try server.connect().answer("GET", Target.like("ann", "video_1")), 200, ["liked": true])
            }
        }
    }

    @Test("The scripts of the documents run, and log what they say")
    func scripts() throws {
        try withServer { server in
            try withBrowser { browser in
                let scripts = try blocks("js", of: "docs/button.md")
                #expect(scripts.count == 4)
                for script in scripts {
                    try browser.open("http://127.0.0.1:\(server.port)/buttons?content_id=other")
                    // An import is an expression in the body of a function; the server is this one.
                    let body = script.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                        guard line.hasPrefix("import { ") else { return String(line) }
                        return line.replacingOccurrences(of: "import {", with: "const {")
                            .replacingOccurrences(of: "} from ", with: "} = await import(")
                            .replacingOccurrences(of: ";", with: ");")
                    }
                    .joined(separator: "\n").replacingOccurrences(of: "https://likes.example", with: "")
                    .replacingOccurrences(of: "url: '/'", with: "url: location.href")
                    try browser.runAsync(body)
                }
                // The last script ends with a like taken back.
                let http = try server.connect()
                let isBack = RedisPoll.until(seconds: 10) {
                    (try? http.answer("GET", Target.count("video_1")).json["count"]) == 0
                }
                #expect(isBack)
                try expectQuiet(browser)
            }
        }
    }

    @Test("A token's user likes without being named, and a token that does not hold is asked for again, once")
    func token() throws {
        try withFolder { folder in
            let secret = String(repeating: "s", count: 32)
            try secret.write(toFile: folder + "/secret", atomically: true, encoding: .utf8)
            let flags = ["--jwt-keys", folder + "/secret", "--jwt-issuer", "login", "--jwt-audience", "likes"]
            try withServer(flags, dataFolder: folder + "/data") { server in
                try withBrowser { browser in
                    try browser.open("http://127.0.0.1:\(server.port)/buttons?content_id=other")
                    let asked = try browser.runAsync(
                        """
                        const { LikeButton } = await import('/like-button.js');
                        const coded = bytes => btoa(String.fromCharCode(...bytes))
                          .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
                        const text = value => coded(new TextEncoder().encode(JSON.stringify(value)));
                        const key = await crypto.subtle.importKey('raw', new TextEncoder().encode('\(secret)'),
                          { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
                        const made = async seconds => {
                          const exp = Math.floor(Date.now() / 1000) + seconds;
                          const claims = { iss: 'login', aud: 'likes', sub: 'zoë', exp };
                          const signed = `${text({ alg: 'HS256', typ: 'JWT' })}.${text(claims)}`;
                          const mark = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(signed));
                          return `${signed}.${coded(new Uint8Array(mark))}`;
                        };
                        let asked = 0;
                        LikeButton.token = () => made(asked++ ? 60 : -60);
                        const button = new LikeButton();
                        button.setAttribute('content-id', 'v');
                        document.body.append(button);
                        while (button.content.count === null) await new Promise(done => setTimeout(done, 5));
                        button.shadowRoot.querySelector('button').click();
                        while (button.content.pending) await new Promise(done => setTimeout(done, 5));
                        return [asked, button.content.reaction, button.content.error];
                        """)
                    #expect(asked == [2, "like", .null])
                    expect(try server.connect().answer("GET", Target.count("v")), 200, ["count": 1])
                }
            }
        }
    }

    /// The code of a language in a document.
    private func blocks(_ language: String, of document: String) throws -> [String] {
        let text = try String(contentsOf: Binary.root.appending(path: document), encoding: .utf8)
        return text.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
    }
}
