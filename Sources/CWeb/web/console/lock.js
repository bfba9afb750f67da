// One lock against shards: the server really runs both, and this shows them beside each other.

import { ask } from './api.js';
import { excuse, h, isStill, say } from './dom.js';
import { short, time, whole } from './numbers.js';

/** Seconds for which a run is shown again at most. */
const longest = 8;

export function lock() {
  const button = h('button', { type: 'button', onclick: () => run() }, 'Run both on this server');
  const note = h('p', { class: 'note', role: 'status' }, 'A thousand likes each. It takes about a second of the disk.');
  const lanes = [lane('One lock, a sync for each like'), lane('Shards, a sync for each batch')];
  const element = h('div', { class: 'versus' }, h('p', {}, button), h('div', { class: 'lanes' }, lanes.map(({ element: box }) => box)), note);

  async function run() {
    button.disabled = true;
    say(note, 'Both run on the server …');
    for (const { clear } of lanes) clear();
    try {
      const { likes, lock: locked, shards } = await ask('/v1/admin/experiments/lock', { method: 'POST', body: {}, timeout: 120_000 });
      lanes[0].tell(locked.seconds, likes, [`${whole(locked.syncs)} syncs`, `${short(locked.likes_per_second)} likes a second`]);
      lanes[1].tell(shards.seconds, likes, [`${whole(shards.syncs)} syncs in ${whole(shards.batches)} batches`, `${short(shards.likes_per_second)} likes a second`]);
      const ratio = locked.seconds / shards.seconds;
      const exact = shards.count === likes ? `Both counted ${whole(likes)}.` : `The shards counted ${whole(shards.count)}, not ${whole(likes)}: that is a bug.`;
      say(note, `The shards took ${time(shards.seconds)}, the lock ${time(locked.seconds)}: ${short(ratio)} times as long. ${exact} `
        + 'Each sync costs the disk about the same, whether it carries one like or many; under the lock every like waits for all before it.');
    } catch (error) {
      say(note, error.status === 503 ? 'One is running already, or the server takes no writes now. Try again in a moment.' : excuse(error));
    }
    button.disabled = false;
  }

  return { element };
}

function lane(name) {
  const fill = h('span', { class: 'fill' });
  const [value, notes] = [h('p', { class: 'value' }, '–'), h('p', { class: 'note' })];
  const element = h('div', { class: 'lane' }, h('h3', {}, name), h('span', { class: 'meter', 'aria-hidden': 'true' }, fill), value, notes);
  return {
    element,
    clear() {
      fill.style.setProperty('inline-size', '0');
      say(value, '…');
      say(notes, '');
    },
    /** Fills the bar in the time that the run took. */
    tell(seconds, likes, texts) {
      say(value, time(seconds));
      say(notes, texts.join(' · '));
      fill.style.setProperty('inline-size', '100%');
      if (!isStill()) fill.animate([{ inlineSize: '0' }, { inlineSize: '100%' }], { duration: Math.min(longest, seconds) * 1000, easing: 'linear' });
    },
  };
}
