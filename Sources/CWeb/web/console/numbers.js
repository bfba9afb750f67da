// Numbers, times and sizes as people read them. No DOM. What is not known (null, NaN) is a dash.

const dash = '–';
const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

/** A whole number with separators: 12,345. */
export function whole(value) {
  return known(value) ? Math.round(value).toLocaleString('en-US') : dash;
}

/** Three digits that count, with a unit from 10,000 on: 0.42, 7.3, 128, 4,210, 12.8 K, 1.21 M. */
export function short(value) {
  if (!known(value)) return dash;
  const size = Math.abs(value);
  if (size < 9_999.5) return size >= 99.95 || Number.isInteger(value) ? whole(value) : digits(value, size < 9.995 ? 2 : 1);
  const power = Math.min(4, Math.floor(Math.log10(size * 1.0005) / 3));
  const scaled = value / 1000 ** power;
  return `${digits(scaled, scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${['', 'K', 'M', 'B', 'T'][power]}`;
}

function digits(value, places) {
  return String(Number(value.toFixed(places)));
}

/** A count as the server's `display` has it, rounded down: 999, 12.8K, 1.2M. */
export function display(count) {
  if (!known(count)) return dash;
  if (count < 1000) return String(count);
  const power = Math.min(4, Math.floor((String(Math.trunc(count)).length - 1) / 3));
  const tenths = Math.floor(count / (1000 ** power / 10));
  return `${tenths < 1000 && tenths % 10 ? tenths / 10 : Math.floor(tenths / 10)}${'KMBT'[power - 1]}`;
}

/** A time given in seconds: 85 µs, 3.42 ms, 1.2 s, 4 min, 3 h. */
export function time(seconds) {
  if (!known(seconds)) return dash;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995e-3) return `${digits(seconds * 1e6, 0)} µs`;
  if (seconds < 0.9995) return `${digits(seconds * 1e3, seconds < 0.00995 ? 2 : seconds < 0.0995 ? 1 : 0)} ms`;
  if (seconds < 99.95) return `${digits(seconds, seconds < 9.95 ? 2 : 1)} s`;
  if (seconds < 5400) return `${digits(seconds / 60, 0)} min`;
  return seconds < 129_600 ? `${digits(seconds / 3600, 0)} h` : `${digits(seconds / 86_400, 0)} days`;
}

/** A size in bytes: 640 B, 1.2 MiB. */
export function bytes(value) {
  if (!known(value)) return dash;
  const power = value < 1 ? 0 : Math.min(5, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  const places = power === 0 || scaled >= 99.95 ? 0 : scaled < 9.995 ? 2 : 1;
  return `${digits(scaled, places)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][power]}`;
}

/** A share between 0 and 1: 0.3%, 42%. */
export function percent(share) {
  if (!known(share)) return dash;
  return `${digits(share * 100, share > 0 && share < 0.0995 ? 1 : 0)}%`;
}

/** A moment of today by the clock, an older one with its day. */
export function moment(date, now = new Date()) {
  const clock = date.toLocaleTimeString('en-GB');
  return date.toDateString() === now.toDateString() ? clock : `${date.toLocaleDateString('en-CA')} ${clock}`;
}

/** `1 like`, `2 likes`. */
export function plural(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`;
}
