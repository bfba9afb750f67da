// What is going on: rates, times, what is not well, hot contents, shards, calls.

import { h, row, rows, say, table, tell } from './dom.js';
import { bytes, percent, plural, short, time, whole } from './numbers.js';
import { held } from './held.js';
import { hot } from './hot.js';
import { meter, sparkline } from './chart.js';
import { allShards } from './reading.js';
import { lagWorthALook } from './outages.js';

export const title = 'Overview';

/** The seconds that small lines show. */
const shownSeconds = 300;

export function show(root, { monitor }) {
  const parts = [state(), tiles(), hot(), storage(), engines(), shards(), calls(), held(), figures()];
  const [stateOf, tilesOf, hotOf, storageOf, ...others] = parts;
  root.append(
    h('h1', { class: 'hidden' }, 'Overview'), stateOf.element, tilesOf.element,
    h('div', { class: 'columns' }, hotOf.element, storageOf.element), ...others.map(({ element }) => element));
  const update = () => {
    // What needs no figures, or says that there are none, is told in any case.
    const recent = monitor.over();
    for (const part of parts) if (recent || part.always) part.update(monitor, recent);
  };
  monitor.addEventListener('reading', update);
  update();
  return () => {
    monitor.removeEventListener('reading', update);
    for (const part of parts) part.stop?.();
  };
}

/** One sentence where all is well; what is not, else. */
function state() {
  const heading = h('h2', { class: 'verdict' });
  const list = h('ul', { class: 'outages' });
  const note = h('p', { class: 'note' });
  const element = h('section', { class: 'state', role: 'status', 'aria-label': 'State' }, heading, list, note);
  return {
    element,
    always: true,
    update(monitor, recent) {
      const found = monitor.outages();
      const worst = found[0]?.level ?? (monitor.newest && !monitor.failure ? 'good' : 'none');
      element.dataset.level = worst;
      say(heading, sentence(monitor, found));
      // Told again only when it says something else: a status region is read aloud.
      const texts = JSON.stringify(found);
      if (list.dataset.texts !== texts) {
        list.dataset.texts = texts;
        list.replaceChildren(...found.map(({ level, title, detail }) =>
          h('li', { class: level }, h('strong', {}, title), ' ', h('span', {}, detail))));
      }
      const since = monitor.restarted?.toLocaleTimeString('en-GB');
      const restarted = since ? ` The server began anew at ${since}.` : '';
      const ready = monitor.ready?.shards ? `${plural(monitor.ready.shards.length, 'shard')} ready to write.` : '';
      say(note, found.length || !recent ? restarted.trim() : `${ready}${restarted}`.trim());
    },
  };
}

function sentence(monitor, found) {
  if (monitor.failure?.asksForKey) return 'The figures need a key.';
  if (found.length) return found.length === 1 ? 'One thing is not well.' : `${found.length} things are not well.`;
  if (monitor.failure) return monitor.failure.message;
  if (!monitor.newest) return 'Asking the server …';
  return 'All is well.';
}

function tile(label, draws) {
  const value = h('span', { class: 'value' }, '–');
  const unit = h('span', { class: 'unit' });
  const note = h('p', { class: 'note' });
  const spark = sparkline(shownSeconds);
  const element = h('article', { class: 'tile' },
    h('h3', {}, label), h('p', { class: 'figure' }, value, ' ', unit), note, spark.element);
  return {
    element,
    update(monitor, recent) {
      const { text, of, under } = draws.tell(monitor.second, recent);
      say(value, text);
      say(unit, of);
      say(note, under);
      spark.draw(monitor.seconds.map((second) => draws.line(second)));
    },
  };
}

function tiles() {
  const all = [
    tile('Likes', {
      tell: (second) => ({
        text: short(second.intents),
        of: 'a second',
        under: `${short(second.changes)} changed a count, ${short(second.outcomes.unchanged ?? 0)} were so already`,
      }),
      line: (second) => second.intents,
    }),
    tile('Reads', {
      tell: (second) => ({
        text: short(second.reads),
        of: 'a second',
        under: `${short(second.counts)} for counts, the others for lists and who likes what`,
      }),
      line: (second) => second.reads,
    }),
    tile('A like, 99% within', {
      tell: (_, recent) => ({
        text: time(recent.like.p99), of: '', under: `half within ${time(recent.like.p50)}, sync and all`,
      }),
      line: (second) => second.like.p99,
    }),
    tile('A count, 99% within', {
      tell: (_, recent) => ({ text: time(recent.count.p99), of: '', under: `half within ${time(recent.count.p50)}` }),
      line: (second) => second.count.p99,
    }),
    tile('Refused or failed', {
      tell: (_, recent) => ({
        text: short(recent.refused + recent.otherErrors), of: 'a second',
        under: `${short(recent.refused)} intents refused, ${short(recent.otherErrors)} other calls failed`,
      }),
      line: (second) => second.refused + second.otherErrors,
    }),
  ];
  return {
    element: h('section', { class: 'tiles', 'aria-label': 'Rates and times' }, all.map(({ element }) => element)),
    update: (monitor, recent) => { if (monitor.second) for (const part of all) part.update(monitor, recent); },
  };
}

function gauge([label, warnsAbove]) {
  const value = h('span', { class: 'value' }, '–');
  const note = h('span', { class: 'note' });
  const bar = meter(label, warnsAbove);
  const element = h('div', { class: 'gauge' }, h('dt', {}, label), h('dd', {}, value, bar.element, note));
  return { element, set(text, under, share = null) { say(value, text); say(note, under); bar.set(share); } };
}

/** Memory and lag, each against its bound. */
function storage() {
  const [overlay, lag, contents, streams, syncing] =
    [['Overlay'], ['Ledger behind the log'], ['Loaded contents', 1], ['Live streams'], ['Time spent in fdatasync', 1]]
      .map(gauge);
  const list = h('dl', {}, [overlay, lag, contents, syncing, streams].map(({ element }) => element));
  return {
    element: h('section', { class: 'card storage' }, h('h2', {}, 'Storage and memory'), list),
    update(monitor, recent) {
      const all = allShards(recent.shards);
      const isCluster = !recent.shards.length;
      for (const part of [overlay, lag, contents, syncing]) part.element.hidden = isCluster;
      const share = (used, bound) => bound && used / bound;
      const outOf = (bound, words) => (bound ? `of ${bytes(bound)}: ${words}` : words);
      overlay.set(
        bytes(all.overlay), outOf(all.overlayBound, 'what the ledger does not hold yet'), share(all.overlay, all.overlayBound));
      lag.set(
        time(all.lagSeconds),
        `${plural(all.lagRecords, 'record')}, written at ${short(recent.ledgerRows)} rows a second; `
          + `2 s are normal, from ${lagWorthALook} s on it is worth a look`,
        all.lagSeconds / (2 * lagWorthALook));
      const memory = `${bytes(all.contentBytes)} with their filters`;
      contents.set(
        whole(all.contents), all.contentBound ? `${memory}, of ${bytes(all.contentBound)}` : memory,
        share(all.contentBytes, all.contentBound));
      syncing.set(
        percent(all.syncShare), `of a shard’s time; half take ${time(all.syncP50)}, 99% up to ${time(all.syncP99)}`,
        all.syncShare);
      streams.set(whole(monitor.newest.liveStreams), `following ${plural(monitor.newest.liveContents ?? 0, 'content')}`);
    },
  };
}

/** What a cluster's node stands on; nothing in an embedded server. */
function engines() {
  const columns = [['Server'], ['State'], ['Now']];
  const { box, body } = table('Servers that this node stands on', columns);
  const element = h('section', { class: 'card', hidden: true }, h('h2', {}, 'Kafka, Redis, PostgreSQL'), box);
  return {
    element,
    update(monitor, recent) {
      const { cluster } = monitor.newest;
      element.hidden = !cluster;
      if (!cluster) return;
      const lines = [
        ['Kafka', cluster.spooled ? 'away: events are spooled' : 'takes events',
          `${short(recent.published)} events a second, ${whole(cluster.spooled)} in the spool`],
        ...cluster.redis.map(({ name, nodes, connected, breakers }) => [
          `Redis (${name})`, connected === nodes && !breakers ? 'connected' : `${connected} of ${nodes} connected`,
          plural(nodes, 'server')]),
        ...cluster.postgres.map(({ name, breaker, connections, waiting }) => [
          `PostgreSQL ${name}`, ['answers', 'being tried', 'left alone'][breaker] ?? 'not known',
          `${plural(connections, 'connection')}, ${whole(waiting)} calls wait`]),
      ];
      rows(body, lines, ([name]) => name, () => row(columns), tell);
    },
  };
}

function shards() {
  const columns = [
    ['Shard'], ['State'], ['Intents/s', true], ['Batches/s', true], ['In a batch', true], ['Sync, half within', true],
    ['99% within', true], ['Waiting', true], ['Overlay', true], ['Behind', true],
  ];
  const { box, body } = table('Shards', columns);
  const note = h('p', { class: 'note' },
    'A shard is one thread, the only writer of its contents. While a batch is synced the next one gathers. '
    + 'Means and quantiles of the last ten seconds.');
  const element = h('section', { class: 'card' }, h('h2', {}, 'Shards'), note, box);
  return {
    element,
    update(monitor, recent) {
      element.hidden = !recent.shards.length;
      const states = new Map(
        (monitor.ready?.shards ?? []).map(({ shard, status }) => [String(shard), status.replace('_', ' ')]));
      rows(body, recent.shards, (s) => s.shard, () => row(columns), (line, s) => tell(line, [
        s.shard, states.get(s.shard) ?? '–', short(s.intentsPerSecond), short(s.batchesPerSecond), short(s.batchMean),
        time(s.syncP50), time(s.syncP99),
        whole(s.now.queue), bytes(s.now.overlay), time(s.now.lagSeconds),
      ].map(String)));
    },
  };
}

function calls() {
  const columns = [['Call'], ['Requests/s', true], ['Half within', true], ['99% within', true], ['4xx/s', true], ['5xx/s', true]];
  const { box, body } = table('Calls of the last ten seconds', columns);
  return {
    element: h('section', { class: 'card' }, h('h2', {}, 'Calls'), box),
    update(_, recent) {
      rows(body, recent.routes, (r) => r.name, () => row(columns), (line, r) => tell(line, [
        r.name.replaceAll('_', ' '), short(r.requests), time(r.p50), time(r.p99), short(r.clientErrors), short(r.serverErrors),
      ]));
    },
  };
}

/** What the small lines draw, as a table. */
function figures() {
  const columns = [
    ['Seconds ago'], ['Likes/s', true], ['Reads/s', true], ['Like, 99%', true], ['Count, 99%', true], ['Refused/s', true],
  ];
  const { box, body } = table('Figures of the last five minutes', columns);
  const element = h('details', { class: 'card' }, h('summary', {}, 'The last five minutes as a table'), box);
  return {
    element,
    update(monitor) {
      if (!element.open) return;
      const lines = monitor.seconds.filter((_, i, all) => (all.length - 1 - i) % 10 === 0).reverse();
      rows(body, lines.map((second, i) => ({ ...second, i })), ({ i }) => i, () => row(columns), (line, s) => tell(line, [
        whole((monitor.newest.at - s.at) / 1000), short(s.intents), short(s.reads), time(s.like.p99), time(s.count.p99),
        short(s.refused),
      ]));
    },
  };
}
