// Likes that are held back, the newest ten: only where the server has held any, or was asked.

import { ask } from './api.js';
import { excuse, h, row, rows, say, table, tell } from './dom.js';
import { moment, short } from './numbers.js';

const columns = [['Since'], ['Content'], ['User'], ['Reaction']];

export function held() {
  const { box, body } = table('Likes that are held back, newest first', columns);
  const note = h('p', { class: 'note', role: 'status' });
  const button = h('button', { type: 'button', class: 'quiet', onclick: () => list() }, 'Ask again');
  const element = h('section', { class: 'card', hidden: true },
    h('div', { class: 'heading' }, h('h2', {}, 'Likes that are held back'), button), box, note,
    h('p', { class: 'note' },
      'Stored, shown to who gave them, and not counted until somebody decides: ', h('code', {}, 'likewise abuse'), '.'));
  let known = null;
  let controller = new AbortController();

  async function list() {
    controller.abort();
    controller = new AbortController();
    try {
      const { held: likes, next_cursor: next } = await ask('/v1/admin/held?limit=10', { signal: controller.signal });
      box.hidden = !likes.length;
      rows(body, likes, (like) => `${like.since} ${like.content_id} ${like.user_id}`, () => row(columns), (line, like) =>
        tell(line, [moment(new Date(like.since)), like.content_id, like.user_id, like.reaction ?? '']));
      say(note, likes.length ? (next ? 'There are more.' : '') : 'None at the moment.');
    } catch (error) {
      if (!controller.signal.aborted) say(note, excuse(error));
    }
  }

  return {
    element,
    update(monitor, recent) {
      const settled = ['held', 'released', 'rejected'].reduce((sum, name) => sum + (monitor.newest.likes[name] ?? 0), 0);
      element.hidden = settled === 0;
      // Asked again when something was held or settled, at most every ten seconds.
      const isDue = settled > 0
        && (known === null || (settled !== known.settled && monitor.newest.at - known.at > 10_000));
      if (!isDue) return;
      known = { settled, at: monitor.newest.at };
      button.title = `${short(recent.outcomes.held ?? 0)} a second are held back`;
      list();
    },
    stop: () => controller.abort(),
  };
}
