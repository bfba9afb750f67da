// The way of a like through the server, with the figures of the last second, and own taps traced along it.

import { h, isStill, say } from './dom.js';
import { bytes, percent, plural, short, time, whole } from './numbers.js';
import { allShards } from './reading.js';

/** How long a traced tap is shown to take, in milliseconds, however short it was. */
const shownMilliseconds = 1400;

const embedded = [
  ['Connection', 'A front thread reads requests where they lie in its buffer, and hands on what came in one turn as one group.'],
  ['Shard queue', 'A content belongs to one shard. Nothing in a shard is locked, since one thread alone writes there.'],
  ['Batch', 'All that waits is decided at once in memory: who holds what, and what changes. The next batch gathers meanwhile.'],
  ['Event log', 'The batch is appended and synced to the disk, once for all in it. From here on a power loss takes nothing.'],
  ['Answer', 'Counts are published, and each caller is answered: after the sync, never before.'],
  ['Overlay', 'What the log has and the ledger has not yet, in memory, bounded. A restart reads it from the log.'],
  ['Ledger', 'One large, sorted transaction after the other, with the log’s position in it: each record is taken exactly once.'],
  ['Windows', 'Live counts are looked at four times a second; what is hot is added up in windows of a minute, an hour and a day.'],
];
const cluster = [
  ['Connection', embedded[0][1]],
  ['Lane queue', 'A content belongs to one lane of this node.'],
  ['Lookup', 'Redis says whether the like is held already. It may be wrong or away: the ledger decides in the end.'],
  ['Event log', 'Kafka acknowledges by all replicas in sync. While it is away, this node’s spool is synced instead.'],
  ['Answer', 'Sent after that, never before.'],
  ['Aggregator', 'Takes the events of its share of partitions, in order.'],
  ['Ledger', 'PostgreSQL: registers, counts and the position in one transaction.'],
  ['Windows', 'Once a second what changed goes to Redis, as absolute values: a write lost there heals with the next.'],
];

export function stages() {
  const cards = embedded.map(() => {
    const [name, value] = [h('h3'), h('p', { class: 'value' }, '–')];
    const [note, words] = [h('p', { class: 'note' }), h('p', { class: 'words' })];
    return { element: h('li', { class: 'stage' }, name, value, note, words), name, value, note, words };
  });
  const scale = batchScale();
  const trace = h('p', { class: 'trace', role: 'status' }, 'Tap above, and see your like go through.');
  const list = h('ol', { class: 'stages' }, cards.map(({ element }) => element));
  const element = h('div', {}, list, scale.element, trace);
  let latest = null;

  function update(monitor) {
    const second = monitor.second;
    if (!second) return;
    const isCluster = !second.shards.length;
    const texts = isCluster ? clusterFigures(monitor.newest, second) : figures(monitor.newest, second);
    (isCluster ? cluster : embedded).forEach(([name, words], i) => {
      const card = cards[i];
      say(card.name, name);
      say(card.words, words);
      say(card.value, texts[i][0]);
      say(card.note, texts[i][1]);
    });
    // Dots on the wires lie denser by the order of magnitude of what flows.
    list.style.setProperty('--gap', `${Math.max(7, 26 - 4 * Math.log10(1 + second.intents)).toFixed(0)}px`);
    list.classList.toggle('idle', second.intents < 0.5);
    scale.update(second);
    latest = { second, recent: monitor.over() };
  }

  /** Shows where the time of a tap went. Its own time is measured here; the server's parts are those of all likes lately. */
  function traced(tap) {
    const recent = latest?.recent;
    const sync = recent && recent.shards.length ? allShards(recent.shards).syncMean : null;
    const inServer = recent?.like.p50 ?? null;
    const kind = tap.like ? 'like' : 'taken back';
    say(trace, `Your tap ${whole(tap.number)} (${kind}) took ${time(tap.milliseconds / 1000)} from here and back.`
      + (inServer ? ` In the server half of the likes of the last ten seconds took up to ${time(inServer)}.` : '')
      + (inServer && sync ? ` One fdatasync took ${time(sync)} on average.` : ''));
    if (isStill()) return;
    const onTheWay = cards.slice(0, 5);
    onTheWay.forEach(({ element: card }, i) => card.animate(
      [
        { borderColor: 'var(--accent)', boxShadow: '0 0 0 3px var(--halo)' },
        { borderColor: 'var(--edge)', boxShadow: '0 0 0 0 transparent' },
      ],
      { duration: 500, delay: i * shownMilliseconds / cards.length / 1.6, easing: 'ease-out', fill: 'none' }));
  }

  return { element, update, traced };
}

function figures(reading, second) {
  const all = allShards(second.shards);
  return [
    [`${short(second.intents + second.refused)}/s`, `intents, in ${short(second.likeCalls)} calls a second and bulk bodies`],
    [whole(all.queue), 'intents wait at this moment'],
    [short(all.batchMean), `intents in a batch; ${short(all.batchesPerSecond)} batches a second`],
    [time(all.syncMean), `a sync on average; ${short(all.recordsPerSecond)} records a second`],
    [time(second.like.p50), `half of the likes; 99% within ${time(second.like.p99)}`],
    [bytes(all.overlay), all.overlayBound ? `${percent(all.overlay / all.overlayBound)} of its bound` : 'in memory'],
    [time(all.lagSeconds), `behind; ${plural(all.lagRecords, 'record')} wait, ${short(second.ledgerRows)} rows a second`],
    [whole(reading.liveStreams), `live streams; they follow ${plural(reading.liveContents ?? 0, 'content')}`],
  ];
}

function clusterFigures(reading, second) {
  return [
    [`${short(second.intents + second.refused)}/s`, 'intents'],
    ['–', 'not measured'],
    [`${reading.cluster?.redis.every(({ nodes, connected }) => nodes === connected) ? 'Redis' : 'Ledger'}`, 'is asked'],
    [`${short(second.published)}/s`, `events; ${whole(reading.cluster?.spooled)} in the spool`],
    [time(second.like.p50), `half of the likes; 99% within ${time(second.like.p99)}`],
    ['–', 'has metrics of its own'],
    [plural(reading.cluster?.postgres.length ?? 0, 'server'), 'of PostgreSQL'],
    [whole(reading.liveStreams), `live streams; they follow ${plural(reading.liveContents ?? 0, 'content')}`],
  ];
}

/** The mean time between two batches of a shard, and how much of it is the sync, drawn to scale. */
function batchScale() {
  const [sync, rest] = [h('span', { class: 'sync' }), h('span', { class: 'rest' })];
  const words = h('p', { class: 'note' });
  const element = h('div', { class: 'scale', hidden: true },
    h('div', { class: 'scale-bar', 'aria-hidden': 'true' }, sync, rest), words);
  return {
    element,
    update(second) {
      const all = allShards(second.shards);
      element.hidden = !all.batchesPerSecond || !all.syncMean;
      if (element.hidden) return;
      const between = second.shards.length / all.batchesPerSecond;
      const share = Math.min(1, all.syncMean / between);
      sync.style.setProperty('flex-grow', String(share));
      rest.style.setProperty('flex-grow', String(1 - share));
      const sharing = Math.max(1, Math.round(all.batchMean));
      const each = all.syncMean / Math.max(1, all.batchMean);
      say(words, `A shard’s batch every ${time(between)}, to scale: ${time(Math.min(all.syncMean, between))} of it (filled) `
        + 'the disk syncs, while the next batch gathers. '
        + `The sync is shared by ${plural(sharing, 'intent')}: ${time(each)} of disk time each.`);
    },
  };
}
