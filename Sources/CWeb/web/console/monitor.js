// Asks for the metrics once a second, and for readiness every five, while the page is seen; nothing while it is hidden.

import { Failure, pause, readiness, text } from './api.js';
import { outages } from './outages.js';
import { between, read } from './reading.js';

const interval = 1000;
const refusedInterval = 10_000;
/** Readings that are kept: five minutes of them. */
const kept = 301;
/** Readings over which quantiles and errors are reckoned: ten seconds, so that few requests still make a figure. */
const recentReadings = 10;

export class Monitor extends EventTarget {
  /** The readings, the newest last. */
  readings = [];
  /** `between` of each two neighbours, with `at` of the later one; the newest last. */
  seconds = [];
  ready = null;
  /** Why the newest reading is missing; null where it is not. */
  failure = null;
  /** When the failure began, and when a server began anew, as dates; null where neither has been seen. */
  failedSince = null;
  restarted = null;
  #awake = new AbortController();

  constructor() {
    super();
    document.addEventListener('visibilitychange', () => this.#wake());
    this.#run();
  }

  /** The newest reading; null before the first. */
  get newest() { return this.readings.at(-1) ?? null; }
  /** The last second; null before two readings. */
  get second() { return this.seconds.at(-1) ?? null; }

  /** What happened over the last `count` readings at most, none before a restart; null before two. */
  over(count = recentReadings) {
    const from = this.readings.at(-1 - count) ?? this.readings[0];
    return this.readings.length > 1 ? between(from, this.newest) : null;
  }

  /** What is not well; see `outages`. Without a server's answer, that alone. */
  outages() {
    if (this.failure && !this.failure.asksForKey) {
      const since = this.failedSince.toLocaleTimeString('en-GB');
      const detail = `${this.failure.message} What is shown below is from before.`;
      return [{ level: 'bad', title: `No metrics since ${since}`, detail }];
    }
    return outages(this.newest, this.over(), this.ready, Date.now() / 1000);
  }

  /** Asks again at once: the page is seen again, or has another key. */
  again() {
    this.#awake.abort();
  }

  #wake() {
    if (!document.hidden) this.again();
  }

  async #run() {
    for (let round = 0; ; round += 1) {
      this.#awake = new AbortController();
      const { signal } = this.#awake;
      if (!document.hidden) {
        const begin = performance.now();
        await this.#ask(round % 5 === 0);
        // Without a key that is enough, asking again at once would only be refused again.
        const wait = this.failure?.asksForKey ? refusedInterval : interval;
        await pause(wait - Math.min(wait - 100, performance.now() - begin), signal);
      } else {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        round = -1;
      }
    }
  }

  async #ask(withReadiness) {
    try {
      const [page, ready] = await Promise.all([text('/metrics'), withReadiness ? readiness() : this.ready]);
      this.ready = ready;
      this.#take(read(page, performance.now()));
      [this.failure, this.failedSince] = [null, null];
    } catch (error) {
      this.failure = error instanceof Failure ? error : new Failure(0, 'unreadable', 'The answer could not be read.');
      this.failedSince ??= new Date();
    }
    this.dispatchEvent(new Event('reading'));
  }

  #take(reading) {
    const last = this.newest;
    if (last && isRestart(last, reading)) {
      this.readings = [];
      this.restarted = new Date();
    } else if (last) {
      this.seconds.push({ at: reading.at, ...between(last, reading) });
    }
    this.readings.push(reading);
    this.readings.splice(0, this.readings.length - kept);
    this.seconds.splice(0, this.seconds.length - kept);
  }
}

/** Whether counters fell, which they only do where the server began anew. */
function isRestart(before, after) {
  const fell = (from, to) => (to ?? 0) < (from ?? 0);
  return Object.keys(before.likes).some((name) => fell(before.likes[name], after.likes[name]))
    || before.shards.some((shard, i) => fell(shard.records, after.shards[i]?.records))
    || [...before.routes].some(([name, { times }]) => fell(times?.count, after.routes.get(name)?.times?.count));
}
