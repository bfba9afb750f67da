// One page of /metrics boiled down to what the console shows, and what happened between two of them. No DOM.
//
// A reading holds counters and histograms as they stood, so that any two of them, a second or a minute apart, give rates and
// quantiles. What a server does not have (shards in a cluster's node, Redis in an embedded one) is empty or null.

import { added, gained, gainedHistogram, mean, quantile } from './deltas.js';
import { histogram, parse, total } from './prometheus.js';

const http = 'likewise_http_request_seconds';
const likeRoutes = new Set(['like', 'unlike', 'hold', 'release']);
const countRoutes = new Set(['count', 'count_batch']);
const readRoutes = new Set([...countRoutes, 'status', 'user_likes', 'content_likes', 'content_get', 'top']);

/** A reading of the page `text`, taken at `at` (milliseconds of any clock that only goes forward). */
export function read(text, at) {
  const families = parse(text);
  const sum = (name, test) => total(families, name, test);
  const gauge = (name) => (families.has(name) ? sum(name) : null);
  const shards = [...new Set((families.get('likewise_batch_intents_count') ?? []).map(({ labels }) => labels.shard))];
  return {
    at,
    likes: Object.fromEntries(
      (families.get('likewise_likes_total') ?? []).map(({ labels, value }) => [labels.outcome, value])),
    routes: routes(families),
    likeTimes: histogram(families, `${http}`, ({ route }) => likeRoutes.has(route)),
    countTimes: histogram(families, `${http}`, ({ route }) => countRoutes.has(route)),
    shards: shards.sort((a, b) => a - b).map((shard) => shardOf(families, shard)),
    ledger: {
      transactions: histogram(families, 'likewise_ledger_transaction_seconds'),
      rows: sum('likewise_ledger_rows_total'),
      writeErrors: sum('likewise_ledger_write_errors_total'),
      readErrors: sum('likewise_ledger_read_errors_total'),
    },
    logErrors: sum('likewise_log_errors_total'),
    liveStreams: gauge('likewise_live_streams'),
    liveContents: gauge('likewise_live_contents'),
    overflow: sum('likewise_metrics_overflow_total'),
    certificateExpiry: gauge('likewise_tls_certificate_expiry_timestamp_seconds'),
    cluster: clusterOf(families, sum, gauge),
  };
}

function routes(families) {
  const found = new Map();
  for (const { labels, value } of families.get(`${http}_count`) ?? []) {
    if (!value) continue;
    const route = found.get(labels.route)
      ?? { statuses: {}, times: histogram(families, http, (l) => l.route === labels.route) };
    route.statuses[labels.status] = value;
    found.set(labels.route, route);
  }
  return found;
}

function shardOf(families, shard) {
  const mine = (labels) => labels.shard === shard;
  const sum = (name) => total(families, name, mine);
  return {
    shard,
    batches: histogram(families, 'likewise_batch_intents', mine),
    syncs: histogram(families, 'likewise_log_sync_seconds', mine),
    records: sum('likewise_log_records_total'),
    queue: sum('likewise_shard_queue_intents'),
    overlay: sum('likewise_overlay_bytes'),
    overlayBound: sum('likewise_overlay_bound_bytes') || null,
    contents: sum('likewise_loaded_contents'),
    contentBytes: sum('likewise_content_bytes'),
    contentBound: sum('likewise_content_bound_bytes') || null,
    lagRecords: sum('likewise_ledger_lag_records'),
    lagSeconds: sum('likewise_ledger_lag_seconds'),
  };
}

/** What a cluster's node says of the servers that it stands on; null in an embedded one. */
function clusterOf(families, sum, gauge) {
  if (!families.has('likewise_redis_nodes') && !families.has('likewise_events_published_total')) return null;
  const by = (name, key) => (families.get(name) ?? []).map(({ labels, value }) => ({ name: labels[key], value }));
  return {
    redis: by('likewise_redis_nodes', 'deployment').map(({ name, value }) => ({
      name,
      nodes: value,
      connected: sum('likewise_redis_connected_nodes', (labels) => labels.deployment === name),
      breakers: sum('likewise_redis_open_breakers', (labels) => labels.deployment === name),
    })),
    postgres: by('likewise_postgresql_breaker', 'server').map(({ name, value }) => ({
      name,
      breaker: value,
      connections: sum('likewise_postgresql_connections', (labels) => labels.server === name),
      waiting: sum('likewise_postgresql_waiting_calls', (labels) => labels.server === name),
    })),
    published: sum('likewise_events_published_total'),
    spooled: gauge('likewise_spool_waiting_events') ?? 0,
    deliveryFailures: sum('likewise_kafka_delivery_failures_total'),
    countErrors: sum('likewise_count_read_errors_total'),
    redisErrors: sum('likewise_redis_errors_total'),
  };
}

/** Rates, quantiles and errors between two readings of the same server. */
export function between(before, after) {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const rate = (from, to) => gained(from ?? 0, to ?? 0) / seconds;
  const outcomes = Object.fromEntries(
    Object.keys(after.likes).map((name) => [name, rate(before.likes[name], after.likes[name])]));
  const routeRates = [...after.routes].map(([name, route]) => routeBetween(name, before.routes.get(name), route, rate));
  const sumOf = (names, field) => routeRates.filter(({ name }) => names.has(name)).reduce((sum, r) => sum + r[field], 0);
  const times = gainedHistogram(before.likeTimes, after.likeTimes);
  const countTimes = gainedHistogram(before.countTimes, after.countTimes);
  const changes = (outcomes.liked ?? 0) + (outcomes.changed ?? 0) + (outcomes.unliked ?? 0) + (outcomes.held ?? 0);
  return {
    seconds,
    outcomes,
    intents: changes + (outcomes.unchanged ?? 0),
    changes,
    refused: outcomes.refused ?? 0,
    reads: sumOf(readRoutes, 'requests'),
    counts: sumOf(countRoutes, 'requests'),
    likeCalls: sumOf(likeRoutes, 'requests'),
    // A like that failed is among `refused` already.
    otherErrors: routeRates.filter(({ name }) => !likeRoutes.has(name)).reduce((sum, r) => sum + r.serverErrors, 0),
    like: { p50: quantile(times, 0.5), p99: quantile(times, 0.99), mean: mean(times) },
    count: { p50: quantile(countTimes, 0.5), p99: quantile(countTimes, 0.99), mean: mean(countTimes) },
    routes: routeRates.filter(({ requests }) => requests > 0).sort((a, b) => b.requests - a.requests),
    shards: after.shards.map((shard) => shardBetween(before.shards.find((s) => s.shard === shard.shard), shard, seconds)),
    ledgerRows: rate(before.ledger.rows, after.ledger.rows),
    ledgerTransactions: gainedHistogram(before.ledger.transactions, after.ledger.transactions),
    ledgerWriteErrors: rate(before.ledger.writeErrors, after.ledger.writeErrors),
    ledgerReadErrors: rate(before.ledger.readErrors, after.ledger.readErrors),
    logErrors: rate(before.logErrors, after.logErrors),
    deliveryFailures: rate(before.cluster?.deliveryFailures, after.cluster?.deliveryFailures),
    countErrors: rate(before.cluster?.countErrors, after.cluster?.countErrors),
    redisErrors: rate(before.cluster?.redisErrors, after.cluster?.redisErrors),
    published: rate(before.cluster?.published, after.cluster?.published),
  };
}

function routeBetween(name, before, after, rate) {
  const of = (status) => rate(before?.statuses[status], after.statuses[status]);
  const times = gainedHistogram(before?.times ?? null, after.times);
  const errors = { clientErrors: of('4xx'), serverErrors: of('5xx') };
  return {
    name,
    requests: ['1xx', '2xx', '3xx', '4xx', '5xx'].reduce((sum, status) => sum + of(status), 0),
    ...errors,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}

function shardBetween(before, after, seconds) {
  const batches = gainedHistogram(before?.batches ?? null, after.batches);
  const syncs = gainedHistogram(before?.syncs ?? null, after.syncs);
  return {
    shard: after.shard,
    batches,
    syncs,
    batchesPerSecond: (batches?.count ?? 0) / seconds,
    intentsPerSecond: (batches?.sum ?? 0) / seconds,
    recordsPerSecond: gained(before?.records ?? 0, after.records) / seconds,
    batchMean: mean(batches),
    syncMean: mean(syncs),
    syncP50: quantile(syncs, 0.5),
    syncP99: quantile(syncs, 0.99),
    syncShare: (syncs?.sum ?? 0) / seconds,
    now: after,
  };
}

/** All shards of `between` as one. */
export function allShards(shards) {
  const [batches, syncs] = [added(shards.map((s) => s.batches)), added(shards.map((s) => s.syncs))];
  const sum = (value) => shards.reduce((all, shard) => all + (value(shard) ?? 0), 0);
  const bound = (value) => (shards.every((shard) => value(shard)) ? sum(value) : null);
  return {
    batchesPerSecond: sum((s) => s.batchesPerSecond),
    intentsPerSecond: sum((s) => s.intentsPerSecond),
    recordsPerSecond: sum((s) => s.recordsPerSecond),
    batchMean: mean(batches),
    syncMean: mean(syncs),
    syncP50: quantile(syncs, 0.5),
    syncP99: quantile(syncs, 0.99),
    syncShare: shards.length ? sum((s) => s.syncShare) / shards.length : 0,
    queue: sum((s) => s.now.queue),
    overlay: sum((s) => s.now.overlay),
    overlayBound: bound((s) => s.now.overlayBound),
    contents: sum((s) => s.now.contents),
    contentBytes: sum((s) => s.now.contentBytes),
    contentBound: bound((s) => s.now.contentBound),
    lagRecords: sum((s) => s.now.lagRecords),
    lagSeconds: Math.max(0, ...shards.map((s) => s.now.lagSeconds)),
  };
}
