// <rtt2vec-recommendations user="…" basket="id id …">: recommendations on anybody's page.
// Documented in docs/storefront.md. Texts are always text: nothing here reads markup.

const HOME = new URL(".", import.meta.url);
const AGAIN_S = [1, 2, 4, 8];
const style = new CSSStyleSheet();
style.replaceSync(`
  :host { display: block; color: var(--rtt2vec-ink, inherit); font: var(--rtt2vec-font, inherit); }
  :host([hidden]) { display: none; }
  p { margin: 0 0 .6em; font-weight: 600; }
  ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--rtt2vec-width, 11em), 1fr));
    gap: var(--rtt2vec-gap, .75em); margin: 0; padding: 0; list-style: none; }
  li { display: grid; }
  a, button { all: unset; box-sizing: border-box; cursor: pointer; padding: .7em .9em;
    background: var(--rtt2vec-paper, transparent); border: 1px solid var(--rtt2vec-line, currentColor);
    border-radius: var(--rtt2vec-round, .6em); overflow-wrap: anywhere; }
  a:hover, button:hover { border-color: var(--rtt2vec-accent, currentColor); }
  :focus-visible { outline: 3px solid var(--rtt2vec-accent, currentColor); outline-offset: 2px; }
  span { display: block; }
  .category { font-size: .85em; }
`);

const ATTRIBUTES = ["user", "basket", "k", "key", "service", "heading", "href"];

class Recommendations extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  #root = this.attachShadow({ mode: "open" });
  #turn = 0;
  #planned = false;
  #ids = null;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [style];
  }

  connectedCallback() {
    this.#plan();
  }

  disconnectedCallback() {
    this.#turn += 1;
  }

  attributeChangedCallback(name) {
    if (name === "basket") this.#ids = null;
    this.#plan();
  }

  // Ids in the attribute stand between spaces; an array may hold any.
  get basket() {
    return this.#ids ?? (this.getAttribute("basket") ?? "").split(/\s+/).filter(Boolean);
  }

  set basket(ids) {
    this.#ids = [...ids];
    this.#plan();
  }

  // Several changes at once are one request.
  #plan() {
    if (this.#planned || !this.isConnected) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#renew();
    });
  }

  async #renew() {
    const turn = (this.#turn += 1);
    for (const wait of [...AGAIN_S, null]) {
      const found = await this.#ask();
      if (turn !== this.#turn) return;
      if (found.recommendations || !found.passes || wait === null) {
        this.#show(found.recommendations ?? []);
        return;
      }
      await new Promise((done) => setTimeout(done, 1000 * wait));
      if (turn !== this.#turn) return;
    }
  }

  async #ask() {
    const headers = { "Content-Type": "application/json" };
    const key = this.getAttribute("key");
    if (key) headers.Authorization = `Bearer ${key}`;
    const body = { user_id: this.getAttribute("user") || null, basket: this.basket };
    body.k = Number(this.getAttribute("k")) || 6;
    const service = new URL(this.getAttribute("service") ?? HOME, document.baseURI);
    try {
      const options = { method: "POST", headers, body: JSON.stringify(body) };
      const answer = await fetch(new URL("recommend", service), options);
      if (answer.ok) return await answer.json();
      return { passes: answer.status === 429 || answer.status >= 500 };
    } catch {
      return { passes: true };
    }
  }

  // With nothing to show it takes no room.
  #show(items) {
    this.hidden = !items.length;
    const heading = this.getAttribute("heading");
    const list = element("ul", {}, ...items.map((item) => element("li", {}, this.#entry(item))));
    this.#root.replaceChildren(...(heading ? [element("p", {}, heading)] : []), list);
    this.dispatchEvent(new CustomEvent("rtt2vec-shown", { detail: items }));
  }

  #entry(item) {
    const way = this.getAttribute("href");
    const made = way
      ? element("a", { href: safe(way.replaceAll("{id}", encodeURIComponent(item.item_id))) })
      : element("button", { type: "button" });
    made.append(element("span", {}, item.name || item.item_id));
    made.append(element("span", { class: "category" }, item.category));
    made.addEventListener("click", (event) => {
      const options = { detail: item, bubbles: true, composed: true, cancelable: true };
      if (!this.dispatchEvent(new CustomEvent("rtt2vec-choose", options))) event.preventDefault();
    });
    return made;
  }
}

// Links lead to pages, never into scripts.
function safe(address) {
  const url = new URL(address, document.baseURI);
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : "#";
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [each, value] of Object.entries(attributes)) made.setAttribute(each, value);
  made.append(...children);
  return made;
}

customElements.define("rtt2vec-recommendations", Recommendations);
