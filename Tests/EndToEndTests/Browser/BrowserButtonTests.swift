import Foundation
import LikewiseTestSupport
import Testing

/// The like button in a real browser, against the real server.
@Suite("The like button in a browser", .serialized, .timeLimit(.minutes(3)))
struct BrowserButtonTests {
    @Test("A tap shows before the server has answered, and stays as the server confirms it")
    func optimistic() throws {
        try withServer { server in
            let relay = try HeldRelay(to: server.port)
            defer { relay.stop() }
            try withBrowser { browser in
                let page = try ButtonPage.open(browser, port: relay.port, content: "v", user: "ann")
                #expect(try page.shown.description == "0 'Like, 0 likes'")
                relay.hold()
                try page.tap()
                #expect(try page.shown.description == "1 'Like, 1 like' pressed busy")
                // The like is there while its answer waits; nothing but the answer is missing.
                let http = try server.connect()
                let isThere = RedisPoll.until(seconds: 10) {
                    (try? http.answer("GET", Target.count("v")).json["count"]) == 1
                }
                #expect(isThere)
                #expect(try page.shown.description == "1 'Like, 1 like' pressed busy")
                relay.letGo()
                try page.settle()
                #expect(try page.shown.description == "1 'Like, 1 like' pressed")
                // The stream's count, which holds the like, is not added to it.
                try page.wait(for: "the quiet after a write", "host.content.reactions.like === 1")
                try expectQuiet(browser)
            }
        }
    }

    @Test("What the server refuses goes back to what it confirmed last, and the button says why")
    func refused() throws {
        try withServer { server in
            try withBrowser { browser in
                try browser.open("http://127.0.0.1:\(server.port)/buttons")
                let words = [
                    "Not signed in": "Sign in to like this.", "Another user": "You are signed in as someone else.",
                    "Too fast": "Too many changes. Try again later.", "Offline": "No connection. Not saved.",
                    "Server error": "Not saved. Try again later.",
                ]
                for (state, message) in words {
                    let page = ButtonPage(browser: browser, content: state)
                    try page.wait(for: state, seconds: 20, "root.querySelector('[part=message]').textContent")
                    #expect(try page.shown.description == "7 'Like, 7 likes' '\(message)'")
                    #expect(try page.run("return root.querySelector('[part=message]').ariaLive") == "polite")
                }
                let held = ButtonPage(browser: browser, content: "Pending")
                #expect(try held.shown.description == "42 'Like, 42 likes' pressed busy")
                let large = ButtonPage(browser: browser, content: "A very large count")
                #expect(try large.shown.description == "987B 'Like, 987,654,321,987 likes'")
                // Nothing of this has left the page.
                try expectQuiet(browser)
            }
        }
    }

    @Test("500 from a server takes the count back, and tells the page why")
    func failed() throws {
        try withServer { server in
            try withBrowser { browser in
                let page = try ButtonPage.open(browser, port: server.port, content: "v", user: "ann")
                try page.tap()
                try page.settle()
                // Reads go to the server, writes fail.
                let events = try page.runAsync(
                    """
                    const { Likewise } = await import('/likewise.js');
                    const fails = (url, init) => init.method === 'DELETE' || init.method === 'PUT'
                      ? Promise.resolve(new Response('{"code":"internal"}', { status: 500 })) : fetch(url, init);
                    const other = document.createElement('like-button'), events = [];
                    other.client = new Likewise({ userID: 'ann', fetch: fails });
                    other.setAttribute('content-id', 'v');
                    document.body.append(other);
                    while (other.content.count === null) await new Promise(done => setTimeout(done, 5));
                    document.addEventListener('like-change', event => {
                      if (event.target === other) events.push([event.detail.reaction, event.detail.count]);
                    });
                    const failed = new Promise(done => document.addEventListener('like-error', done, { once: true }));
                    other.shadowRoot.querySelector('button').click();
                    const { detail } = await failed;
                    other.remove();
                    return [events[0], [detail.reaction, detail.count], detail.error.reason, detail.error.status];
                    """)
                #expect(events == [[.null, 0], ["like", 1], "server", 500])
                expect(try server.connect().answer("GET", Target.count("v")), 200, ["count": 1])
            }
        }
    }

    @Test("Without a token, on a server that knows its users, a tap goes back and asks to sign in")
    func unauthenticated() throws {
        try withFolder { folder in
            let keys = folder + "/keys.json"
            _ = try Binary.run(["keys", "make", "--api-keys", keys, "--name", "web", "--scopes", "likes:write"])
            try withServer(["--api-keys", keys], dataFolder: folder + "/data") { server in
                try withBrowser { browser in
                    let page = try ButtonPage.open(browser, port: server.port, content: "v", user: "ann")
                    try page.tap()
                    try page.wait(for: "a message", "root.querySelector('[part=message]').textContent")
                    #expect(try page.shown.description == "0 'Like, 0 likes' 'Sign in to like this.'")
                    expect(try server.connect().answer("GET", Target.count("v")), 200, ["count": 0])
                }
            }
        }
    }

    @Test("Offline a tap goes back at once and says so; the next one after it counts")
    func offline() throws {
        try withServer { server in
            try withBrowser { browser in
                let page = try ButtonPage.open(browser, port: server.port, content: "v", user: "ann")
                try browser.setOffline(true)
                try page.tap()
                try page.wait(for: "a message", seconds: 2, "root.querySelector('[part=message]').textContent")
                #expect(try page.shown.description == "0 'Like, 0 likes' 'No connection. Not saved.'")
                expect(try server.connect().answer("GET", Target.count("v")), 200, ["count": 0])
                try browser.setOffline(false)
                try page.tap()
                try page.settle()
                #expect(try page.shown.description == "1 'Like, 1 like' pressed")
                expect(try server.connect().answer("GET", Target.count("v")), 200, ["count": 1])
            }
        }
    }

    @Test("Two browsers see each other's likes within a second")
    func together() throws {
        try withServer { server in
            try withBrowser { first in
                try withBrowser { second in
                    let pages = [
                        try ButtonPage.open(first, port: server.port, content: "v", user: "ann"),
                        try ButtonPage.open(second, port: server.port, content: "v", user: "bob"),
                    ]
                    for (own, other, count) in [(0, 1, 1), (1, 0, 2)] {
                        // Seen is the moment at which the other page's text changes; both have the machine's clock.
                        try pages[other].run(
                            """
                            const count = root.querySelector('[part=count]');
                            window.seen = null;
                            new MutationObserver(() => {
                              window.seen ??= count.textContent === '\(count)' ? Date.now() : null;
                            }).observe(count, { childList: true });
                            """)
                        let tapped = try pages[own].run("const now = Date.now(); button.click(); return now")
                        let seen = try pages[other].browser.wait(for: "the other's like", "return window.seen")
                        let late = try #require(seen.int) - (try #require(tapped.int))
                        #expect(late < 1_000, "seen after \(late) ms")
                        #expect(try pages[own].shown.count == "\(count)")
                    }
                    #expect(try pages[0].shown.description == "2 'Like, 2 likes' pressed")
                    #expect(try pages[1].shown.description == "2 'Like, 2 likes' pressed")
                    try expectQuiet(first)
                    try expectQuiet(second)
                }
            }
        }
    }

    @Test("A hundred rapid taps end as the last one wants it, and count once or not at all", arguments: [99, 100])
    func rapid(taps: Int) throws {
        try withServer { server in
            try withBrowser { browser in
                let page = try ButtonPage.open(browser, port: server.port, content: "v", user: "ann")
                try page.runAsync(
                    """
                    for (let tap = 0; tap < \(taps); tap++) {
                      button.click();
                      if (tap % 3) await new Promise(done => setTimeout(done, tap % 7));
                    }
                    """)
                try page.settle()
                let isLiked = taps % 2 == 1
                let expected = isLiked ? "1 'Like, 1 like' pressed" : "0 'Like, 0 likes'"
                #expect(try page.shown.description == expected)
                let http = try server.connect()
                expect(try http.answer("GET", Target.count("v")), 200, ["count": isLiked ? 1 : 0])
                expect(try http.answer("GET", Target.like("ann", "v")), 200, ["liked": .bool(isLiked)])
                // Live counts that were kept back in the meantime change nothing.
                try page.wait(for: "the quiet after a write", "host.content.count === \(isLiked ? 1 : 0)")
                try expectQuiet(browser)
            }
        }
    }
}
