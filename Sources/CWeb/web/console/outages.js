// What is not well, in words: from a reading, what happened in the last ten seconds, and readiness. No DOM.
//
// Each entry is { level: 'bad' | 'warn', title, detail }: what is seen, and what it means or what to do. The bounds are
// those that docs/operations.md advises to alert on.

import { bytes, percent, plural, short, time, whole } from './numbers.js';
import { allShards } from './reading.js';

/** Seconds of lag of the ledger that are worth a look; two are normal. */
export const lagWorthALook = 10;
/** The share of the overlay's bound that is worth a look. */
export const overlayWorthALook = 0.5;

/**
 * @param reading the newest reading, or null
 * @param recent `between` over the last ten seconds, or null
 * @param ready the answer of /health/ready, or null
 * @param nowSeconds seconds since 1970
 */
export function outages(reading, recent, ready, nowSeconds) {
  const found = readiness(ready);
  if (reading) {
    if (recent) found.push(...rising(recent), ...filling(allShards(recent.shards)));
    if (reading.cluster) found.push(...engines(reading.cluster, recent));
    if (reading.overflow > 0) {
      const detail = `${whole(reading.overflow)} recordings did not fit the page of metrics.`;
      found.push(warn('Some metrics are not shown', detail));
    }
    const days = reading.certificateExpiry === null ? null : (reading.certificateExpiry - nowSeconds) / 86_400;
    if (days !== null && days < 14) {
      const when = days < 0 ? 'has expired' : `expires in ${plural(Math.floor(days), 'day')}`;
      const entry = days < 2 ? bad : warn;
      found.push(entry(`The certificate ${when}`, 'Put a new one in place; it is read again by itself.'));
    }
  }
  return found.sort((a, b) => (a.level > b.level) - (a.level < b.level));
}

const bad = (title, detail) => ({ level: 'bad', title, detail });
const warn = (title, detail) => ({ level: 'warn', title, detail });

function readiness(ready) {
  if (!ready || ready.status === 'ok') return [];
  if (ready.status === 'stopping') {
    return [bad('The server is stopping', 'It answers what it has taken, and takes no more writes.')];
  }
  const unwell = (ready.shards ?? []).filter(({ status }) => status !== 'ok');
  const found = unwell.map(({ shard, status }) => (status === 'storage_full'
    ? bad(`Shard ${shard}: the disk is full`,
      'Writes get 503 and change nothing; reads go on. Make room: writes are taken again by themselves.')
    : bad(`Shard ${shard}: the disk failed`,
      'Writes are refused until a restart has read the log. What was answered is safe as far as the disk kept it.')));
  return found.length ? found : [bad('The server is not ready', `It says: ${ready.status}.`)];
}

function rising(recent) {
  const found = [];
  const when = (rate, entry) => { if (rate > 0) found.push(entry); };
  when(recent.logErrors, bad('The event log does not take batches',
    'The disk is full or failed; writes get 503. The log lines of the server say which.'));
  when(recent.ledgerWriteErrors, bad('The ledger does not take transactions',
    'They are tried again. Likes go on into the log until the overlay is full.'));
  when(recent.ledgerReadErrors, bad('The ledger cannot be read',
    'Callers whose register only the ledger has get 503.'));
  when(recent.refused, warn(`${short(recent.refused)} intents a second are refused`,
    'By 503, 429 or for content that is not registered. Nothing of them was changed.'));
  when(recent.otherErrors, warn(`${short(recent.otherErrors)} calls a second fail`,
    'They are answered with 5xx; the table of calls says which.'));
  return found;
}

function filling(shards) {
  const found = [];
  if (shards.overlayBound) {
    const share = shards.overlay / shards.overlayBound;
    const detail = `${bytes(shards.overlay)} of ${bytes(shards.overlayBound)}. `
      + 'At the bound writes get 503 until the ledger has caught up.';
    if (share > 0.95) found.push(bad('The overlay is full', detail));
    else if (share > overlayWorthALook) found.push(warn(`The overlay is ${percent(share)} full`, detail));
  }
  if (shards.lagSeconds > lagWorthALook) {
    found.push(warn(`The ledger is ${time(shards.lagSeconds)} behind the log`,
      `${whole(shards.lagRecords)} records wait. Nothing is lost by it: the log has them.`));
  }
  return found;
}

function engines(cluster, recent) {
  const found = [];
  for (const { name, nodes, connected, breakers } of cluster.redis) {
    if (connected < nodes || breakers > 0) {
      found.push(warn(`Redis (${name}): ${whole(connected)} of ${plural(nodes, 'server')} connected`,
        'Likes and counts come from the ledger meanwhile; they are right, and slower.'));
    }
  }
  for (const { name, breaker } of cluster.postgres) {
    if (breaker > 0) {
      found.push(bad(`PostgreSQL server ${name} does not answer`,
        'Likes go on. Lists, and whatever Redis does not hold, get 503.'));
    }
  }
  if (cluster.spooled > 0) {
    found.push(warn(`${plural(cluster.spooled, 'event')} in the spool`,
      'Kafka did not take them. They are on stable storage here, and are relayed in order when it is back.'));
  } else if (recent?.deliveryFailures > 0) {
    found.push(bad('Kafka does not take events', 'They go into the spool of this node.'));
  }
  if (recent?.countErrors > 0) {
    found.push(bad('Counts cannot be read',
      'Neither Redis nor the ledger answers; callers get what the node saw last, or 503.'));
  }
  return found;
}
