// The contents that gain most: the list every five seconds, their counts as they change, by one stream.

import { ask, follow } from './api.js';
import { excuse, h, rows, say } from './dom.js';
import { display, short, whole } from './numbers.js';
import { sparkline } from './chart.js';

/** Contents that are shown, and followed. */
const shown = 20;
const firstShown = 10;
/** Seconds between two lists. */
const everySeconds = 5;
/** Seconds that the small lines show. */
const lineSeconds = 120;
const windows = [['1m', 'minute'], ['1h', 'hour'], ['24h', 'day']];

export function hot() {
  let [window, entries, isAll] = ['1m', [], false];
  let stream = new AbortController();
  let followed = new Set();
  let ticks = 0;
  let isAsking = false;
  let isOver = false;
  /** By content: { count, line: counts of the last seconds }. */
  const counts = new Map();

  const body = h('tbody');
  const note = h('p', { class: 'note', role: 'status' });
  const choice = h('div', { class: 'choice', role: 'group', 'aria-label': 'Window' }, windows.map(([name, word]) =>
    h('button', {
      type: 'button', 'aria-pressed': String(name === window), onclick: (event) => choose(name, event.currentTarget),
    }, word)));
  const more = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => showAll() });
  const element = h('section', { class: 'card hot' },
    h('div', { class: 'heading' }, h('h2', {}, 'Hot contents'), choice),
    h('table', {}, h('caption', { class: 'hidden' }, 'Contents that gained most likes'),
      h('thead', {}, h('tr', {},
        h('th', { scope: 'col' }, 'Content'), h('th', { scope: 'col', class: 'number' }, 'Gained'),
        h('th', { scope: 'col', class: 'wide' }, 'A second, lately'), h('th', { scope: 'col', class: 'number' }, 'Likes'))),
      body),
    note, more);

  function showAll() {
    isAll = !isAll;
    draw();
    listen();
  }

  function choose(name, button) {
    window = name;
    for (const other of choice.children) other.setAttribute('aria-pressed', String(other === button));
    list();
  }

  async function list() {
    if (isAsking) return;
    isAsking = true;
    const asked = window;
    try {
      const answer = await ask(`/v1/content/top?window=${asked}&limit=${shown}`);
      if (isOver) return;
      entries = answer.contents;
      for (const entry of entries) remember(entry.content_id, entry.count);
      say(note, entries.length ? '' : `No content gained likes in the last ${windows.find(([name]) => name === asked)[1]}.`);
      draw();
      listen();
    } catch (error) {
      say(note, excuse(error));
    } finally {
      isAsking = false;
    }
    if (asked !== window) list();
  }

  function remember(id, count) {
    const known = counts.get(id);
    if (known) known.count = count;
    else counts.set(id, { count, line: [] });
  }

  const visible = () => entries.slice(0, isAll ? shown : firstShown);

  /** One stream for all that are listed; another one where it lacks what is seen: the last places change all the time. */
  function listen() {
    if (document.hidden || visible().every(({ content_id: id }) => followed.has(id))) return;
    const ids = entries.map(({ content_id: id }) => id);
    followed = new Set(ids);
    stream.abort();
    stream = new AbortController();
    follow(ids, (event) => event.count !== undefined && remember(event.content_id, event.count), stream.signal);
  }

  function draw() {
    rows(body, visible(), ({ content_id: id }) => id, make, (line, { content_id: id, gained }) => {
      const { count, line: history } = counts.get(id);
      say(line.children[1], `+${short(gained)}`);
      line.spark.draw(history.map((value, i) => (i ? Math.max(0, value - history[i - 1]) : null)));
      const total = line.children[3];
      say(total, count < 10_000_000 ? whole(count) : display(count));
      total.title = whole(count);
    });
    more.hidden = entries.length <= firstShown;
    say(more, isAll ? 'Show ten' : `Show all ${entries.length}`);
  }

  function make({ content_id: id }) {
    const spark = sparkline(lineSeconds, 'spark small');
    const line = h('tr', {},
      h('th', { scope: 'row', class: 'id' }, h('a', { href: `#/content/${encodeURIComponent(id)}` }, id)),
      h('td', { class: 'number' }), h('td', { class: 'wide' }, spark.element), h('td', { class: 'number count' }));
    return Object.assign(line, { spark });
  }

  const hide = () => {
    if (document.hidden) {
      stream.abort();
      followed.clear();
    } else {
      list();
    }
  };
  document.addEventListener('visibilitychange', hide);

  return {
    element,
    always: true,
    update(monitor) {
      if (ticks++ % everySeconds === 0 && !document.hidden) list();
      if (monitor.failure) return;
      for (const [id, known] of counts) {
        known.line = [...known.line, known.count].slice(-lineSeconds);
        if (counts.size > 4 * shown && !entries.some(({ content_id: shownID }) => shownID === id)) counts.delete(id);
      }
      draw();
    },
    stop() {
      isOver = true;
      stream.abort();
      document.removeEventListener('visibilitychange', hide);
    },
  };
}
