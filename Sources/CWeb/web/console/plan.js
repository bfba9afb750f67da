// The capacity planner: assumptions in, what they come to out. The server reckons; the address holds the assumptions.

import { ask, pause } from './api.js';
import { excuse, h, say } from './dom.js';
import { whole } from './numbers.js';

export const title = 'Capacity';

/** What is asked, with what is assumed where the address does not say. */
const inputs = [
  ['daily_users', 'Users a day', 'people who come on a day', 100_000_000],
  ['likes_per_user', 'Likes a user', 'that one of them gives on a day', 10],
  ['reads_per_like', 'Reads a like', 'counts that are looked at for each like', 10],
  ['peak', 'Peak', 'times the mean, in the busiest second', 3],
  ['retention_days', 'Log kept', 'days that the event log reaches back', 7],
  ['regions', 'Regions', 'each with all of the data', 1],
];
const presets = [
  ['800 million people, 150 likes each', { daily_users: 800_000_000, likes_per_user: 150 }],
  ['A billion likes a day, 3 times at the peak, 10 reads a write',
    { daily_users: 100_000_000, likes_per_user: 10, peak: 3, reads_per_like: 10 }],
  ['500 million people, 5 likes each, 100 times at the peak', { daily_users: 500_000_000, likes_per_user: 5, peak: 100 }],
];
/** Milliseconds without a key until the server is asked. */
const stillness = 250;

export function show(root, { query }) {
  const usual = Object.fromEntries(inputs.map(([name, , , value]) => [name, value]));
  const values = Object.fromEntries(inputs.map(([name]) => [name, query.get(name) ?? String(usual[name])]));
  const fields = new Map(inputs.map(([name, label, hint]) => [name, field(name, label, hint)]));
  const note = h('p', { class: 'trouble', role: 'status' });
  const result = h('div', { class: 'plan-result', 'aria-busy': 'false' });
  const copied = h('span', { class: 'note', role: 'status' });
  const form = h('form', { class: 'card plan-form', onsubmit: (event) => event.preventDefault() },
    h('div', { class: 'fields' }, [...fields.values()].map(({ element }) => element)),
    h('div', { class: 'presets' }, h('span', { class: 'note' }, 'Or begin with'), presets.map(([words, preset]) =>
      h('button', { type: 'button', class: 'quiet', onclick: () => fill({ ...usual, ...preset }) }, words))),
    h('p', { class: 'share' },
      h('button', { type: 'button', class: 'quiet', onclick: copy }, 'Copy the address of this plan'), ' ', copied));
  root.append(h('h1', {}, 'What would it take?'),
    h('p', { class: 'lead' }, 'Assumptions in, machines out. Each line says how it is reckoned; the rates that one '
      + 'machine carries were measured, and the lines say by what.'),
    form, note, result);
  let controller = new AbortController();

  function field(name, label, hint) {
    const input = h('input', {
      id: `plan-${name}`, name, inputmode: 'decimal', autocomplete: 'off', 'aria-describedby': `plan-${name}-hint`,
      value: values[name], oninput: typed,
    });
    const reading = h('span', { class: 'reading' });
    const element = h('div', { class: 'field' },
      h('label', { for: `plan-${name}` }, label), h('div', { class: 'entry' }, input, reading),
      h('p', { class: 'note', id: `plan-${name}-hint` }, hint));
    return { input, reading, element };
  }

  function fill(chosen) {
    for (const [name, { input }] of fields) input.value = String(chosen[name]);
    typed();
  }

  /** Numbers may be written 800,000,000, 800M, 1.5B. */
  const number = (text) => {
    const found = /^([\d.]+)([kmbt]?)$/i.exec(text.replace(/[\s,_]/g, ''));
    return found ? Number(found[1]) * 1000 ** ' kmbt'.indexOf(found[2].toLowerCase() || ' ') : NaN;
  };

  async function typed() {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const asked = new URLSearchParams();
    let wrong = null;
    for (const [name, { input, reading }] of fields) {
      const value = number(input.value);
      const isSound = Number.isFinite(value);
      input.setAttribute('aria-invalid', String(!isSound));
      say(reading, isSound && value >= 10_000 ? words(value) : '');
      if (!isSound) wrong ??= name;
      asked.set(name, String(value));
    }
    if (wrong) return say(note, `${inputs.find(([name]) => name === wrong)[1]}: a number is needed, such as 800M or 2.5.`);
    history.replaceState(null, '', `#/plan?${asked}`);
    await pause(stillness, signal);
    if (signal.aborted) return;
    result.setAttribute('aria-busy', 'true');
    try {
      draw(result, await ask(`/v1/admin/plan?${asked}`, { signal }));
      say(note, '');
    } catch (error) {
      if (signal.aborted) return;
      if (error.field) fields.get(error.field)?.input.setAttribute('aria-invalid', 'true');
      say(note, excuse(error));
    }
    result.setAttribute('aria-busy', 'false');
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(location.href);
      say(copied, 'Copied.');
    } catch {
      say(copied, 'The browser does not allow it; the address bar has it.');
    }
  }

  typed();
  return () => controller.abort();
}

function words(value) {
  const [unit, name] = [[1e12, 'trillion'], [1e9, 'billion'], [1e6, 'million']].find(([size]) => value >= size) ?? [1, ''];
  return name ? `${Number((value / unit).toPrecision(4))} ${name}` : whole(value);
}

/** Lines that are shown large, above all others. */
const outcomes = ['likes_per_second_peak', 'reads_per_second_peak', 'disk_first_year', 'machines_total'];

function draw(result, { lines, groups }) {
  const large = outcomes.map((name) => lines.find((line) => line.name === name)).filter(Boolean);
  result.replaceChildren(
    h('div', { class: 'tiles' }, large.map(({ title: name, display }) =>
      h('article', { class: 'tile' }, h('h3', {}, name), h('p', { class: 'figure' }, h('span', { class: 'value' }, display))))),
    h('div', { class: 'groups' }, groups.map((group) => h('section', { class: 'card' }, h('h2', {}, group),
      h('dl', { class: 'lines' }, lines.filter((line) => line.group === group).map((line) =>
        h('div', { class: 'line' },
          h('dt', {}, line.title), h('dd', { class: 'value' }, line.display),
          h('dd', { class: 'formula' }, line.formula, h('br'), h('span', {}, `= ${line.arithmetic}`)),
          h('dd', { class: 'note' }, withCode(line.explanation)))))))));
}

/** What stands between backquotes, as code. */
function withCode(text) {
  return text.split('`').map((piece, i) => (i % 2 ? h('code', {}, piece) : piece));
}
