// A like to tap fast, on a content of this tab's own: what was sent, what was answered, and whether the server agrees.

import { ask, credential, pause } from './api.js';
import { excuse, h, say, svg } from './dom.js';
import { plural, time, whole } from './numbers.js';
import { Taps } from './taps.js';

/** Ticks of the last taps; people of a crowd. */
const [ticks, crowdSize] = [48, 50];
/** Milliseconds without a tap after which the server is asked; how often, where it shows counts of a second or two ago. */
const [stillness, looks] = [600, 12];

/** The outline of a heart, 32 wide and high. */
const heartPath = 'M16 27.5C9.4 22.6 4.5 18.4 4.5 12.9 4.5 9.3 7.2 6.5 10.6 6.5c2.2 0 4.2 1.1 5.4 3 '
  + '1.2-1.9 3.2-3 5.4-3 3.4 0 6.1 2.8 6.1 6.4 0 5.5-4.9 9.7-11.5 14.6Z';

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(16).padStart(2, '0'))
  .join('');

function remembered(name, make) {
  const kept = sessionStorage.getItem(name) ?? make();
  sessionStorage.setItem(name, kept);
  return kept;
}

/** `onanswer(tap)` is told of each tap that was answered. */
export function counter(onanswer) {
  const content = remembered('likewise-console-demo', () => `console-demo-${random()}`);
  const user = credential.subject() ?? remembered('likewise-console-user', () => `console-${random()}`);
  const path = `/v1/likes/count/${content}?user_id=${encodeURIComponent(user)}`;
  /** Likes of others on this content, as far as this tab knows. */
  let others = null;
  let isOver = false;
  /** The counter of another content, after this one's was deleted. */
  let next = null;
  let check = 0;
  let isBusy = false;

  const heart = svg('svg', { viewBox: '0 0 32 32', 'aria-hidden': 'true' }, svg('path', { d: heartPath }));
  const button = h('button', {
    type: 'button', class: 'tap', 'aria-pressed': 'false', 'aria-label': 'Like', disabled: true, onclick: () => tap(),
  }, heart);
  const shown = h('span', { class: 'value', 'aria-live': 'off' }, '–');
  const strip = h('ol', { class: 'ticks', 'aria-hidden': 'true' });
  const tally = h('p', { class: 'note' }, 'Tap as fast as you like. A tap on a like that you hold takes it back.');
  const verdict = h('p', { class: 'verdict-line', role: 'status' }, 'Asking the server …');
  const crowd = h('button', { type: 'button', class: 'quiet', disabled: true, onclick: () => gather() },
    `${crowdSize} people tap twice at once`);
  const remove = h('button', { type: 'button', class: 'quiet', onclick: () => forget() }, 'Delete this content');
  const element = h('div', { class: 'counter' },
    h('div', { class: 'tapping' }, button, h('p', { class: 'figure' }, shown, ' ', h('span', { class: 'unit' }, 'likes'))),
    h('div', {}, strip, tally, verdict,
      h('p', { class: 'note' }, 'The content is ', h('code', {}, content), ', the user ', h('code', {}, user), '.'),
      h('div', { class: 'buttons' }, crowd, remove)));

  const call = (name, like) =>
    ask(`/v1/users/${encodeURIComponent(name)}/likes/${content}`, like ? { method: 'PUT', body: {} } : { method: 'DELETE' });

  /** One intent; where only registered contents count, this one is registered first. */
  async function send(name, like) {
    try {
      return await call(name, like);
    } catch (error) {
      if (error.code !== 'content_not_found') throw error;
      await ask(`/v1/content/${content}`, { method: 'PUT', body: { content_type: 'demo' } });
      return call(name, like);
    }
  }

  const taps = new Taps(
    (like) => send(user, like), (milliseconds) => pause(milliseconds), changed, () => performance.now());

  function tap() {
    if (!taps.tap()) say(verdict, 'Too many taps wait; the server answers them first.');
  }

  function changed(event, told) {
    if (isOver) return;
    if (event === 'failed') fail(told);
    if (event === 'answered') onanswer(told);
    if (event === 'rest') settle();
    draw();
  }

  function draw() {
    button.setAttribute('aria-pressed', String(taps.wanted));
    if (others !== null) say(shown, whole(others + (taps.wanted ? 1 : 0)));
    const done = taps.answered.slice(-ticks).map(({ like }) => h('li', { class: like ? 'like' : 'unlike' }));
    const open = Array.from({ length: Math.min(taps.waiting, ticks) }, () => h('li', { class: 'open' }));
    strip.replaceChildren(...[...done, ...open].slice(-ticks));
    if (!taps.sent) return;
    const times = taps.answered.slice(-100).map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
    const [half, slowest] = [times[times.length >> 1], times.at(-1)].map((milliseconds) => time(milliseconds / 1000));
    say(tally, `${plural(taps.sent, 'tap')} sent, ${whole(taps.answered.length)} answered`
      + (times.length ? `; half within ${half}, the slowest ${slowest}` : ''));
    if (taps.waiting) say(verdict, `${plural(taps.waiting, 'tap')} on the way …`);
  }

  /** At rest the server is asked what it has. */
  async function settle() {
    check += 1;
    const mine = check;
    verdict.className = 'verdict-line';
    say(verdict, 'All are answered. Asking the server …');
    await pause(stillness);
    if (mine !== check || isOver || taps.waiting || isBusy) return;
    const wanted = others + (taps.wanted ? 1 : 0);
    try {
      for (let look = 1; ; look += 1) {
        const { count, liked, approx } = await ask(path);
        if (mine !== check || isOver || taps.waiting || isBusy) return;
        const agrees = count === wanted && (liked ?? false) === taps.wanted;
        if (!agrees && approx && look < looks) {
          await pause(500);
          continue;
        }
        verdict.className = `verdict-line ${agrees ? 'good' : 'bad'}`;
        const told = taps.sent ? `${plural(taps.sent, 'tap')} sent, ${whole(taps.answered.length)} answered. ` : '';
        const found = `The server, asked again, has ${plural(count, 'like')}, and you ${liked ? 'hold one' : 'hold none'}`;
        const end = agrees ? 'they agree.' : `this page expected ${whole(wanted)}. Does anybody else use this content?`;
        say(verdict, `${told}${found}: ${end}`);
        return;
      }
    } catch (error) {
      fail(error);
    }
  }

  function fail(error) {
    if (isOver) return;
    verdict.className = 'verdict-line bad';
    say(verdict, error.code === 'forbidden' ? `Your key does not allow to like: ${error.message}` : excuse(error));
  }

  /** Many people, each twice, over all connections of the browser: what counts is people, not requests. */
  async function gather() {
    isBusy = crowd.disabled = true;
    const people = Array.from({ length: crowdSize }, (_, i) => `${user}-${random()}-${i}`);
    verdict.className = 'verdict-line';
    say(verdict, `${whole(2 * crowdSize)} requests on the way …`);
    try {
      // One first, so that a content that has to be registered is so once.
      const first = await send(people[0], true);
      const repeats = [people[0], ...people.slice(1).flatMap((name) => [name, name])];
      const answers = [first, ...await Promise.all(repeats.map((name) => send(name, true)))];
      const counted = answers.filter(({ changed: isChange }) => isChange).length;
      others += counted;
      isBusy = false;
      say(verdict, `${whole(answers.length)} requests were answered, ${whole(counted)} of them changed the count.`);
      draw();
      settle();
    } catch (error) {
      await begin();
      fail(error);
    }
    isBusy = crowd.disabled = false;
  }

  async function forget() {
    try {
      await ask(`/v1/content/${content}`, { method: 'DELETE' }).catch((error) => {
        if (error.status !== 404) throw error;
      });
      sessionStorage.removeItem('likewise-console-demo');
      isOver = true;
      next = counter(onanswer);
      element.replaceWith(next.element);
    } catch (error) {
      fail(error);
    }
  }

  /** What the server has at the beginning, from an earlier look at this page for instance. */
  async function begin() {
    try {
      const { count, liked } = await ask(path).catch((error) => {
        if (error.code === 'content_not_found') return { count: 0, liked: false };
        throw error;
      });
      taps.wanted = taps.confirmed = liked ?? false;
      others = count - (taps.wanted ? 1 : 0);
      button.disabled = crowd.disabled = false;
      verdict.className = 'verdict-line';
      say(verdict, 'The server was asked, and waits for your taps.');
      draw();
    } catch (error) {
      fail(error);
    }
  }

  begin();
  return { element, stop: () => { isOver = true; next?.stop(); } };
}
