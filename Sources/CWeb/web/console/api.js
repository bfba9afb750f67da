// Calls of the server that this page came from, with the operator's key or token where there is one.

import { EventParser } from './sse.js';

const storageName = 'likewise-console-key';
/** Milliseconds after which a call is given up. */
const patience = 15_000;

/** An answer that is not a success, or none at all (`status` 0). */
export class Failure extends Error {
  constructor(status, code, detail, field) {
    super(detail);
    Object.assign(this, { status, code, field });
  }

  /** Whether another key could help. */
  get asksForKey() {
    return this.status === 401 || (this.status === 403 && this.code === 'forbidden');
  }
}

/** The key or token that calls carry. Kept by the tab, and gone with it. */
export const credential = {
  get: () => sessionStorage.getItem(storageName) ?? '',
  set(value) {
    if (value) sessionStorage.setItem(storageName, value);
    else sessionStorage.removeItem(storageName);
  },
  /** The user whom a token names; null for a backend's key and without one. */
  subject() {
    try {
      const claims = this.get().split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
      const bytes = Uint8Array.from(atob(claims), (c) => c.charCodeAt(0));
      return JSON.parse(new TextDecoder().decode(bytes)).sub ?? null;
    } catch {
      return null;
    }
  },
};

function fields(more = {}) {
  const key = credential.get();
  return key ? { ...more, authorization: `Bearer ${key}` } : more;
}

async function send(path, { method = 'GET', body, signal, headers = {}, cache = 'no-store', timeout = patience } = {}) {
  const signals = [signal, timeout && AbortSignal.timeout(timeout)].filter(Boolean);
  let response;
  try {
    response = await fetch(path, {
      method,
      cache,
      credentials: 'omit',
      headers: fields(body === undefined ? headers : { ...headers, 'content-type': 'application/json' }),
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signals.length ? AbortSignal.any(signals) : undefined,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const slow = error.name === 'TimeoutError';
    throw slow
      ? new Failure(0, 'timeout', 'The server did not answer in time.')
      : new Failure(0, 'unreachable', 'The server cannot be reached.');
  }
  return response;
}

async function failure(response) {
  const problem = await response.json().catch(() => ({}));
  const detail = problem.detail ?? problem.title ?? `The server answered ${response.status}.`;
  return new Failure(response.status, problem.code ?? 'unknown', detail, problem.field);
}

/** The JSON of a successful answer; else throws a `Failure`. */
export async function ask(path, options) {
  const response = await send(path, options);
  if (!response.ok) throw await failure(response);
  return response.json();
}

/** The text of a successful answer. */
export async function text(path, options) {
  const response = await send(path, options);
  if (!response.ok) throw await failure(response);
  return response.text();
}

/** Readiness: the body of 200 and of 503 alike. */
export async function readiness(signal) {
  const response = await send('/health/ready', { signal });
  return response.json();
}

/**
 * Follows the counts of `ids` (1 to 100) until `signal` aborts: `onCount(body)` at once and on each change. A connection that
 * ends is made again after the server's own time, and goes on behind the last event.
 */
export async function follow(ids, onCount, signal, onState = () => {}) {
  const path = `/v1/live?${ids.map((id) => `content_id=${encodeURIComponent(id)}`).join('&')}`;
  const parser = new EventParser();
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const headers = { accept: 'text/event-stream', ...(parser.lastID && { 'last-event-id': parser.lastID }) };
      const response = await send(path, { signal, headers, timeout: 0 });
      if (!response.ok) throw await failure(response);
      onState(null);
      parser.reset();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        failures = 0;
        for (const event of parser.push(piece.value)) onCount(JSON.parse(event.data), event.name);
      }
    } catch (error) {
      if (signal.aborted) return;
      onState(error);
      if (error instanceof Failure && error.status >= 400 && error.status < 500 && error.status !== 429) return;
    }
    await pause((parser.retry ?? 2000) * Math.min(8, 2 ** failures) * (0.75 + Math.random() / 2), signal);
  }
}

/** Waits, or less long where `signal` aborts. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
