// One lock against shards: the server really runs both, and this shows them beside each other.

import { ask } from './api.js';
import { excuse, h, isStill, say } from './dom.js';
import { short, time, whole } from './numbers.js';

/** Seconds for which a run is shown at most; a longer one is shown faster. */
const patience = 8;

export function lock() {
  const button = h('button', { type: 'button', onclick: () => run() }, 'Run both on this server');
  const note = h('p', { class: 'note', role: 'status' }, 'A thousand likes each. It takes about a second of the disk.');
  const lanes = [lane('One lock, a sync for each like'), lane('Shards, a sync for each batch')];
  const element = h('div', { class: 'versus' },
    h('p', {}, button), h('div', { class: 'lanes' }, lanes.map(({ element: box }) => box)), note);

  async function run() {
    button.disabled = true;
    say(note, 'Both run on the server …');
    for (const { clear } of lanes) clear();
    try {
      const answer = await ask('/v1/admin/experiments/lock', { method: 'POST', body: {}, timeout: 120_000 });
      const { likes, lock: locked, shards } = answer;
      const longest = Math.max(locked.seconds, shards.seconds);
      const rate = (way) => `${short(way.likes_per_second)} likes a second`;
      lanes[0].tell(locked.seconds, longest, [`${whole(locked.syncs)} syncs`, rate(locked)]);
      const syncs = `${whole(shards.syncs)} syncs in ${whole(shards.batches)} batches`;
      lanes[1].tell(shards.seconds, longest, [syncs, rate(shards)]);
      const ratio = shards.likes_per_second / locked.likes_per_second;
      const exact = shards.count !== likes
        ? `The shards counted ${whole(shards.count)}, not ${whole(likes)}: that is a bug.`
        : locked.count === likes ? `Both counted ${whole(likes)}.` : `The lock was stopped after ${whole(locked.count)}.`;
      say(note, `The shards were ${short(ratio)} times as fast. ${exact} `
        + 'A sync costs the disk about as much for one like as for many, and under the lock each like waits for all '
        + 'before it. What others do here meanwhile is among the syncs of the shards.');
    } catch (error) {
      const isBusy = error.status === 503;
      say(note, isBusy ? 'One is running already, or the server takes no writes now. Try again in a moment.' : excuse(error));
    }
    button.disabled = false;
  }

  return { element };
}

function lane(name) {
  const fill = h('span', { class: 'fill' });
  const [value, notes] = [h('p', { class: 'value' }, '–'), h('p', { class: 'note' })];
  const element = h('div', { class: 'lane' },
    h('h3', {}, name), h('span', { class: 'meter', 'aria-hidden': 'true' }, fill), value, notes);
  return {
    element,
    clear() {
      fill.style.setProperty('inline-size', '0');
      say(value, '…');
      say(notes, '');
    },
    /** Draws `seconds` as a share of `longest`, in the time that the run took: both bars grow at the same pace. */
    tell(seconds, longest, texts) {
      say(value, time(seconds));
      say(notes, texts.join(' · '));
      const size = `${seconds / longest * 100}%`;
      fill.style.setProperty('inline-size', size);
      if (isStill()) return;
      const duration = seconds * 1000 * Math.min(1, patience / longest);
      fill.animate([{ inlineSize: '0' }, { inlineSize: size }], { duration, easing: 'linear' });
    },
  };
}
