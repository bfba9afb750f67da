// What happened between two readings of counters and histograms. No DOM.
//
// Counters begin again at 0 when the server does. One that is below what it was has been reset, and what it shows has all
// happened since (Prometheus reckons `rate` in the same way).

/** What a counter gained. */
export function gained(before, after) {
  return after >= before ? after - before : after;
}

/** What a histogram gained, as a histogram; `before` may be null. */
export function gainedHistogram(before, after) {
  if (!after) return null;
  if (!before || after.count < before.count) return after;
  return {
    bounds: after.bounds,
    counts: after.counts.map((count, i) => Math.max(0, count - (before.counts[i] ?? 0))),
    sum: Math.max(0, after.sum - before.sum),
    count: after.count - before.count,
  };
}

/** The sum of histograms with the same bounds; null where all are. */
export function added(histograms) {
  return histograms.filter(Boolean).reduce((sum, next) => sum === null ? next : {
    bounds: sum.bounds,
    counts: sum.counts.map((count, i) => count + next.counts[i]),
    sum: sum.sum + next.sum,
    count: sum.count + next.count,
  }, null);
}

/**
 * The value below which the share `q` of a histogram lies: even within a bucket. null where nothing was recorded; the
 * last finite bound where it lies above that, so that what is shown is never made up.
 */
export function quantile(histogram, q) {
  const all = histogram?.counts.at(-1) ?? 0;
  if (!all) return null;
  const rank = q * all;
  const i = histogram.counts.findIndex((count) => count >= rank);
  const high = histogram.bounds[i];
  const low = i ? histogram.bounds[i - 1] : 0;
  if (!Number.isFinite(high)) return low;
  const below = i ? histogram.counts[i - 1] : 0;
  const within = histogram.counts[i] - below;
  return within ? low + (high - low) * (rank - below) / within : high;
}

/** The mean of what a histogram recorded; null where that is nothing. */
export function mean(histogram) {
  return histogram?.count ? histogram.sum / histogram.count : null;
}
