import Foundation
import LikewiseTestSupport
import Testing

/// The module below the button, in a real browser. Where a server has to misbehave, the page gives it another `fetch`.
@Suite("The button's module in a browser", .serialized, .timeLimit(.minutes(3)))
struct BrowserModuleTests {
    /// Runs the body of an asynchronous function in a page of a real server, with `Likewise`, `until`, which waits for a
    /// condition, and `Server`, a made-up one whose requests are kept and whose stream the test writes.
    private func run(_ script: String) throws -> JSON {
        try withServer { server in
            try withBrowser { browser in
                try browser.open("http://127.0.0.1:\(server.port)/buttons?content_id=other")
                let result = try browser.runAsync(
                    """
                    const { Likewise } = await import('/likewise.js');
                    const until = async condition => {
                      while (!condition()) await new Promise(done => setTimeout(done, 5));
                    };
                    class Server {
                      requests = [];
                      streams = [];
                      answers = [];
                      counts = id => ({ content_id: id, count: 5, reactions: { like: 5 }, approx: false });
                      fetch = async (url, init) => {
                        const call = { path: url.pathname, query: url.searchParams, ...init };
                        this.requests.push(call);
                        if (call.path === '/v1/live') {
                          return new Response(new ReadableStream({ start: stream => {
                            const tell = text => stream.enqueue(new TextEncoder().encode(text));
                            this.streams.push({ tell, end: () => stream.close() });
                            init.signal.addEventListener('abort', () => stream.error(init.signal.reason));
                          } }));
                        }
                        if (call.path === '/v1/likes/count/batch') {
                          return Response.json({ counts: JSON.parse(init.body).content_ids.map(this.counts) });
                        }
                        const { promise, resolve } = Promise.withResolvers();
                        this.answers.push((body, options) => resolve(Response.json(body, options)));
                        return promise;
                      };
                      get writes() { return this.requests.filter(({ path }) => path.startsWith('/v1/users')); }
                    }
                    const event = (id, count) => `event: count\\nid: a-${count}\\ndata: ${JSON.stringify(
                      { content_id: id, count, reactions: { like: count }, approx: false })}\\n\\n`;
                    \(script)
                    """)
                try expectQuiet(browser)
                return result
            }
        }
    }

    @Test(
        "A live count that is older than the answer is not shown, one that comes later is, and taps in between are one write"
    )
    func reconciled() throws {
        let seen = try run(
            """
            const server = new Server();
            const likewise = new Likewise({ userID: 'ann', fetch: server.fetch }), content = likewise.content('v');
            let told = 0;
            likewise.live(['v'], () => told++);
            const seen = [], shown = () => [content.count, content.reaction, content.pending];
            content.addEventListener('change', () => {
              if (JSON.stringify(seen.at(-1)) !== JSON.stringify(shown())) seen.push(shown());
            });
            await until(() => content.count === 5 && server.streams.length);
            content.set('like');
            await until(() => server.answers.length === 1);
            server.streams[0].tell(event('v', 3));
            content.set(null);
            content.set('love');
            content.set('like');
            content.set('love');
            await until(() => told === 1);
            server.answers[0]({ count: 8, reactions: { like: 8 }, reaction: 'like', approx: false });
            await until(() => server.answers.length === 2);
            server.answers[1]({ count: 9, reactions: { like: 8, love: 1 }, reaction: 'love', approx: false });
            await until(() => !content.pending);
            server.streams[0].tell(event('v', 4));
            await until(() => told === 2);
            server.streams[0].tell(event('v', 12));
            await until(() => content.count === 12);
            return [seen, server.writes.map(({ method, body }) => [method, JSON.parse(body).reaction])];
            """)
        #expect(
            seen == [
                [
                    [.null, .null, false], [5, .null, false], [6, "like", true], [5, .null, true], [6, "love", true],
                    [6, "like", true],
                    [6, "love", true], [9, "love", false], [12, "love", false],
                ], [["PUT", "like"], ["PUT", "love"]],
            ], "\(seen)")
    }

    @Test("Counts of one tick are one request for each hundred contents")
    func batched() throws {
        let sizes = try run(
            """
            const server = new Server(), likewise = new Likewise({ userID: 'ann', fetch: server.fetch });
            const ids = [...Array(150).keys()].map(number => `c${number}`);
            const counts = await Promise.all(
              [likewise.counts(ids.slice(0, 120)), ...ids.slice(120).map(id => likewise.count(id))]);
            const asked = server.requests.map(({ body }) => JSON.parse(body).content_ids.length);
            return [asked, counts.flat().map(({ content_id }) => content_id).join() === ids.join()];
            """)
        #expect(sizes == [[100, 50], true])
    }

    @Test("A write is tried again with its key and not before Retry-After, four times at most; a longer pause ends it")
    func retried() throws {
        let tried = try run(
            """
            const server = new Server(), likewise = new Likewise({ userID: 'ann', fetch: server.fetch });
            const keys = () => new Set(server.writes.map(({ headers }) => headers['Idempotency-Key'])).size;
            const begin = performance.now(), like = likewise.like('v').catch(error => error.reason);
            for (let tries = 0; tries < 4; tries++) {
              await until(() => server.answers.length > tries);
              server.answers[tries]({ code: 'overloaded' }, { status: 503, headers: tries ? {} : { 'Retry-After': '1' } });
            }
            const first = [await like, server.writes.length, keys(), performance.now() - begin > 1_000];
            const other = likewise.unlike('v').catch(error => [error.reason, error.status]);
            await until(() => server.answers.length === 5);
            server.answers[4]({ code: 'rate_limited' }, { status: 429, headers: { 'Retry-After': '60' } });
            return [first, await other, server.writes.length, keys()];
            """)
        #expect(tried == [["server", 4, 1, true], ["rate_limited", 429], 5, 2])
    }

    @Test("All followers share a stream; it goes on by the last event's id, and new contents are told from the start")
    func shared() throws {
        let opened = try run(
            """
            const server = new Server(), likewise = new Likewise({ fetch: server.fetch }), told = [];
            likewise.live(['a', 'b'], ({ content_id, count }) => told.push([content_id, count]));
            likewise.live(['b'], ({ count }) => told.push([count]));
            await until(() => server.streams.length === 1);
            const [text, rest] = [`retry: 10\\n\\n${event('a', 1)}:\\n\\n${event('b', 2)}`, event('a', 3)];
            for (const letter of text) server.streams[0].tell(letter);
            await until(() => told.length === 3);
            server.streams[0].end();
            await until(() => server.streams.length === 2);
            const end = likewise.live(['c'], () => {});
            await until(() => server.streams.length === 3);
            server.streams[2].tell(rest);
            await until(() => told.length === 4);
            end();
            const streams = server.requests.filter(({ path }) => path === '/v1/live');
            return [told, streams.map(({ query }) => query.getAll('content_id').sort().join('')),
              streams.map(({ headers }) => headers['Last-Event-ID'] ?? null), streams.map(({ signal }) => signal.aborted)];
            """)
        #expect(
            opened == [
                [["a", 1], ["b", 2], [2], ["a", 3]], ["ab", "ab", "abc"], [.null, "a-2", .null], [true, true, false],
            ], "\(opened)")
    }

    @Test("A page that is hidden has no stream, and asks again for what its user holds when it comes back")
    func hidden() throws {
        let asked = try run(
            """
            const server = new Server(), content = new Likewise({ userID: 'ann', fetch: server.fetch }).content('v');
            await until(() => content.count === 5 && server.streams.length === 1);
            server.streams[0].tell(event('v', 6));
            await until(() => content.count === 6);
            const show = isHidden => {
              Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
              document.dispatchEvent(new Event('visibilitychange'));
            };
            const stream = server.requests.find(({ path }) => path === '/v1/live');
            show(true);
            await until(() => stream.signal.aborted);
            server.counts = id => ({ content_id: id, count: 7, reactions: { like: 7 }, reaction: 'like', approx: false });
            show(false);
            await until(() => content.liked && content.count === 7);
            return server.requests.filter(({ path }) => path === '/v1/live').map(({ headers }) => headers['Last-Event-ID'] ?? null);
            """)
        #expect(asked == [.null, "a-6"])
    }
}
