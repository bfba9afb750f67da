// How Likewise works, on the running system.

import { counter } from './counter.js';
import { crashes } from './levels.js';
import { h } from './dom.js';
import { lock } from './lock.js';
import { stages } from './stages.js';

export const title = 'How it works';

export function show(root, { monitor }) {
  const way = stages();
  const tapping = counter((tap) => way.traced(tap));
  const part = (id, name, words, ...content) => h('section', { class: 'card part', 'aria-labelledby': id },
    h('h2', { id }, name), words.map((text) => h('p', { class: 'prose' }, text)), ...content);
  root.append(
    h('h1', {}, 'How it works'),
    h('p', { class: 'lead' },
      'Counting is easy until it has to be right: one like a person, none lost, none twice, whatever is retried, '
      + 'killed or tapped at once. Here is how, on this server, with its own figures.'),
    part('how-tap', 'Tap', [
      'Each tap is one request. Its answer comes after the like is on stable storage, unless the setting “sync” says '
      + 'otherwise; so when this page says “answered”, pulling the plug would take nothing of it.',
    ], tapping.element),
    part('how-way', 'The way of a like', [
      'The figures are those of the last second. The dots are not single likes: there would be too many. '
      + 'They lie denser the more likes there are.',
    ], way.element),
    part('how-lock', 'One lock, or one writer', [
      'The plain way to be exact is a lock: one like at a time, written and synced. The disk then sets the pace, a '
      + 'sync after the other. A shard is exact without a lock, since one thread decides everything about a content, '
      + 'and it syncs what has gathered all at once.',
      'The button lets both run on this server, beside whatever else it does. The lock, wanted by 16 threads, writes '
      + 'a file of its own; the shards take real likes on a content of the experiment’s own. Both are removed '
      + 'afterwards.',
    ], lock().element),
    part('how-crash', 'What a crash costs', [
      'Texts on counting likes go through these steps, each faster than the one before. This is what each of them '
      + 'loses when a process is killed under load.',
    ], crashes()));
  const update = () => way.update(monitor);
  monitor.addEventListener('reading', update);
  update();
  return () => {
    monitor.removeEventListener('reading', update);
    tapping.stop();
  };
}
