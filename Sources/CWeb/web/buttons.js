// The page of the like button: one that asks this server, and one for each of its states.

import { LikeButton } from './like-button.js';
import { Likewise } from './likewise.js';

const asked = new URLSearchParams(location.search);

/** A user of this tab's own, for servers without identity. */
function visitor() {
  const name = sessionStorage.getItem('visitor') ?? 'visitor-' + crypto.getRandomValues(new Uint32Array(2)).join('-');
  sessionStorage.setItem('visitor', name);
  return name;
}

const live = document.querySelector('#live like-button');
live.setAttribute('user-id', asked.get('user_id') ?? visitor());
live.setAttribute('content-id', asked.get('content_id') ?? 'like-button-page');
const source = new URL('like-button.js', location).href;
document.querySelector('#live code').textContent =
  `<script type="module" src="${source}"></script>\n${live.outerHTML}`;

const answer = (status, body, headers) => new Response(JSON.stringify(body), { status, headers });
const problem = (status, code, headers) => () => answer(status, { code }, headers);

/**
 * A server of one content, in place of `fetch`. Writes are answered by `write`, or taken; a stream stays silent.
 */
function pretend({ reactions = {}, reaction, write }) {
  const held = { ...reactions };
  const counts = () => ({
    count: Object.values(held).reduce((sum, count) => sum + count, 0), reactions: { ...held }, approx: false, reaction,
  });
  return async (url, { method, body, signal }) => {
    if (url.pathname.endsWith('/live')) {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    if (method === 'POST') {
      return answer(200, { counts: JSON.parse(body).content_ids.map(() => counts()) });
    }
    if (write) return write();
    if (reaction) held[reaction] -= 1;
    reaction = method === 'PUT' ? JSON.parse(body).reaction : undefined;
    if (reaction) held[reaction] = (held[reaction] ?? 0) + 1;
    return answer(200, counts());
  };
}

const all = 'like love haha wow sad angry';
const some = { like: 9_120, love: 2_871, haha: 640, wow: 171, sad: 12, angry: 3 };

// Of each state: what the server holds and how it answers a write, attributes, and whether it is tapped or opened.
const states = [
  ['Idle', 'Nobody has liked it yet.', {}],
  ['Liked', 'By this user, and eleven others.', { reactions: { like: 12 }, reaction: 'like' }],
  ['Picker', 'Hold, right click, up or down arrow; Escape closes.',
    { reactions: some, reaction: 'haha', attributes: { reactions: all }, opens: true, name: 'picker' }],
  ['Pending', 'Shown as done before the answer comes.',
    { reactions: { like: 41 }, write: () => new Promise(() => {}), taps: true }],
  ['Not signed in', 'Rolled back: 401.',
    { reactions: { like: 7 }, write: problem(401, 'unauthenticated'), taps: true }],
  ['Another user', 'Rolled back: 403.',
    { reactions: { like: 7 }, write: problem(403, 'not_yourself'), taps: true }],
  ['Too fast', 'Rolled back: 429, come again in a minute.',
    { reactions: { like: 7 }, write: problem(429, 'rate_limited', { 'Retry-After': '60' }), taps: true }],
  ['Offline', 'Rolled back, after a few tries.',
    { reactions: { like: 7 }, write: () => Promise.reject(new TypeError('no connection')), taps: true }],
  ['Server error', 'Rolled back: 500.', { reactions: { like: 7 }, write: problem(500, 'internal'), taps: true }],
  ['Read only', 'Shows the count alone.', { reactions: { like: 1_024 }, attributes: { readonly: '' } }],
  ['Right to left', 'By the direction of the page.',
    { reactions: some, reaction: 'like', attributes: { reactions: all, dir: 'rtl' } }],
  ['Themed', 'By custom properties and parts.',
    { reactions: { like: 512 }, reaction: 'like', attributes: { class: 'themed' } }],
  ['Reduced motion', 'The icon moves only where the system allows motion.',
    { reactions: { like: 64 }, write: () => new Promise(() => {}), taps: true }],
  ['A very large count', 'Rounded down, in full for screen readers.', { reactions: { like: 987_654_321_987 } }],
  ['Long words', 'Reactions without an icon show their name.',
    { reactions: { 'extraordinarily-helpful-for-everybody': 3 },
      attributes: { reactions: 'extraordinarily-helpful-for-everybody' } }],
];

for (const [title, words, { attributes = {}, taps, opens, name = '', ...server }] of states) {
  const figure = document.createElement('figure'), caption = document.createElement('figcaption');
  const button = new LikeButton(), heading = document.createElement('b');
  button.client = new Likewise({ userID: 'visitor', fetch: pretend(server) });
  const given = { 'message-seconds': 86_400, ...attributes, 'content-id': title };
  for (const [key, value] of Object.entries(given)) button.setAttribute(key, value);
  heading.textContent = title;
  caption.append(heading, words);
  figure.className = name;
  figure.append(button, caption);
  document.querySelector('.states').append(figure);
  button.addEventListener('like-change', function tap() {
    if (button.content.count === null) return;
    button.removeEventListener('like-change', tap);
    if (taps) button.content.set('like');
    if (opens && !asked.has('content_id')) openInView(button);
  });
}

function openInView(button) {
  const observer = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    observer.disconnect();
    button.showPicker();
  }, { threshold: 1 });
  observer.observe(button);
}
