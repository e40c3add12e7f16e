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

// The script is loaded async: it may run before or after the page is parsed.
export function hydrate(name, module) {
  const all = () => {
    for (const root of document.querySelectorAll(`[data-lm-figure="${name}"]:not([data-lm-model])`)) {
      root.dataset.lmModel = "page";
      const model = new PageModel(JSON.parse(root.querySelector("script").textContent));
      module.render({ model, el: root.parentElement });
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", all);
  else all();
}
