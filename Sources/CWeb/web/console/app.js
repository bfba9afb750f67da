// The shell: which page is shown, the key, and whether the server is heard.

import { credential } from './api.js';
import { h, say } from './dom.js';
import { Monitor } from './monitor.js';

/** Pages by the first part of the address; each is fetched when it is first shown. */
const pages = {
  '': () => import('./overview.js'),
  content: () => import('./content.js'),
  how: () => import('./how.js'),
  plan: () => import('./plan.js'),
};
const main = document.getElementById('main');
const monitor = new Monitor();
let leave = () => {};
/** Counts what was asked to be shown: a page that comes when another has been asked for is not. */
let wanted = 0;

/** Shows the page that the address names: `#/content/video_1`, `#/plan?peak=3`. */
async function route() {
  wanted += 1;
  const mine = wanted;
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [name, ...rest] = path.split('/');
  const known = Object.hasOwn(pages, name) ? name : '';
  leave();
  leave = () => {};
  for (const link of document.querySelectorAll('nav a')) {
    const isHere = link.getAttribute('href') === `#/${known}`;
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const root = h('div', { class: `page ${known || 'overview'}` });
  const page = await pages[known]().catch(() => null);
  if (mine !== wanted) return;
  main.replaceChildren(root);
  if (page) {
    document.title = `${page.title} · Likewise`;
    leave = page.show(root, { monitor, rest: decoded(rest.join('/')), query: new URLSearchParams(query) });
  } else {
    root.append(h('p', { class: 'empty' }, 'This page could not be fetched: the server cannot be reached. ',
      h('a', { href: location.href, onclick: () => location.reload() }, 'Try again'), '.'));
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

addEventListener('hashchange', (event) => {
  // `#main` is the link that skips the navigation, and no page.
  if (location.hash === '#main') {
    history.replaceState(null, '', new URL(event.oldURL).hash || '#/');
    main.focus();
    return;
  }
  route();
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
});

const keyPanel = document.getElementById('key-panel');
const keyButton = document.getElementById('key-button');
const keyField = document.getElementById('key-field');
const keyNote = document.getElementById('key-note');
const hint = 'It stays in this tab, and goes with it. '
  + 'The console needs the scope “admin”; the like counter also “likes:write”.';

function openKey(isOpen, note = hint) {
  keyPanel.hidden = !isOpen;
  keyButton.setAttribute('aria-expanded', String(isOpen));
  say(keyNote, note);
}

function useKey(value) {
  credential.set(value);
  keyField.value = '';
  say(keyNote, value ? 'Asking with it …' : 'Forgotten.');
  monitor.again();
  route();
}

keyButton.addEventListener('click', () => {
  openKey(keyPanel.hidden);
  if (!keyPanel.hidden) keyField.focus();
});
keyPanel.addEventListener('submit', (event) => {
  event.preventDefault();
  if (keyField.value.trim()) useKey(keyField.value.trim());
});
document.getElementById('key-forget').addEventListener('click', () => useKey(''));
keyPanel.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    openKey(false);
    keyButton.focus();
  }
});

const pulse = document.getElementById('pulse');
let asked = false;

monitor.addEventListener('reading', () => {
  const { failure } = monitor;
  pulse.className = `pulse ${failure ? 'bad' : 'good'}`;
  say(pulse, !failure ? 'Live' : failure.asksForKey ? 'Needs a key' : 'No answer');
  keyButton.classList.toggle('set', Boolean(credential.get()));
  if (failure?.asksForKey) {
    const text = failure.status === 403 ? `This key is known, but not enough: ${failure.message}`
      : credential.get() ? 'The server does not know this key or token, or it has expired.'
        : 'This server asks who is calling. Enter a key or token with the scope “admin”.';
    if (!asked || keyNote.textContent.startsWith('Asking')) openKey(true, text);
    asked = true;
  } else if (!failure && asked) {
    asked = false;
    openKey(false);
  } else if (!failure && keyNote.textContent.startsWith('Asking')) {
    say(keyNote, 'The server answers.');
  }
});

route();
