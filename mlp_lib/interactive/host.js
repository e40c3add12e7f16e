// Brings the static figures of a page to life where there is no kernel: the same module as in
// Jupyter, with a model that lives in the page.

// The part of anywidget's model that figures use. It has no other side to save to.
export class PageModel {
  #state;
  #listeners = new Map();

  constructor(state) {
    this.#state = { ...state };
  }

  get(name) {
    return this.#state[name];
  }

  set(name, value) {
    if (Object.is(this.#state[name], value)) return;
    this.#state[name] = value;
    for (const call of this.#listeners.get(`change:${name}`) ?? []) call();
  }

  save_changes() {}

  on(event, call) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), call]);
  }

  off(event, call) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((other) => other !== call));
  }
}

function stateOf(root) {
  try {
    return JSON.parse(root.querySelector("script").textContent);
  } catch {
    return null; // the parser has not come to the end of this figure
  }
}

// The script is loaded async and may run while the page is still being parsed. It does not wait for
// DOMContentLoaded, which comes only after all deferred scripts (MathJax is a megabyte).
export function hydrate(name, module) {
  const wake = () => {
    for (const root of document.querySelectorAll(`[data-lm-figure="${name}"]:not([data-lm-model])`)) {
      const state = stateOf(root);
      if (!state) continue;
      root.dataset.lmModel = "page";
      module.render({ model: new PageModel(state), el: root });
    }
  };
  wake();
  if (document.readyState !== "loading") return;
  const parsed = new MutationObserver(wake);
  parsed.observe(document, { childList: true, subtree: true });
  document.addEventListener("readystatechange", () => {
    parsed.disconnect();
    wake();
  }, { once: true });
}
