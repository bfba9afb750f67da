// Who likes a content, newest first, page by page; and what that list tells of the past of its count.
//
// A like that still holds has the moment since which it does. So counting back from a count that is known, one a like, gives
// the count at each of these moments, without those that were taken back meanwhile.

import { ask } from './api.js';
import { excuse, h, row, rows, say, table, tell } from './dom.js';
import { moment, whole } from './numbers.js';

/** Likes that are fetched at a time; rows of a page; likes that are kept at most. */
const [fetched, shown, kept] = [500, 12, 20_000];
const columns = [['User'], ['Reaction'], ['Since']];

export function likers(id) {
  const { box, body } = table('Who likes it, newest first', columns);
  const note = h('p', { class: 'note', role: 'status' }, 'Asking …');
  const newer = h('button', { type: 'button', class: 'quiet', onclick: () => turn(-1) }, 'Newer');
  const older = h('button', { type: 'button', class: 'quiet', onclick: () => turn(1) }, 'Older');
  const again = h('button', { type: 'button', class: 'quiet', onclick: () => start() }, 'Refresh');
  const element = h('section', { class: 'card' },
    h('div', { class: 'heading' }, h('h2', {}, 'Who likes it'), again), box,
    h('div', { class: 'pager' }, newer, note, older));

  let likes = [];
  let cursor = null;
  let [page, isAsking] = [0, false];
  let controller = new AbortController();
  const self = { element, onchange() {}, start, more, past, stop: () => controller.abort() };

  async function start() {
    controller.abort();
    controller = new AbortController();
    [likes, cursor, page, isAsking] = [[], null, 0, false];
    await more();
  }

  /** Fetches what lies further back. */
  async function more() {
    if (isAsking || likes.length >= kept) return;
    isAsking = true;
    const { signal } = controller;
    try {
      const behind = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
      const answer = await ask(`/v1/content/${encodeURIComponent(id)}/likes?limit=${fetched}${behind}`, { signal });
      likes = [...likes, ...answer.likes];
      cursor = answer.next_cursor ?? null;
      draw();
    } catch (error) {
      if (signal.aborted) return;
      box.hidden = !likes.length;
      say(note, error.status === 403 ? `Who likes this is not for this key: ${error.message}` : excuse(error));
    }
    isAsking = false;
    self.onchange();
  }

  async function turn(by) {
    if ((page + by) * shown >= likes.length && cursor) await more();
    if (page + by >= 0 && (page + by) * shown < likes.length) page += by;
    draw();
  }

  function draw() {
    const items = likes.slice(page * shown, (page + 1) * shown);
    box.hidden = !items.length;
    rows(body, items, ({ user_id: user }) => user, () => row(columns), (line, like) => {
      tell(line, [like.user_id, like.reaction ?? '', moment(new Date(like.since))]);
      line.firstChild.className = 'id';
    });
    const last = page * shown + items.length;
    const all = cursor ? '' : ` of ${whole(likes.length)}`;
    say(note, items.length ? `${whole(page * shown + 1)} to ${whole(last)}${all}` : 'Nobody likes it at the moment.');
    newer.disabled = page === 0;
    older.disabled = last >= likes.length && (!cursor || likes.length >= kept);
  }

  /** Points before `at`, when the count was `count` ([milliseconds, count], in order), and how far they reach, in words. */
  function past(at, count) {
    const before = likes.map(({ since }) => Date.parse(since)).filter((since) => since < at);
    const points = before.map((since, i) => [since, Math.max(0, count - i)]).reverse();
    if (!points.length) return { past: [], words: 'Followed from now on.', isWhole: !cursor };
    const from = moment(new Date(points[0][0]));
    const words = cursor
      ? `Live from the stream; before that from the newest ${whole(likes.length)} likes, which reach back to ${from}. `
        + 'Likes that were taken back since are not in it.'
      : `Live from the stream; before that from all likes that still hold, the first of ${from}. `
        + 'Those that were taken back since are not in it.';
    return { past: points, words, isWhole: !cursor || likes.length >= kept };
  }

  return self;
}
