// What the Playground does beyond drawing a state: a changed setting becomes part of the run, fields
// for numbers, choosing in the picture, maps on canvases, and the address of the page.
import { ACTIVATIONS } from "./maths/activations.js";
import { DATA } from "./maths/datasets.js";
import { LATER, Training, proceed } from "./maths/training.js";
import { readLink, write } from "./playground_link.js";
import { lookAt, warm } from "./playground_look.js";
import { paint } from "./playground_maps.js";

// updates of a run at most
export const MOST = 100000;
const FIRST = ["data", "noise", "share", "features", "hidden", "activation", "init", "seed", "start"];

// The state as Python has it by default; what differs is in a link.
export const USUAL = {
  activation: "tanh",
  batch: 10,
  chosen: 1,
  data: "circles",
  discrete: false,
  dropout: 0,
  edits: [],
  features: [true, true, false, false, false, false, false],
  hidden: [4, 2],
  init: "xavier_normal",
  lr: 0.1,
  noise: 0.1,
  optimiser: "sgd",
  pace: "epoch",
  penalty: "none",
  rate: 0.001,
  seed: 1,
  share: 0.3,
  start: [],
  steps: 0,
  tests: true,
  unit: 0,
  until: [],
};

// What a link may hold: bounds of numbers, and names.
const BOUNDS = {
  noise: [0, 0.5],
  share: [0.1, 0.9],
  seed: [0, 99],
  lr: [0, 10],
  batch: [1, 200],
  rate: [0, 1],
  dropout: [0, 0.8],
  steps: [0, MOST],
  chosen: [1, 500],
  unit: [0, 60],
  weight: [-1e6, 1e6],
};
const WHOLE = ["seed", "batch", "steps", "chosen", "unit"];
const NAMES = {
  data: Object.keys(DATA),
  activation: Object.keys(ACTIVATIONS),
  init: ["xavier_normal", "xavier_uniform", "he", "lecun", "normal", "zeros"],
  optimiser: ["sgd", "momentum", "nesterov", "rmsprop", "adam"],
  penalty: ["none", "l1", "l2"],
  pace: ["epoch", "update"],
};

export function fits(name, value) {
  if (NAMES[name]) return NAMES[name].includes(value);
  if (BOUNDS[name]) {
    const [low, high] = BOUNDS[name];
    return value >= low && value <= high && (!WHOLE.includes(name) || Number.isInteger(value));
  }
  const time = (t) => fits("steps", t);
  if (name === "features") return value.length === 7 && value.includes(true);
  if (name === "hidden") return value.length <= 6 && value.every((n) => Number.isInteger(n) && n >= 1 && n <= 8);
  if (name === "start") return value.every(Number.isFinite);
  if (name === "until") return value.every(([t, setting, v]) => time(t) && LATER.includes(setting) && fits(setting, v));
  if (name === "edits") return value.every(([t, place, v]) => time(t) && Number.isInteger(place) && Number.isFinite(v));
  return typeof value === "boolean";
}

// ms between sentences while it runs, and of rest before the address changes
const [SPEAK_EVERY, ADDRESS_AFTER] = [5000, 400];

export function live({ render, view, ...others }) {
  function lively({ model, el }) {
    const end = render({ model, el });
    const root = el.closest("[data-lm-figure]") ?? el.querySelector("[data-lm-figure]");
    const names = Object.keys(JSON.parse(root.querySelector("script").textContent));
    const now = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
    const quiet = new AbortController();
    const { signal } = quiet;
    const canvases = Object.fromEntries([...root.querySelectorAll("canvas")].map((canvas) => [canvas.dataset.lmCanvas, canvas]));
    const spoken = root.querySelector(".lm-sentence");
    let [before, busy, frame, said, timer] = [now(), false, 0, 0, 0];

    const put = (changes) => {
      busy = true;
      for (const [name, value] of Object.entries(changes)) model.set(name, value);
      busy = false;
      before = now();
      model.save_changes();
      ask();
    };

    const runButton = root.querySelector('[data-lm-act="run"]');
    const pause = () => runButton.ariaPressed === "true" && runButton.click();
    for (const name of ["step", "reset"]) root.querySelector(`[data-lm-act="${name}"]`).addEventListener("click", pause, { signal });

    // Another start is another run, and one input is always on; a setting changed on the way becomes part of the run. What
    // arrives from Python is already so.
    function changed() {
      if (busy) return;
      const state = now();
      const moved = names.filter((name) => state[name] !== before[name]);
      const more = {};
      if (!state.features.includes(true)) more.features = state.features.with(before.features[0] ? 1 : 0, true);
      if (moved.some((name) => FIRST.includes(name)) && !moved.includes("steps")) {
        Object.assign(more, { steps: 0, until: [], edits: [] });
        pause();
        if (["data", "features", "hidden"].some((name) => moved.includes(name)) && state.start.length) more.start = [];
      } else if (state.steps && !moved.includes("until")) {
        const fresh = moved.filter((name) => LATER.includes(name) && !state.until.some(([t, n]) => t === state.steps && n === name));
        if (fresh.length) more.until = [...state.until, ...fresh.map((name) => [state.steps, name, before[name]])];
      }
      put(more);
    }

    function redraw() {
      frame = 0;
      const state = now();
      const look = lookAt(state);
      paint(canvases, { ...look, state, shown: Math.min(state.unit, look.net.sizes.reduce((sum, n) => sum + n, 0)) });
      const shown = { lr: state.lr, batch: state.batch, rate: state.rate, weight: look.theta[Math.min(state.chosen, look.theta.length) - 1] };
      for (const field of fields) {
        if (field !== document.activeElement) field.value = Number(shown[field.dataset.lmField].toPrecision(4));
      }
      for (let k = 0; k < 6; k += 1) {
        for (const kind of ["plus", "minus"]) root.querySelector(`[data-lm-act="${kind}${k}"]`).disabled = k >= state.hidden.length;
      }
      // figure.js speaks after a rest, which a run has none of
      const moment = performance.now();
      if (!said) said = moment;
      if (moment - said > SPEAK_EVERY) {
        spoken.textContent = view(state).sentence;
        said = moment;
      }
      clearTimeout(timer);
      timer = setTimeout(rest, ADDRESS_AFTER);
    }
    // Before anything was changed the address stays as it is.
    const first = write(before, USUAL);
    function rest() {
      said = 0;
      const link = write(now(), USUAL);
      if (!onPage || location.hash === link || (link === first && !location.hash.startsWith("#playground"))) return;
      history.replaceState(history.state, "", link);
    }
    function ask() {
      frame ||= requestAnimationFrame(redraw);
    }

    const fields = [...root.querySelectorAll("[data-lm-field]")];
    for (const field of fields) {
      const name = field.dataset.lmField;
      field.addEventListener("input", () => {
        const value = field.valueAsNumber;
        if (!fits(name, value)) return;
        if (name !== "weight") {
          model.set(name, value);
          model.save_changes();
          return;
        }
        const { steps, edits, chosen } = now();
        const { theta, run } = lookAt(now());
        const place = Math.min(chosen, theta.length) - 1;
        put({ steps: run.t, edits: [...edits.filter(([t, p]) => t !== run.t || p !== place), [run.t, place, value]] });
      }, { signal });
      field.addEventListener("blur", ask, { signal });
    }
    root.addEventListener("click", ({ target }) => {
      const { w, u } = target.dataset;
      if (w) model.set("chosen", Number(w));
      if (u) model.set("unit", Number(u) === model.get("unit") ? 0 : Number(u));
      if (w || u) model.save_changes();
    }, { signal });

    // The address of a page holds the run of its first Playground, and brings it back, a little at a
    // time so that a long one does not block the page.
    const onPage = root.dataset.lmModel === "page" && root === document.querySelector('[data-lm-figure="playground"]');
    function bringBack() {
      const state = readLink(location.hash, { ...before, ...USUAL }, fits);
      if (!state) return;
      const run = new Training(state);
      const going = () => {
        if (signal.aborted) return;
        proceed(run, state, 25);
        if (run.t < state.steps && !run.diverged) {
          spoken.textContent = `Making ${state.steps} updates again; ${run.t} are done.`;
          setTimeout(going);
          return;
        }
        warm(run);
        put(state);
        root.scrollIntoView({ block: "nearest" });
      };
      going();
    }
    if (onPage) {
      bringBack();
      window.addEventListener("hashchange", bringBack, { signal });
    }

    for (const name of names) model.on(`change:${name}`, changed);
    redraw();
    return () => {
      quiet.abort();
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      for (const name of names) model.off(`change:${name}`, changed);
      end();
    };
  }
  return { ...others, view, render: lively };
}
