import { Likewise, display } from './likewise.js';

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: inline-flex; flex-wrap: wrap; align-items: center; gap: .5em;
  --accent: var(--like-accent, light-dark(#b3154f, #ff8fb5)); --line: 1px solid var(--like-border, #8888) }
:host([hidden]) { display: none }
button { display: flex; justify-content: center; align-items: center; gap: .5em; min-width: 44px; min-height: 44px;
  padding: .3em .75em; font: inherit; color: inherit; background: var(--like-background, none); border: var(--line);
  border-radius: var(--like-radius, 22px); cursor: pointer; touch-action: manipulation;
  user-select: none; -webkit-user-select: none }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
button:disabled { cursor: default; border-color: transparent }
svg { display: block; width: 1.2em; fill: none; stroke: currentColor; stroke-width: 2; pointer-events: none }
[aria-pressed=true] svg, menu svg { fill: currentColor }
[aria-busy=true] > :first-child { opacity: .6; scale: .8 }
menu { inset: auto; margin: 4px 0; padding: 4px; border: var(--line); border-radius: 28px;
  position-area: block-start span-inline-end; position-try: flip-block, flip-inline }
menu:popover-open { display: flex; flex-wrap: wrap }
menu button { padding: 0; border: 0; font-size: 1.3em }
[aria-checked=true] { background: #8884 }
[aria-pressed=true], [part=message] { color: var(--accent) }
@media (forced-colors: active) { [aria-pressed=true] { background: Highlight; color: HighlightText } }
@media (prefers-reduced-motion: no-preference) { [part=icon] { transition: scale .2s } }`);

const clients = {};

export class LikeButton extends HTMLElement {
  static observedAttributes = ['content-id', 'content-type', 'user-id', 'server', 'reactions', 'readonly'];
  static token;
  static icons = {
    like: '<svg viewBox="0 0 24 24"><path d="M2 10h5v11H2zM7 11l5-9 2 2-1 6h9l-3 11H7z"/></svg>',
    love: '❤️', haha: '😂️', wow: '😮️', sad: '😢️', angry: '😠️',
  };
  static texts = {
    like: 'Like', love: 'Love', haha: 'Haha', wow: 'Wow', sad: 'Sad', angry: 'Angry',
    count: count => count === 1 ? '1 like' : count.toLocaleString('en') + ' likes',
    unauthenticated: 'Sign in to like this.', not_yourself: 'You are signed in as someone else.',
    rate_limited: 'Too many changes. Try again later.', offline: 'No connection. Not saved.',
    server: 'Not saved. Try again later.',
  };

  #button; #picker; #message; #timer; #abort;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    root.innerHTML = `<button part="button"><span part="icon"></span><span part="count"></span></button><menu
      part="picker" role="menu" popover></menu><span part="message" aria-live="polite"></span>`;
    const [button] = [this.#button, this.#picker, this.#message] = root.children;
    let holding, isHeld;
    button.onpointerdown = () => {
      isHeld = false;
      holding = setTimeout(() => isHeld = this.showPicker(), 500);
    };
    button.onpointerup = button.onpointerleave = () => clearTimeout(holding);
    button.oncontextmenu = event => this.showPicker() && event.preventDefault();
    button.onclick = event => {
      // Else it opens the picker.
      event.preventDefault();
      if (!isHeld) this.#choose(this.content?.reaction ?? this.#reactions[0]);
    };
    root.addEventListener('keydown', event => this.#press(event) && event.preventDefault());
  }

  connectedCallback() { this.#follow(); }
  disconnectedCallback() { this.#follow(); }
  attributeChangedCallback() { this.#follow(); }

  get #reactions() { return (this.getAttribute('reactions') || 'like').trim().split(/\s+/); }

  #follow() {
    const before = this.content;
    const [id, contentType, userID, server] = LikeButton.observedAttributes.map(
      name => this.getAttribute(name) ?? undefined);
    this.#abort?.abort();
    setTimeout(() => before?.close());
    this.content = null;
    if (!this.isConnected || !id) return;
    const client = this.client ?? (clients[server + userID] ??= new Likewise({
      url: server, userID, token: () => LikeButton.token?.(),
    }));
    const content = this.content = client.content(id, { contentType });
    const { signal } = this.#abort = new AbortController();
    content.addEventListener('change', () => this.#show(), { signal });
    content.addEventListener('error', () => this.#fail(), { signal });
    this.#show();
  }

  #show() {
    const { count, reaction, pending } = this.content, button = this.#button, [icon, number] = button.children;
    const [first, second] = this.#reactions, name = reaction ?? first;
    draw(icon, name);
    number.textContent = count === null ? '' : display(count);
    Object.assign(button, {
      disabled: this.hasAttribute('readonly'),
      ariaPressed: !!reaction,
      ariaBusy: pending,
      ariaLabel: words(name, count),
      popoverTargetElement: second && this.#picker,
    });
    this.#emit('like-change');
  }

  #emit(type) {
    this.dispatchEvent(new CustomEvent(type, { detail: this.content, bubbles: true, composed: true }));
  }

  #fail() {
    const message = this.#message;
    message.textContent = LikeButton.texts[this.content.error.reason];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => message.textContent = '', 1_000 * (this.getAttribute('message-seconds') ?? 6));
    this.#emit('like-error');
  }

  #choose(name) {
    this.#picker.hidePopover();
    this.#button.focus();
    this.#message.textContent = '';
    this.content?.set(name === this.content.reaction ? null : name);
  }

  showPicker() {
    const names = this.#reactions, { reaction, reactions } = this.content ?? {};
    if (!reactions || !names[1] || this.#button.disabled) return;
    this.#picker.replaceChildren(...names.map(name => {
      const item = document.createElement('button');
      draw(item, name);
      return Object.assign(item, {
        part: 'reaction',
        role: 'menuitemradio',
        ariaChecked: name === reaction,
        ariaLabel: words(name, reactions[name] ?? 0),
        autofocus: name === (reaction ?? names[0]),
        onclick: () => this.#choose(name),
      });
    }));
    this.#picker.showPopover({ source: this.#button });
    return true;
  }

  #press({ key, target }) {
    const items = [...this.#picker.children], at = items.indexOf(target), right = this.matches(':dir(rtl)') ? -1 : 1;
    if (at < 0) return /^Arrow[UD]|Menu/.test(key) && this.showPicker();
    const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -right, ArrowRight: right }[key];
    if (step) items.at((at + step) % items.length).focus();
    if (key === 'Escape') this.#button.focus();
    return step;
  }
}

const words = (name, count) =>
  (LikeButton.texts[name] ?? name) + (count === null ? '' : ', ' + LikeButton.texts.count(count));

const draw = (place, name) =>
  place[name in LikeButton.icons ? 'innerHTML' : 'textContent'] = LikeButton.icons[name] ?? name;

customElements.define('like-button', LikeButton);
