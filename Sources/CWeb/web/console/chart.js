// Lines over time, drawn as SVG. What is drawn is told in words beside it: the pictures themselves are hidden from
// screen readers.

import { h, svg } from './dom.js';
import { moment, short, whole } from './numbers.js';

/** A path through `points` ([x, y]); null in y breaks it. */
function line(points) {
  let isOpen = false;
  return points.map(([x, y]) => {
    if (y === null) {
      isOpen = false;
      return '';
    }
    const step = `${isOpen ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`;
    isOpen = true;
    return step;
  }).join('');
}

/**
 * A small line without axes: { element, draw(values) }. `values` are evenly apart; null is a gap. It shows the last `most`,
 * and where there are fewer than a quarter of that, leaves room at the left.
 */
export function sparkline(most, className = 'spark') {
  const [area, stroke] = [svg('path', { class: 'area' }), svg('path', { class: 'line' })];
  const element = svg('svg', {
    class: className, viewBox: '0 0 100 30', preserveAspectRatio: 'none', 'aria-hidden': 'true',
  }, area, stroke);
  const draw = (values) => {
    const shown = values.slice(-most);
    const slots = Math.max(shown.length, most / 4);
    const top = Math.max(...shown.map((value) => value ?? 0), 0) * 1.08 || 1;
    const from = slots - shown.length;
    const x = (i) => (from + i) * 100 / Math.max(1, slots - 1);
    const points = shown.map((value, i) => [x(i), value === null ? null : 29 - value / top * 27]);
    const path = line(points);
    stroke.setAttribute('d', path);
    const known = points.filter(([, y]) => y !== null);
    const [first, last] = [known[0], known.at(-1)];
    area.setAttribute('d', known.length > 1 ? `${line(known)}L${last[0].toFixed(2)} 30L${first[0].toFixed(2)} 30Z` : '');
  };
  return { element, draw };
}

/** A round step not below `size`. */
function step(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return [1, 2, 2.5, 5, 10].map((times) => times * power).find((round) => round >= size * 0.9999);
}

/** A count over time with axes: { element, draw(points) }; points are [milliseconds since 1970, count], in order. */
export function timeline(label) {
  const [area, stroke] = [svg('path', { class: 'area' }), svg('path', { class: 'line' })];
  const [grid, mark] = [svg('g', { class: 'grid' }), svg('g', { class: 'mark' })];
  const picture = svg('svg', { class: 'timeline', 'aria-hidden': 'true' }, grid, area, stroke, mark);
  const note = h('p', { class: 'note' });
  const element = h('figure', { class: 'chart' }, picture, h('figcaption', { class: 'hidden' }, label), note);
  let shown = [];
  let place = () => [0, 0];

  const draw = (points) => {
    shown = points;
    const [width, height] = [picture.clientWidth || 600, picture.clientHeight || 220];
    picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    grid.replaceChildren();
    if (points.length < 2) return;
    const [first, last] = [points[0][0], points.at(-1)[0]];
    const values = points.map(([, count]) => count);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const unit = step(Math.max(1, (most - least) / 3));
    const [low, high] = [Math.max(0, Math.floor(least / unit) * unit), (Math.floor(most / unit) + 1) * unit];
    const text = unit * 100 < high ? whole : short;
    const [left, right, top, bottom] = [18 + 7 * text(high).length, width - 8, 8, height - 22];
    place = ([at, count]) => [
      left + (at - first) / Math.max(1, last - first) * (right - left),
      bottom - (count - low) / (high - low) * (bottom - top),
    ];
    for (let value = low; value <= high * 1.0001; value += unit) {
      const y = place([first, value])[1];
      grid.append(
        svg('line', { x1: left, x2: right, y1: y, y2: y }),
        svg('text', { x: left - 8, y: y + 4, 'text-anchor': 'end' }, text(value)));
    }
    const labels = Math.max(2, Math.min(5, Math.floor(width / 150)));
    for (let i = 0; i < labels; i += 1) {
      const at = first + (last - first) * i / (labels - 1);
      const anchor = i === 0 ? 'start' : i === labels - 1 ? 'end' : 'middle';
      const x = left + (right - left) * i / (labels - 1);
      grid.append(svg('text', { x, y: height - 4, 'text-anchor': anchor }, moment(new Date(at))));
    }
    // A count holds until the next: steps, not slopes.
    const steps = points.flatMap((point, i) => (i ? [place([point[0], points[i - 1][1]]), place(point)] : [place(point)]));
    stroke.setAttribute('d', line(steps));
    area.setAttribute('d', `${line(steps)}L${right} ${bottom}L${left} ${bottom}Z`);
  };

  picture.addEventListener('pointermove', (event) => {
    if (shown.length < 2) return;
    const x = event.clientX - picture.getBoundingClientRect().left;
    const found = shown.findLast((point) => place(point)[0] <= x) ?? shown[0];
    const [cx, cy] = place(found);
    mark.replaceChildren(
      svg('line', { x1: cx, x2: cx, y1: 8, y2: picture.clientHeight - 22 }), svg('circle', { cx, cy, r: 4 }));
    note.textContent = `${moment(new Date(found[0]))}: ${found[1].toLocaleString('en-US')}`;
  });
  picture.addEventListener('pointerleave', () => {
    mark.replaceChildren();
    note.textContent = '';
  });
  return { element, draw };
}

/** How much of a bound is used: { element, set(share) }; nothing is drawn where the share is null. */
export function meter(label, warnsAbove = 0.5) {
  const fill = h('span', { class: 'fill' });
  const element = h('span', {
    class: 'meter', role: 'meter', 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': '100',
  }, fill);
  const set = (share) => {
    element.hidden = share === null;
    if (share === null) return;
    const percent = Math.min(100, Math.max(0, share * 100));
    element.setAttribute('aria-valuenow', percent.toFixed(0));
    element.classList.toggle('high', share > warnsAbove);
    fill.style.setProperty('inline-size', `${percent}%`);
  };
  return { element, set };
}
