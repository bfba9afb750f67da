// The text format 0.0.4 of Prometheus, as far as a server of ours writes it. No DOM.
//
//   parse('a_total{x="1"} 3\n').get('a_total')  →  [{ labels: { x: '1' }, value: 3 }]
//
// A histogram's samples are put together: `histograms` finds them by the name of their family.

const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Samples by name, in the order of the page. Comments and lines that are no sample are passed over. */
export function parse(text) {
  const families = new Map();
  for (const line of text.split('\n')) {
    const found = line[0] === '#' ? null : sample.exec(line);
    if (!found) continue;
    const entry = { labels: labels(found[2]), value: number(found[3]) };
    const family = families.get(found[1]);
    if (family) family.push(entry);
    else families.set(found[1], [entry]);
  }
  return families;
}

function labels(text) {
  const out = {};
  for (const [, name, value] of (text ?? '').matchAll(label)) {
    out[name] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
  }
  return out;
}

function number(text) {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

/**
 * The sum of all histograms of `name` whose labels pass `test`: { bounds, counts, sum, count }. `counts` are cumulative, as
 * on the page; the last bound is Infinity. null where there is none.
 */
export function histogram(families, name, test = () => true) {
  const buckets = new Map();
  for (const { labels, value } of families.get(`${name}_bucket`) ?? []) {
    if (!test(labels)) continue;
    const bound = number(labels.le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + value);
  }
  if (!buckets.size) return null;
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  return {
    bounds,
    counts: bounds.map((bound) => buckets.get(bound)),
    sum: total(families, `${name}_sum`, test),
    count: total(families, `${name}_count`, test),
  };
}

/** The sum of the samples of `name` whose labels pass `test`; 0 where there is none. */
export function total(families, name, test = () => true) {
  let sum = 0;
  for (const { labels, value } of families.get(name) ?? []) if (test(labels)) sum += value;
  return sum;
}
