// Taps on a like, each sent, in order, one at a time. No DOM: what sends and what waits are handed in.
//
// A browser may use several connections, and a server keeps order only within one. So a tap is sent when the one before is
// answered; however fast somebody taps, what he tapped last is what holds. The calls are the idempotent ones, so that one whose
// answer was lost is sent again without counting twice.

/** Taps that wait at most; more are not taken. */
const bound = 500;
/** How often a tap is sent at most, and the milliseconds before it is sent again, doubled each time. */
const [attempts, firstWait] = [6, 200];

export class Taps {
  /** Whether the last tap was a like. */
  wanted = false;
  /** What the server has confirmed. */
  confirmed = false;
  /** Taps that were answered, the newest last: { number, like, milliseconds, count }. */
  answered = [];
  sent = 0;
  #waiting = [];
  #isSending = false;

  /**
   * @param send `async (like) => { liked, count }`; throws what has `status`
   * @param wait `async (milliseconds)`
   * @param onchange told after each step: `(event, tap)`, event one of sent, answered, failed, and rest where all were answered
   * @param now milliseconds of a clock that only goes forward
   */
  constructor(send, wait, onchange, now) {
    Object.assign(this, { send, wait, onchange, now });
  }

  get waiting() { return this.#waiting.length; }

  /** Takes a tap; false where too many wait. */
  tap() {
    if (this.#waiting.length >= bound) return false;
    this.wanted = !this.wanted;
    this.sent += 1;
    this.#waiting.push({ number: this.sent, like: this.wanted });
    this.onchange('sent');
    this.#work();
    return true;
  }

  async #work() {
    if (this.#isSending) return;
    this.#isSending = true;
    let isWhole = true;
    while (this.#waiting.length) {
      const tap = this.#waiting[0];
      const begin = this.now();
      try {
        const { liked, count } = await this.#attempt(tap.like);
        this.confirmed = liked;
        this.#waiting.shift();
        this.answered.push({ ...tap, milliseconds: this.now() - begin, count });
        this.onchange('answered', this.answered.at(-1));
      } catch (error) {
        // What could not be sent is taken back, with all that was tapped after it.
        this.sent -= this.#waiting.length;
        this.#waiting = [];
        this.wanted = this.confirmed;
        isWhole = false;
        this.onchange('failed', error);
      }
    }
    this.#isSending = false;
    if (isWhole) this.onchange('rest');
  }

  async #attempt(like) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.send(like);
      } catch (error) {
        const isPassing = error.status === 0 || error.status === 429 || error.status >= 500;
        if (!isPassing || attempt === attempts) throw error;
        await this.wait(firstWait * 2 ** (attempt - 1));
      }
    }
  }
}
