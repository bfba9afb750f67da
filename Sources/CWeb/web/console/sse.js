// Server-sent events, as the HTML standard has them, out of text that comes in any pieces. No DOM.

export class EventParser {
  #rest = '';
  #event = { name: '', data: [], id: null };
  /** Milliseconds that the server asks to wait before coming again; null before it did. */
  retry = null;
  /** The id of the last event. */
  lastID = '';

  /** Forgets what a connection that ended left half said. */
  reset() {
    this.#rest = '';
    this.#event = { name: '', data: [], id: null };
  }

  /** Takes a piece and returns the events that are whole with it: { name, data }. */
  push(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    return lines.map((line) => this.#line(line)).filter(Boolean);
  }

  #line(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event.name = value;
    else if (field === 'data') this.#event.data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#event.id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    return null;
  }

  #dispatch() {
    const { name, data, id } = this.#event;
    this.#event = { name: '', data: [], id: null };
    if (id !== null) this.lastID = id;
    return data.length ? { name: name || 'message', data: data.join('\n') } : null;
  }
}
