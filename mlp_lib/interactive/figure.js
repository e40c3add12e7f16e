// What every figure shares: numbers as text, paths, and the tie between state, controls and picture.
//
// A figure module supplies view(state), a pure function without a DOM, which returns
//   marks:    {name: {attribute: value, text?: string}} for the elements with data-lm=name,
//   values:   {trait: text} for each control, spoken and shown,
//   disabled: [trait, …] for the controls that do nothing now (optional),
//   sentence: what the picture shows.
// The markup itself (axes, labels, controls) comes from Python, once.

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export const power = (exponent) => `10${[...String(exponent)].map((c) => SUPERSCRIPT[c]).join("")}`;

// About four digits: 0.2350, −12.35, 1.23×10⁻⁵; whole numbers without decimals.
export function number(x) {
  if (Number.isNaN(x)) return "nan";
  const size = Math.abs(x);
  const sign = x < 0 ? "−" : "";
  if (size === Infinity) return `${sign}∞`;
  if (size < 1e5 && Number.isInteger(size)) return sign + size;
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = size.toExponential(2).split("e");
    return `${sign}${mantissa}×${power(Number(exponent))}`;
  }
  return sign + size.toFixed(size < 10 ? 4 : size < 100 ? 3 : size < 1000 ? 2 : 1);
}

// At most three decimals and none that say nothing: 1.5, −0.25, 3.
export function short(x) {
  const text = Math.abs(x).toFixed(3).replace(/\.?0+$/, "");
  return x < 0 && text !== "0" ? `−${text}` : text;
}

export const coordinate = (x) => Math.max(-9999, Math.min(9999, x)).toFixed(1);

// A path through points [x, y]; null lifts the pen.
export function path(points) {
  let d = "";
  let down = false;
  for (const point of points) {
    if (point) d += `${down ? "L" : "M"}${coordinate(point[0])} ${coordinate(point[1])}`;
    down = Boolean(point);
  }
  return d;
}

export const ring = (x, y, r = 3.5) =>
  `M${coordinate(x - r)} ${coordinate(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;

const SPEAK_AFTER = 150; // ms of rest before the sentence changes, so that a drag is read once

function readControl(control) {
  if (control.type === "range" || control.type === "number") return control.valueAsNumber;
  return control.type === "checkbox" ? control.checked : control.value;
}

function writeControl(control, value) {
  if (control.type === "checkbox") control.checked = value;
  else if (control.type === "button") control.setAttribute("aria-pressed", String(control.value === String(value)));
  else control.value = String(value);
}

// From view() to what anywidget and the host call: render({ model, el }) and a way to undo it.
// connect(root, { get, set }) may add what is the figure's own, such as dragging in the picture.
export function figure({ view, connect, ...rest }) {
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
            if (key !== "text") node.setAttribute(key, value);
            else if (node.textContent !== value) node.textContent = value;
          }
        }
      }
      for (const control of controls) {
        const { lmTrait: trait, lmIndex: index } = control.dataset;
        const value = index === undefined ? model.get(trait) : model.get(trait)[index];
        if (readControl(control) !== value) writeControl(control, value);
        const text = now.values[index === undefined ? trait : `${trait}.${index}`];
        if (control.type === "range") {
          control.setAttribute("aria-valuetext", text);
          control.parentElement.querySelector(".lm-value").textContent = text;
        }
        control.disabled = now.disabled?.includes(trait) ?? false;
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
        set(trait, value);
      };
      const kind = control.type === "button" ? "click" : "input";
      control.addEventListener(kind, take, { signal: quiet.signal });
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

// Drag inside a picture: move(x, y) gets the pointer in the picture's own units.
export function drag(picture, move, signal) {
  const follow = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
    move(at.x, at.y);
  };
  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    picture.setPointerCapture(event.pointerId);
    follow(event);
  }, { signal });
  picture.addEventListener("pointermove", (event) => {
    if (picture.hasPointerCapture(event.pointerId)) follow(event);
  }, { signal });
}
