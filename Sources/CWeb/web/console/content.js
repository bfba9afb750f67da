// One content: its count as it moves, who likes it, what is known of it.

import { ask, follow } from './api.js';
import { excuse, h, rows, say } from './dom.js';
import { display, percent, short, whole } from './numbers.js';
import { likers } from './likers.js';
import { timeline } from './chart.js';

export const title = 'Content';

/** Counts of the stream that are kept for the chart: five minutes at four a second. */
const kept = 1200;
/** Points that a chart draws at most. */
const drawn = 600;

export function show(root, { rest: id }) {
  const field = h('input', {
    id: 'content-id', name: 'id', value: id, maxlength: '256', autocomplete: 'off', spellcheck: 'false', placeholder: 'video_1',
  });
  const form = h('form', { class: 'search', role: 'search', onsubmit: (event) => {
    event.preventDefault();
    if (field.value) location.hash = `#/content/${encodeURIComponent(field.value)}`;
  } }, h('label', { for: 'content-id' }, 'Content id'), field, h('button', { type: 'submit' }, 'Show'));
  if (id) {
    root.append(form);
    return details(root, id);
  }
  root.append(
    h('h1', {}, 'A content'), h('p', { class: 'lead' }, 'Its count as it moves, its reactions, and who likes it.'), form);
  return suggestions(root);
}

/** Contents of the last day to choose from. */
function suggestions(root) {
  const list = h('ul', { class: 'chips' });
  const note = h('p', { class: 'note', role: 'status' });
  const controller = new AbortController();
  root.append(h('section', {}, h('h2', { class: 'small' }, 'Most liked in the last day'), list, note));
  ask('/v1/content/top?window=24h&limit=20', { signal: controller.signal }).then(({ contents }) => {
    list.append(...contents.map(({ content_id: id, count }) =>
      h('li', {}, h('a', { href: `#/content/${encodeURIComponent(id)}` }, h('span', {}, id), ' ', h('b', {}, display(count))))));
    say(note, contents.length ? '' : 'Nothing was liked in the last day.');
  }).catch((error) => controller.signal.aborted || say(note, excuse(error)));
  return () => controller.abort();
}

function details(root, id) {
  const count = h('span', { class: 'value' }, '–');
  const rate = h('p', { class: 'note' });
  const trouble = h('p', { class: 'trouble', role: 'status' });
  const facts = h('dl', { class: 'facts' });
  const bars = h('tbody');
  const chart = timeline(`Likes of ${id} over time`);
  const reach = h('p', { class: 'note' });
  const further = h('button', { type: 'button', class: 'quiet' }, 'Reach further back');
  const list = likers(id);
  root.append(
    h('section', { class: 'card subject' },
      h('div', {}, h('h1', { class: 'id' }, id), facts),
      h('div', { class: 'total' }, h('p', { class: 'figure' }, count, ' ', h('span', { class: 'unit' }, 'likes')), rate),
      trouble),
    h('section', { class: 'card' },
      h('div', { class: 'heading' }, h('h2', {}, 'Count over time'), further), chart.element, reach),
    h('div', { class: 'columns' },
      list.element,
      h('section', { class: 'card' }, h('h2', {}, 'Reactions'),
        h('table', { class: 'bars' }, h('caption', { class: 'hidden' }, 'Reactions'),
          h('thead', { class: 'hidden' },
            h('tr', {}, ['Reaction', 'Share', 'Likes'].map((name) => h('th', { scope: 'col' }, name)))), bars))));

  let live = [];
  let stream = new AbortController();
  let isDrawn = false;

  const draw = () => {
    isDrawn = false;
    if (!live.length) return;
    const { past, words, isWhole } = list.past(...live[0]);
    chart.draw(thinned([...past, ...live]));
    say(reach, words);
    further.hidden = isWhole;
  };
  // Once a frame at most, however many events come.
  const redraw = () => {
    if (!isDrawn) requestAnimationFrame(draw);
    isDrawn = true;
  };

  const take = (answer, name) => {
    say(trouble, name === 'gone' ? 'This content was deleted, or is not to be seen any more.' : '');
    if (answer.count === undefined) return;
    const now = Date.now();
    live = [...live, [now, answer.count]].slice(-kept);
    say(count, whole(answer.count));
    reactions(bars, answer.reactions ?? {}, answer.count);
    const before = live.find(([at]) => at > now - 10_000) ?? live[0];
    const seconds = (now - before[0]) / 1000;
    const more = short(Math.max(0, answer.count - before[1]) / seconds);
    const age = answer.approx ? ', as of a second or two ago' : '';
    say(rate, seconds > 1 ? `${more} more a second${age}` : 'Followed live');
    redraw();
  };
  // A count that stands still is a point too, or its line would end.
  const beat = setInterval(() => {
    if (!live.length || document.hidden) return;
    live = [...live, [Date.now(), live.at(-1)[1]]].slice(-kept);
    redraw();
  }, 2000);

  const listen = () => {
    stream.abort();
    if (document.hidden) return;
    stream = new AbortController();
    follow([id], take, stream.signal, (error) => say(trouble, error ? excuse(error) : ''));
  };
  document.addEventListener('visibilitychange', listen);
  addEventListener('resize', redraw);
  further.addEventListener('click', () => list.more());
  list.onchange = redraw;

  describe(id, facts);
  listen();
  list.start();
  return () => {
    clearInterval(beat);
    stream.abort();
    list.stop();
    document.removeEventListener('visibilitychange', listen);
    removeEventListener('resize', redraw);
  };
}

async function describe(id, facts) {
  const pairs = [];
  try {
    const known = await ask(`/v1/content/${encodeURIComponent(id)}`);
    pairs.push(
      ['Type', known.content_type ?? 'not said'], ['Visibility', known.visibility],
      ['Registered', known.registered ? 'yes' : 'no, known by its likes']);
    if (known.spread) pairs.push(['Spread', `over ${whole(known.spread)} keys of the topic`]);
    if (known.approx) pairs.push(['Counts', 'those of a second or two ago']);
  } catch (error) {
    pairs.push(['Known', error.status === 404 ? 'not yet: nobody likes it, and it is not registered' : excuse(error)]);
  }
  facts.replaceChildren(...pairs.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

function reactions(body, counts, total) {
  const items = Object.entries(counts).sort(([, a], [, b]) => b - a);
  rows(body, items, ([name]) => name, ([name]) => {
    const fill = h('span', { class: 'fill' });
    const line = h('tr', {}, h('th', { scope: 'row' }, name),
      h('td', {}, h('span', { class: 'meter' }, fill), h('span', { class: 'hidden' })), h('td', { class: 'number' }));
    return Object.assign(line, { fill });
  }, (line, [, count]) => {
    const share = total ? count / total : 0;
    line.fill.style.setProperty('inline-size', `${share * 100}%`);
    say(line.children[1].lastChild, percent(share));
    say(line.children[2], `${whole(count)} · ${percent(share)}`);
  });
}

/** As many points as a chart can show, the first and the last among them. */
function thinned(points) {
  if (points.length <= drawn) return points;
  const every = (points.length - 1) / (drawn - 1);
  return Array.from({ length: drawn }, (_, i) => points[Math.round(i * every)]);
}
