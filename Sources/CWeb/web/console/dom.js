// Elements made in a line. Text is always text: nothing that a server or a user wrote is read as HTML.

/** An element: `h('p', { class: 'note' }, 'text', h('b', {}, 'more'))`. `on…` are listeners; null children are left out. */
export function h(name, attributes = {}, ...children) {
  return made(document.createElement(name), attributes, children);
}

/** The same in SVG. */
export function svg(name, attributes = {}, ...children) {
  return made(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function made(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets an element's text, if it is another one: what has not changed is not announced or laid out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces the rows of a table's body. Those of the same key are kept, so that focus and selection stay. */
export function rows(body, items, key, make, update) {
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const wanted = items.map((item) => {
    const name = String(key(item));
    let row = known.get(name);
    if (!row) {
      row = make(item);
      row.dataset.key = name;
    }
    update(row, item);
    return row;
  });
  const isSame = wanted.length === body.children.length && wanted.every((row, i) => row === body.children[i]);
  if (!isSame) body.replaceChildren(...wanted);
}

/** A table in a box that scrolls by itself where it is too wide. `columns`: [heading, is a number?]. */
export function table(caption, columns) {
  const body = h('tbody');
  const head = h('tr', {}, columns.map(([name, number]) =>
    h('th', { scope: 'col', class: number ? 'number' : null }, name)));
  const box = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', { class: 'hidden' }, caption), h('thead', {}, head), body));
  return { box, body };
}

/** Cells of a row, made once and told later by `tell`. */
export function row(columns) {
  return h('tr', {}, columns.map(([, number]) => h('td', { class: number ? 'number' : null })));
}

/** Sets the texts of a row's cells. */
export function tell(row, texts) {
  texts.forEach((text, i) => say(row.children[i], text));
}

/** Whether the reader wants things to stay where they are. */
export const isStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** What an answer that failed is to a person. */
export function excuse(error) {
  if (error.status === 401) return 'This needs a key or token that the server knows. Enter one with “Key” above.';
  if (error.status === 403) return `The key that you entered does not allow this: ${error.message}`;
  return error.message;
}
