// What a crash costs, by how far a like counter has been taken: the figures of docs/benchmarks.md (`levels`), which
// a test holds equal to these.

import { h, table } from './dom.js';

/** The level, likes a second, the time of 99%, and what kills lost of what had been acknowledged. */
export const levels = [
  ['1 PostgreSQL, a transaction a like', '1,742', '197.3 ms', '0 of 11,957'],
  ['2 Redis, SET NX and INCR', '64,281', '2.1 ms', '78 lost of 291,731'],
  ['3 Redis, written behind to PostgreSQL', '55,372', '2.2 ms', '2,420,176 lost of 2,420,291'],
  ['4 Kafka, windows of 1 s into Redis', '28,506', '6.7 ms', '156,864 counted twice of 422,353'],
  ['5 Likewise, embedded', '52,181', '3.0 ms', '0 of 336,365'],
];
const reasons = [
  'The database syncs each transaction. All likes of a content wait for its one row.',
  'Killed between the two commands: the key says that the like is held, and the count lacks it. A power loss takes up '
  + 'to a second more.',
  'What was not written behind yet is gone, and so are the keys: who had liked can like again.',
  'The consumer died between its write and its commit, by automatic commits. By commits after each write, '
  + '0 of 119,267, where few kills fall between.',
  'Answers come after the sync, and the ledger stores the log’s position with what it took.',
];

export function crashes() {
  const { box, body } = table('What a crash costs at each level', [
    ['Level'], ['Likes/s', true], ['99% within', true], ['Lost on a kill, of those acknowledged'], ['Why'],
  ]);
  body.append(...levels.map(([name, rate, slow, lost], i) => h('tr', { class: i === levels.length - 1 ? 'ours' : null },
    h('th', { scope: 'row' }, name), h('td', { class: 'number' }, rate), h('td', { class: 'number' }, slow),
    h('td', {}, lost), h('td', { class: 'words' }, reasons[i]))));
  box.classList.add('levels');
  return h('div', {}, box, h('p', { class: 'note' },
    'Measured once, not on this server: one content, 64 callers in a closed loop, clients on the same machine of two '
    + 'cores, the median of 5 rounds of 2 s; three kills under load each. Levels 1 to 4 are asked in their own '
    + 'protocols, without an HTTP server before them; the broker of level 4 is a stand-in for Kafka. Printed by ',
    h('code', {}, 'likewise bench levels'), '; docs/benchmarks.md has all of it.'));
}
