import Foundation
import LikewiseTestSupport
import Synchronization
import Testing

/// The console in a real browser, against the real server.
@Suite("The console in a browser", .serialized, .timeLimit(.minutes(5)))
struct BrowserConsoleTests {
    /// Pages, each with what is there when it is drawn.
    private static let pages = [
        (
            "#/",
            """
            document.querySelector('.verdict').textContent === 'All is well.'
                && Number(document.querySelector('.tile .value').textContent.replace(/\\D/g, '')) > 0
                && document.querySelectorAll('.hot tbody tr').length === 3
                && document.querySelector('.gauge .note').textContent.startsWith('of ')
                && document.querySelector('.gauge .meter').ariaValueNow !== null
            """
        ),
        (
            "#/content/\(Traffic.contents[0])",
            """
            Number(document.querySelector('.total .value').textContent.replace(/\\D/g, '')) > 0
                && document.querySelector('.timeline .line').getAttribute('d').length > 20
                && document.querySelectorAll('.bars tbody tr').length === 2
                && document.querySelectorAll('.scroll tbody tr').length > 0
            """
        ),
        ("#/content", "document.querySelectorAll('.chips a').length === 3"),
        (
            "#/how",
            """
            [...document.querySelectorAll('.stage .value')].every(value => /\\d/.test(value.textContent))
                && document.querySelectorAll('.levels tbody tr').length === 5
            """
        ),
        ("#/plan", "document.querySelectorAll('.plan-result .card').length === 5"),
    ]

    @Test("Each page is drawn under traffic, is as wide as the window, and breaks no policy", arguments: [1_280, 360])
    func pages(width: Int) throws {
        try withServer { server in
            let traffic = Traffic(port: server.port)
            defer { traffic.stop() }
            try withBrowser(width: width, height: 800) { browser in
                for (address, isDrawn) in Self.pages {
                    try browser.open(console(server, address))
                    try browser.wait(for: address, seconds: 30, "try { return \(isDrawn) } catch { return false }")
                    let widths = try browser.run("return [document.documentElement.scrollWidth, innerWidth]")
                    #expect(widths == [.integer(Int64(width)), .integer(Int64(width))], "\(address)")
                    let nameless = try browser.run(
                        """
                        return [...document.querySelectorAll('button, input, a')].filter(element => !element.ariaLabel
                            && !element.textContent.trim() && !element.labels?.length).length
                        """)
                    #expect(nameless == 0, "\(address)")
                }
                try expectQuiet(browser)
            }
        }
    }

    @Test("What the overview is made of is below 40,000 bytes as it comes over the wire")
    func weight() throws {
        try withServer { server in
            try withBrowser { browser in
                try browser.open(console(server, "#/"))
                try browser.wait(
                    for: "the overview", "return document.querySelector('.verdict')?.textContent === 'All is well.'")
                let bytes = try browser.run(
                    """
                    const files = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/console/'));
                    return [...performance.getEntriesByType('navigation'), ...files]
                        .reduce((sum, file) => sum + file.encodedBodySize, 0)
                    """)
                #expect((20_000..<40_000).contains(bytes.int ?? 0), "\(bytes)")
            }
        }
    }

    @Test("Fast taps and a crowd are counted to the last one, and deleted when asked")
    func taps() throws {
        try withServer { server in
            let http = try server.connect()
            try withBrowser { browser in
                try browser.open(console(server, "#/how"))
                try browser.wait(for: "the counter", "return document.querySelector('.tap')?.disabled === false")
                let content = try #require(
                    try browser.run("return document.querySelector('.counter code').textContent").text)
                try browser.run("for (let i = 0; i < 37; i += 1) document.querySelector('.tap').click()")
                try agreement(
                    browser, "37 taps sent, 37 answered. The server, asked again, has 1 like, and you hold one")
                #expect(try http.answer("GET", Target.count(content)).json["count"] == 1)
                try browser.run("document.querySelectorAll('.counter .buttons button')[0].click()")
                try agreement(browser, "has 51 likes, and you hold one")
                #expect(try http.answer("GET", Target.count(content)).json["count"] == 51)
                try browser.run("document.querySelectorAll('.counter .buttons button')[1].click()")
                try browser.wait(
                    for: "another content",
                    "return document.querySelector('.counter code').textContent !== arguments[0]",
                    .string(content))
                #expect(try http.answer("GET", Target.count(content)).json["count"] == 0)
                try expectQuiet(browser)
            }
        }
    }

    @Test("One lock against shards runs on the server, and both have counted all")
    func experiment() throws {
        try withServer { server in
            try withBrowser { browser in
                try browser.open(console(server, "#/how"))
                try browser.wait(for: "the button", "return document.querySelector('.versus button')")
                try browser.run("document.querySelector('.versus button').click()")
                let note = try browser.wait(
                    for: "the figures", seconds: 40,
                    """
                    return document.querySelector('.versus button').disabled
                        ? null : document.querySelector('.versus > .note').textContent
                    """
                )
                #expect(note.text?.contains("Both counted 1,000.") == true, "\(note)")
                let lanes = try browser.run(
                    "return [...document.querySelectorAll('.lane .note')].map(note => note.textContent)")
                #expect(lanes.entries.first?.text?.hasPrefix("1,000 syncs") == true, "\(lanes)")
                try expectQuiet(browser)
            }
        }
    }

    @Test("The planner shows its lines as one types, says what is wrong, and its address holds the plan")
    func plan() throws {
        try withServer { server in
            try withBrowser { browser in
                try browser.open(console(server, "#/plan?daily_users=800000000"))
                try type(browser, "plan-likes_per_user", "150")
                try browser.wait(
                    for: "the rate",
                    "return document.querySelector('.plan-result')?.textContent.includes('1.39 M likes/s')")
                let address = try #require(try browser.run("return location.href").text)
                #expect(address.contains("daily_users=800000000&likes_per_user=150"))
                try type(browser, "plan-peak", "much")
                #expect(try browser.run("return document.getElementById('plan-peak').ariaInvalid") == "true")
                #expect(try browser.run("return document.querySelector('.plan .trouble').textContent") != "")
                try browser.open("about:blank")
                try browser.open(address)
                try browser.wait(
                    for: "the plan again",
                    "return document.querySelector('.plan-result')?.textContent.includes('1.39 M likes/s')")
                try expectQuiet(browser)
            }
        }
    }

    @Test(
        "A server with keys asks for one, says of one that it is not known or not enough, and takes an operator's"
    )
    func keys() throws {
        try withFolder { folder in
            let path = folder + "/keys.json"
            let writer = try key(path, "likes:write")
            let operatorKey = try key(path, "admin")
            try withServer(["--api-keys", path]) { server in
                try withBrowser { browser in
                    try browser.open(console(server, "#/"))
                    try wait(browser, "asks who is calling")
                    try enter(browser, "lw_unknown")
                    try wait(browser, "does not know this key")
                    try enter(browser, writer)
                    try wait(browser, "not enough")
                    try enter(browser, operatorKey)
                    try browser.wait(
                        for: "the figures", "return document.querySelector('.verdict')?.textContent === 'All is well.'")
                    #expect(try browser.run("return document.getElementById('key-panel').hidden") == true)
                    // Refusals are all that the browser has to tell of.
                    let others = try browser.entries().filter {
                        $0.level == "SEVERE" && !$0.message.contains("401") && !$0.message.contains("403")
                    }
                    #expect(others.isEmpty, "\(others)")
                }
            }
        }
    }

    @Test("A server that is gone is said to be, in words")
    func outage() throws {
        try withServer { server in
            try withBrowser { browser in
                try browser.open(console(server, "#/"))
                try browser.wait(
                    for: "the figures", "return document.querySelector('.verdict')?.textContent === 'All is well.'")
                server.process.kill9()
                try browser.wait(
                    for: "the outage",
                    "return document.querySelector('.outages .bad')?.textContent.startsWith('No metrics since')")
                #expect(try browser.run("return document.querySelector('.pulse').textContent") == "No answer")
            }
        }
    }

    @Test("A page that is hidden closes its stream, and opens it again when it is seen")
    func hidden() throws {
        try withServer { server in
            // A connection that is gone shows when something is written to it.
            let traffic = Traffic(port: server.port)
            defer { traffic.stop() }
            try withBrowser { browser in
                try browser.open(console(server, "#/"))
                try expectStreams(server, 1)
                let window = try browser.cdp("Browser.getWindowForTarget")["windowId"] ?? .null
                try browser.cdp(
                    "Browser.setWindowBounds", ["windowId": window, "bounds": ["windowState": "minimized"]])
                try browser.wait(for: "the page to be hidden", "return document.hidden")
                try expectStreams(server, 0)
                try browser.cdp("Browser.setWindowBounds", ["windowId": window, "bounds": ["windowState": "normal"]])
                try expectStreams(server, 1)
                try expectQuiet(browser)
            }
        }
    }

    @Test("Figures are reckoned right: resets of counters, quantiles, numbers, events cut anywhere")
    func modules() throws {
        try withServer { server in
            try withBrowser { browser in
                try browser.open(console(server, "#/plan"))
                let found = try browser.runAsync(
                    """
                    const { parse, histogram, total } = await import('/console/prometheus.js');
                    const { gained, gainedHistogram, quantile } = await import('/console/deltas.js');
                    const { bytes, display, short, time } = await import('/console/numbers.js');
                    const { EventParser } = await import('/console/sse.js');
                    const page = parse('# HELP a b\\na_total{x="1",y="q\\\\"\\\\n"} 3\\na_total{x="2"} 4\\n'
                        + 'h_bucket{le="1"} 0\\nh_bucket{le="2"} 10\\nh_bucket{le="+Inf"} 20\\n'
                        + 'h_sum 30\\nh_count 20\\n');
                    const h = histogram(page, 'h');
                    const stream = ': beat\\n\\nretry: 1500\\r\\n\\r\\nevent: count\\nid: e-7\\n'
                        + 'data: {"count":\\ndata: 3}\\n\\n';
                    const whole = [], cut = [], [one, other] = [new EventParser(), new EventParser()];
                    whole.push(...one.push(stream));
                    for (const letter of stream) cut.push(...other.push(letter));
                    return [
                        page.get('a_total')[0].labels.y, total(page, 'a_total', ({ x }) => x === '2'),
                        quantile(h, 0.25), quantile(h, 0.99), quantile(gainedHistogram(h, h), 0.5),
                        gained(5, 8), gained(5, 3), gainedHistogram({ ...h, count: 21 }, h).count,
                        [999, 1000, 12899, 999999, 1000000].map(display).join(' '),
                        [0, 0.042, 7.25, 4210, 12849].map(short).join(' '),
                        [0.000085, 0.00342, 1.25, 240].map(time).join(', '), bytes(1258291),
                        JSON.stringify(whole), JSON.stringify(cut) === JSON.stringify(whole), other.retry, other.lastID,
                    ];
                    """)
                let expected: JSON = [
                    "q\"\n", 4, .number(1.5), 2, .null, 3, 3, 20, "999 1K 12.8K 999K 1M", "0 0.04 7.25 4,210 12.8 K",
                    "85 µs, 3.42 ms, 1.25 s, 4 min", "1.2 MiB",
                    "[{\"name\":\"count\",\"data\":\"{\\\"count\\\":\\n3}\"}]",
                    true, 1500, "e-7",
                ]
                #expect(found == expected, "\(found)")
                try expectQuiet(browser)
            }
        }
    }

    // MARK: Steps

    private func console(_ server: ServerProcess, _ address: String) -> String {
        "http://127.0.0.1:\(server.port)/\(address)"
    }

    /// Expects that this many streams of counts come to be open.
    private func expectStreams(_ server: ServerProcess, _ count: Int) throws {
        let http = try server.connect()
        let areOpen = RedisPoll.until(seconds: 20) {
            let page = (try? http.answer("GET", "/metrics").text) ?? ""
            return page.split(separator: "\n").contains("likewise_live_streams \(count)")
        }
        #expect(areOpen, "there are not \(count) streams")
    }

    /// Waits until the counter says that the server agrees, in these words.
    private func agreement(_ browser: Browser, _ words: String) throws {
        try browser.wait(
            for: words, seconds: 30,
            """
            const line = document.querySelector('.verdict-line.good')?.textContent;
            return line?.includes(arguments[0]) && line.endsWith('they agree.')
            """,
            .string(words))
    }

    /// Writes into a field as a person would, its events included.
    private func type(_ browser: Browser, _ field: String, _ text: String) throws {
        try browser.wait(for: field, "return document.getElementById(arguments[0]) !== null", .string(field))
        try browser.run(
            """
            const field = document.getElementById(arguments[0]);
            field.value = arguments[1];
            field.dispatchEvent(new Event('input', { bubbles: true }));
            """, .string(field), .string(text))
    }

    private func enter(_ browser: Browser, _ key: String) throws {
        try type(browser, "key-field", key)
        try browser.run("document.getElementById('key-panel').requestSubmit()")
    }

    /// Waits until the note beside the key's field contains these words.
    private func wait(_ browser: Browser, _ words: String) throws {
        try browser.wait(
            for: words, "return document.getElementById('key-note').textContent.includes(arguments[0])", .string(words))
    }

    private func key(_ path: String, _ scope: String) throws -> String {
        let made = try Binary.run(["keys", "make", "--api-keys", path, "--name", "console", "--scopes", scope])
        #expect(made.ending == .exited(0), "\(made.errors)")
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Likes by ever other users on a few contents, two reactions in turn, until it is stopped.
private final class Traffic: Sendable {
    static let contents = ["first/one", "second", "third"]
    private let isStopped = Atomic(false)
    private let hasEnded = Atomic(false)

    init(port: UInt16) {
        Thread.detachNewThread { [self] in
            defer { hasEnded.store(true, ordering: .releasing) }
            guard let http = try? HTTPConnection(port: port) else { return }
            var number = 0
            while !isStopped.load(ordering: .acquiring) {
                let content = Traffic.contents[number % Traffic.contents.count]
                let reaction: JSON = number % 2 == 0 ? "like" : "love"
                let like = try? http.answer("PUT", Target.like("user-\(number)", content), ["reaction": reaction])
                guard like?.status == 200 else { return }
                number += 1
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        _ = RedisPoll.until(seconds: 10) { hasEnded.load(ordering: .acquiring) }
    }
}
