// What every figure shares: the tie between state, controls and picture.
//
// A figure module supplies view(state), a pure function without a DOM, which returns
//   marks:    {name: {attribute: value, text?: string, html?: markup}} for the elements with
//             data-lm=name; html where the number of elements varies, never with a control in it,
//   values:   {trait: text} for each control, spoken and shown,
//   disabled: [trait, …] for the controls that do nothing now (optional),
//   limits:   {trait: [from, to, step]} for the sliders whose range depends on the state (optional),
//   sentence: what the picture shows.
// A list has one control per entry, known in values, disabled and limits as trait.index.
// The markup itself (axes, labels, controls) comes from Python, once.

import { number, short } from "./format.js";

const SPEAK_AFTER = 150; // ms of rest before the sentence changes, so that a drag is read once

function readControl(control) {
  if (control.type === "range" || control.type === "number") return control.valueAsNumber;
  return control.type === "checkbox" ? control.checked : control.value;
}

const written = (value) => (Array.isArray(value) ? JSON.stringify(value) : String(value));

function writeControl(control, value) {
  if (control.type === "checkbox") control.checked = value;
  else if (control.type === "button") control.setAttribute("aria-pressed", String(control.value === written(value)));
  else control.value = String(value);
}

const limitControl = (control, limits) =>
  ["min", "max", "step"].forEach((name, i) => {
    if (control[name] !== String(limits[i])) control[name] = String(limits[i]);
  });

// From view() to what anywidget and the host call: render({ model, el }) and a way to undo it.
// connect(root, { get, set }) may add what is the figure's own, such as dragging in the picture.
// actions: {name: state → the traits it changes, or null}, for the buttons that `act` made in
// drawing.py. A button with a pace repeats its action until that returns null; the first time it is
// called with true.
export function figure({ view, connect, actions = {}, ...rest }) {
  function render({ model, el }) {
    let root = el.closest("[data-lm-figure]") ?? el.querySelector("[data-lm-figure]");
    if (!root) {
      el.innerHTML = model.get("_markup");
      root = el.querySelector("[data-lm-figure]");
    }
    const traits = JSON.parse(root.querySelector("script").textContent);
    const names = Object.keys(traits);
    const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
    const controls = [...root.querySelectorAll("[data-lm-trait]")];
    const marks = new Map();
    for (const node of root.querySelectorAll("[data-lm]")) {
      marks.set(node.dataset.lm, [...(marks.get(node.dataset.lm) ?? []), node]);
    }
    const markup = new Map();
    const spoken = root.querySelector(".lm-sentence");
    const quiet = new AbortController();
    let frame = 0;
    let timer = 0;

    const draw = () => {
      frame = 0;
      const now = view(state());
      for (const [name, attributes] of Object.entries(now.marks)) {
        for (const node of marks.get(name) ?? []) {
          for (const [key, value] of Object.entries(attributes)) {
            if (key === "html") {
              if (markup.get(node) !== value) node.innerHTML = value;
              markup.set(node, value);
            } else if (key !== "text") node.setAttribute(key, value);
            else if (node.textContent !== value) node.textContent = value;
          }
        }
      }
      for (const control of controls) {
        const { lmTrait: trait, lmIndex: index } = control.dataset;
        const value = index === undefined ? model.get(trait) : model.get(trait)[index];
        const key = index === undefined ? trait : `${trait}.${index}`;
        if (now.limits?.[key]) limitControl(control, now.limits[key]);
        if (readControl(control) !== value) writeControl(control, value);
        const text = now.values[key];
        if (control.type === "range") {
          control.setAttribute("aria-valuetext", text);
          control.parentElement.querySelector(".lm-value").textContent = text;
        }
        control.disabled = now.disabled?.includes(key) ?? false;
      }
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (spoken.textContent !== now.sentence) spoken.textContent = now.sentence;
      }, SPEAK_AFTER);
    };
    const ask = () => {
      frame ||= requestAnimationFrame(draw);
    };
    const set = (trait, value) => {
      model.set(trait, value);
      model.save_changes();
    };

    for (const control of controls) {
      const { lmTrait: trait, lmIndex: index } = control.dataset;
      const take = () => {
        let value = readControl(control);
        if (index !== undefined) value = model.get(trait).with(Number(index), value);
        else if (typeof traits[trait] === "number") value = Number(value);
        else if (Array.isArray(traits[trait])) value = JSON.parse(value);
        set(trait, value);
      };
      const kind = control.type === "button" ? "click" : "input";
      control.addEventListener(kind, take, { signal: quiet.signal });
    }
    const act = (name, first) => {
      const change = actions[name](state(), first);
      for (const [trait, value] of Object.entries(change ?? {})) model.set(trait, value);
      model.save_changes();
      return change !== null;
    };
    for (const button of root.querySelectorAll("[data-lm-act]")) {
      const { lmAct: name, lmPace: pace } = button.dataset;
      let timer = 0;
      const stop = () => {
        clearInterval(timer);
        timer = 0;
        if (pace) button.setAttribute("aria-pressed", "false");
      };
      button.addEventListener("click", () => {
        if (timer) stop();
        else if (act(name, true) && pace) {
          timer = setInterval(() => act(name, false) || stop(), Number(pace));
          button.setAttribute("aria-pressed", "true");
        }
      }, { signal: quiet.signal });
      quiet.signal.addEventListener("abort", stop);
    }
    names.forEach((name) => model.on(`change:${name}`, ask));
    connect?.(root, { get: (name) => model.get(name), set, signal: quiet.signal });
    root.querySelector("fieldset").disabled = false;
    draw();
    root.dataset.lmReady = "";
    return () => {
      quiet.abort();
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      names.forEach((name) => model.off(`change:${name}`, ask));
    };
  }
  return { render, view, format: { number, short }, ...rest };
}
