// What a content shows: `base`, the count told last, less `own`, the user's reaction that was confirmed, plus `wanted`, the
// one chosen last. Writes go one by one; the answer is base and own. A live count may be older: until own is known, during
// a write, and 1 s after it (3 s if approximate), it waits. A failed write may have arrived: own is asked for.

const after = ms => new Promise(done => setTimeout(done, ms * (1 + Math.random())));

export const display = new Intl.NumberFormat('en', {
  notation: 'compact', maximumFractionDigits: 1, maximumSignificantDigits: 3, roundingPriority: 'lessPrecision',
  roundingMode: 'trunc',
}).format;

function subject(token) {
  try {
    const claims = atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'));
    return JSON.parse(decodeURIComponent(escape(claims))).sub;
  } catch {}
}

function caller({ url = import.meta.url, token, userID, fetch = self.fetch.bind(self) }) {
  let bearer;
  return async (method, own, body, path, stream) => {
    const key = crypto.getRandomValues(new Uint32Array(4)).join();
    for (let tries = 1; ; tries++) {
      const used = bearer ??= (async () => token?.())().catch(() => {});
      const shown = await used, user = userID ?? subject(shown);
      let status = own && !user ? 401 : 0, problem = {}, pause = 300 * 2 ** tries;
      if (own) path = `users/${encodeURIComponent(user)}/likes/${encodeURIComponent(own)}`;
      try {
        if (!status) {
          const response = await fetch(new URL('v1/' + path, url), {
            method,
            body: body && JSON.stringify({ ...body, user_id: user }),
            keepalive: own,
            signal: AbortSignal.any([stream?.signal, AbortSignal.timeout(stream ? 600_000 : 8_000)].filter(Boolean)),
            headers: {
              ...shown && { Authorization: 'Bearer ' + shown },
              ...body && { 'Content-Type': 'application/json' },
              ...own && { 'Idempotency-Key': key },
              ...stream?.headers,
            },
          });
          if (response.ok) return stream ? response : await response.json();
          status = response.status;
          pause += response.headers.get('Retry-After') * 1_000 || 0;
          problem = await response.json();
        }
      } catch {}
      const { code, detail } = problem, refused = status === 401;
      if (refused && bearer === used) bearer = null;
      if (refused ? !token || tries > 1 : stream || tries > 3 || pause > 10_000 || !navigator.onLine
        || !/^0|409|429|50[234]/.test(status)) {
        const reason = { 0: 'offline', 401: 'unauthenticated', 429: 'rate_limited' }[status]
          ?? (code === 'not_yourself' ? code : 'server');
        throw Object.assign(new Error(detail), { reason, status, code });
      }
      await after(refused ? 0 : pause);
    }
  };
}

function liveCounts(call, onReturn) {
  const followers = new Set();
  let stream, timer, lastID, retry = 1_000;

  function restart() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stream?.abort();
      stream = new AbortController();
      if (!document.hidden && followers.size) follow(stream.signal);
    });
  }

  async function follow(signal) {
    let path = 'live?', failures = 0;
    for (const id of [...new Set([...followers].flatMap(([ids]) => ids))].slice(-100).reverse())
      if (path.length < 7_000) path += '&content_id=' + encodeURIComponent(id);
    while (!signal.aborted) {
      try {
        const headers = lastID && { 'Last-Event-ID': lastID };
        const { body } = await call('GET', null, null, path, { signal, headers });
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        if (lastID || failures) onReturn();
        failures = 0;
        for (let text = '', part = {}; !part.done; text = read(text + (part.value ?? ''))) part = await reader.read();
      } catch {}
      await after(Math.min(30_000, retry * 2 ** failures++));
    }
  }

  function read(text) {
    const events = text.split('\n\n'), rest = events.pop();
    for (const event of events) {
      const { id, data, retry: pause } = Object.fromEntries(event.split('\n').map(line => line.split(/: ?(.*)/, 2)));
      retry = +pause || retry;
      if (!data) continue;
      lastID = id;
      const count = { count: 0, reactions: {}, ...JSON.parse(data) };
      for (const [ids, tell] of followers) if (ids.includes(count.content_id)) queueMicrotask(() => tell(count));
    }
    return rest;
  }

  document.addEventListener('visibilitychange', restart);
  return (ids, callback) => {
    const follower = [ids, callback];
    followers.add(follower);
    lastID = '';
    restart();
    return () => followers.delete(follower) && followers.size || restart();
  };
}

function likedContent(client, id, options, forget) {
  let base, own, wanted = null, late, timer = 1, writes = 0;
  const unfollow = client.live([id], take);
  const content = Object.assign(new EventTarget(), {
    id, count: null, reactions: {}, pending: false, error: null, uses: 0,
    set(reaction) {
      wanted = reaction;
      content.error = null;
      if (!content.pending && wanted !== own) send();
      show();
    },
    refresh() {
      const before = writes;
      return client.count(id).then(count => {
        if (content.pending || before !== writes) return;
        own = wanted = count.reaction ?? null;
        take(count);
        show();
      }, () => {});
    },
    close: () => --content.uses || forget(unfollow()),
  });

  function show() {
    content.reaction = wanted;
    content.liked = !!wanted;
    if (base) {
      const reactions = content.reactions = { ...base.reactions };
      if (own && own !== wanted) reactions[own] = (reactions[own] || 1) - 1;
      if (wanted) reactions[wanted] = Math.max(1, (reactions[wanted] ?? 0) + (own !== wanted));
      content.count = Math.max(base.count - !!own + !!wanted, +!!wanted);
    }
    content.dispatchEvent(new Event('change'));
  }

  function take(count) {
    if (content.pending || timer) return late = count;
    base = count;
    late = null;
    show();
  }

  function settle() {
    timer = 0;
    if (late) take(late);
  }

  async function send() {
    content.pending = true;
    try {
      while (wanted !== own) {
        const sent = wanted;
        base = await client.react(id, sent, options);
        own = base.reaction ?? null;
        if (wanted === sent) wanted = own;
      }
    } catch (error) {
      content.error = error;
      wanted = own ?? null;
    }
    writes++;
    content.pending = false;
    clearTimeout(timer);
    timer = setTimeout(settle, base?.approx ? 3_000 : 1_000);
    show();
    if (content.error) {
      content.dispatchEvent(new Event('error'));
      content.refresh();
    }
  }

  content.refresh().then(settle);
  show();
  return content;
}

export class Likewise {
  #call; #batch; #contents = new Map();

  constructor(options = {}) {
    this.#call = caller(options);
    this.live = liveCounts(this.#call, () => this.#contents.forEach(content => content.refresh()));
  }

  like(id, options) { return this.react(id, 'like', options); }
  unlike(id) { return this.react(id, null); }
  react(id, reaction, { contentType } = {}) {
    return this.#call(reaction ? 'PUT' : 'DELETE', id, reaction && { reaction, content_type: contentType });
  }
  status(id) { return this.#call('GET', id); }

  counts(ids) { return Promise.all(ids.map(id => this.count(id))); }
  async count(id) {
    if (this.#batch?.ids.length === 100) this.#batch = null;
    const batch = this.#batch ??= { ids: [], answer: after(0).then(() => {
      this.#batch = null;
      return this.#call('POST', null, { content_ids: batch.ids }, 'likes/count/batch');
    }) };
    const place = batch.ids.push(id) - 1;
    return (await batch.answer).counts[place];
  }

  content(id, options) {
    const contents = this.#contents;
    const content = contents.get(id) ?? likedContent(this, id, options, () => contents.delete(id));
    contents.set(id, content);
    content.uses++;
    return content;
  }
}
