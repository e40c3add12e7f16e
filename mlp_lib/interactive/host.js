// Brings the static figures of a page to life where there is no kernel: the same module as in
// Jupyter, with a model that lives in the page.

// The part of anywidget's model that figures use. It has no other side to save to.
function pageModel(start) {
  const state = { ...start };
  const listeners = new Map();
  const listening = (event) => listeners.get(event) ?? [];
  return {
    get: (name) => state[name],
    set(name, value) {
      if (Object.is(state[name], value)) return;
      state[name] = value;
      for (const call of listening(`change:${name}`)) call();
    },
    save_changes() {},
    on: (event, call) => listeners.set(event, [...listening(event), call]),
    off: (event, call) => listeners.set(event, listening(event).filter((other) => other !== call)),
  };
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
      module.render({ model: pageModel(state), el: root });
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
