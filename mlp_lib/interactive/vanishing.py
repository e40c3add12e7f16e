"""Figure 15, Vanishing: how large the gradient is in every layer of a deep network, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, cast

import numpy as np
import traitlets

from mlp_lib._types import Params
from mlp_lib.activations import ACTIVATIONS
from mlp_lib.batch import layer_deltas, mlp_forward_batch, weight_backward
from mlp_lib.diagnostics import grad_norms
from mlp_lib.init import INIT_SCHEMES
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    button,
    coordinate,
    element,
    mark,
    number,
    path,
    picture,
    power,
    ring,
    select,
    short,
    slider,
)
from mlp_lib.interactive.figure import Figure, View

LABELS = {
    "identity": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "softplus": "softplus",
}
SCHEMES = {
    "normal": "normal, standard deviation s",
    "lecun": "LeCun, variance 1/n",
    "he": "He, variance 2/n",
    "xavier_uniform": "Xavier, uniform",
    "zeros": "all zero",
}
PRESETS = (0.01, 0.25, 0.5, 2.0)
WIDTH, EXAMPLES = 16, 32
TINY, HUGE = 1e-6, 1e4

NORMS = Axes(52, 30, 286, 200, (0, 1), (-18, 18))
FACTORS = Axes(52, 30, 286, 200, (0, 1), (-3, 2))
LINES = (("a", 2.5), ("b", 3.5))


@dataclass(frozen=True)
class Run:
    """The sizes of one network's backward pass; entry l of a list belongs to layer l + 1."""

    norms: list[float]  # ‖dW‖
    errors: list[float]  # ‖dZ‖
    slopes: list[float]  # √(mean g′²), hidden layers
    gains: list[float]  # ‖W‖/√n: what W does to the length of an error on average

    def factors(self) -> list[float]:
        """What each hidden layer multiplies the error by; 0 where none arrives."""
        pairs = zip(self.errors[:-1], self.errors[1:], strict=True)
        return [here / after if after else 0.0 for here, after in pairs]


@lru_cache(maxsize=64)
def run_of(activation: str, depth: int, scheme: str, scale: float, seed: int) -> Run:
    """One forward and one backward pass through a drawn network, by `mlp_lib`."""
    rng = np.random.default_rng(seed)
    X, Y = (rng.standard_normal((EXAMPLES, WIDTH)) for _ in range(2))
    more = {"scale": scale} if scheme == "normal" else {}
    draw = cast("Any", INIT_SCHEMES[scheme])
    no_bias = np.zeros((1, WIDTH))
    params: Params = [(draw(WIDTH, WIDTH, rng, **more), no_bias) for _ in range(depth)]
    known = ACTIVATIONS[activation]
    _, cache = mlp_forward_batch(X, params, known.f, ACTIVATIONS["identity"].f)
    dZ = layer_deltas(params, cache, Y, known.df, loss="half_sse", activation="identity")
    grads = [weight_backward(d, A) for A, d in zip(cache["a"][:-1], dZ, strict=True)]
    return Run(
        norms=grad_norms(grads).tolist(),
        errors=[float(np.linalg.norm(d)) for d in dZ],
        slopes=[math.sqrt(np.square(known.df(Z)).mean()) for Z in cache["z"][:-1]],
        gains=[float(np.linalg.norm(W)) / math.sqrt(WIDTH) for W, _ in params],
    )


def _typical(values: list[float]) -> float:
    """The geometric mean."""
    if min(values) <= 0:
        return 0.0
    return math.exp(sum(map(math.log, values)) / len(values))


def _verdict(norms: list[float]) -> str:
    ratio, largest = norms[0] / norms[-1] if norms[-1] else 0.0, max(norms)
    if not largest:
        return "no layer gets a gradient"
    if largest < TINY:
        return "every gradient is tiny, whatever the ratio says"
    if largest > HUGE:
        return "it explodes"
    if not norms[0]:
        return "nothing arrives in layer 1"
    if ratio < 0.01:
        return "it vanishes"
    return "it explodes" if ratio > 100 else "it reaches every layer"


def _logarithm(v: float) -> float:
    return max(-99.0, min(99.0, math.log10(v))) if v > 0 else -99.0


class Vanishing(Figure):
    """The norms of the weight gradients of a deep random network, layer by layer.

    activation, compare: of the hidden units, of one network and another with the same weights
    ("none": no other). depth: number of layers, 2 to 20, all of 16 units. scheme: how the weights
    are drawn, with the standard deviation scale if it is "normal". seed: of the draw, as in
    `layer_grad_norms`.
    """

    name: ClassVar[str] = "vanishing"
    title: ClassVar[str] = "Gradients of a deep network, layer by layer"

    activation = traitlets.Enum(list(LABELS), "sigmoid").tag(sync=True)
    compare = traitlets.Enum(["none", *LABELS], "tanh").tag(sync=True)
    depth = traitlets.Int(10, min=2, max=20).tag(sync=True)
    scheme = traitlets.Enum(list(SCHEMES), "normal").tag(sync=True)
    scale = traitlets.Float(0.25, min=0.01, max=2.0).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=50).tag(sync=True)

    def runs(self) -> dict[str, tuple[str, Run]]:
        """The networks in the picture: "a" and, if there is another, "b"."""
        settings = (self.depth, self.scheme, self.scale, self.seed)
        made = {"a": (self.activation, run_of(self.activation, *settings))}
        if self.compare != "none":
            made["b"] = (self.compare, run_of(self.compare, *settings))
        return made

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in vanishing.js."""
        L, runs = self.depth, self.runs()
        marks: Marks = {"last": {"text": str(L)}, "hidden": {"text": str(L - 1)}}
        said, starts = [], []
        for key, radius in LINES:
            name, run = runs.get(key, ("", None))
            table = dict.fromkeys(("name", "slope", "gain", "product", "factor", "ratio"), "–")
            lines: dict[str, list[tuple[float, float]]] = {"norms": [], "factors": []}
            if run:
                factors = run.factors()
                lines["norms"] = [
                    (NORMS.x(i / (L - 1)), NORMS.y(_logarithm(v))) for i, v in enumerate(run.norms)
                ]
                lines["factors"] = [
                    (FACTORS.x(i / max(1, L - 2)), FACTORS.y(_logarithm(v)))
                    for i, v in enumerate(factors)
                ]
                slope, gain = _typical(run.slopes), _typical(run.gains[1:])
                ratio = run.norms[0] / run.norms[-1] if run.norms[-1] else math.nan
                label, typical = LABELS[name], number(_typical(factors))
                table = {
                    "name": label,
                    "slope": number(slope),
                    "gain": number(gain),
                    "product": number(slope * gain),
                    "factor": typical,
                    "ratio": "–" if math.isnan(ratio) else number(ratio),
                }
                share = "" if math.isnan(ratio) else f", ratio {number(ratio)}"
                said.append(
                    f"With {label} a layer multiplies the error by {typical} on average (slopes "
                    f"{number(slope)}, weights {number(gain)}); ‖dW‖ is {number(run.norms[0])} in "
                    f"layer 1 and {number(run.norms[-1])} in layer {L}{share}: "
                    f"{_verdict(run.norms)}."
                )
            for plot, points in lines.items():
                marks[f"{plot}-{key}"] = {"d": path(points)}
                marks[f"{plot}-dots-{key}"] = {"d": "".join(ring(x, y, radius) for x, y in points)}
            starts.append((key, NORMS.y(_logarithm(run.norms[0])) if run else math.inf))
            marks[f"label-{key}"] = {"text": table["name"] if run else ""}
            marks |= {f"{entry}-{key}": {"text": text} for entry, text in table.items()}
        upper, lower = sorted(starts, key=lambda start: start[1])
        for (key, y), away in ((upper, -10), (lower, 20)):
            marks[f"label-{key}"]["y"] = coordinate(max(14.0, min(NORMS.height - 6, y + away)))
        how = SCHEMES[self.scheme].split(",")[0]
        if self.scheme == "normal":
            how = f"drawn with standard deviation {short(self.scale)}"
        elif self.scheme != "zeros":
            how = f"drawn by {how}"
        return {
            "marks": marks,
            "values": {"depth": str(L), "scale": short(self.scale), "seed": str(self.seed)},
            "disabled": [] if self.scheme == "normal" else ["scale"],
            "sentence": f"{L} layers of {WIDTH} units, weights {how}. {' '.join(said)}",
        }

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        presets = "".join(
            button("scale", s, short(s), self.scale, name=f"s = {short(s)}") for s in PRESETS
        )
        return (
            '<div class="lm-row lm-wide">'
            + slider("depth", "layers", (2, 20, 1), self.depth, values["depth"])
            + select("activation", "units", LABELS, self.activation, "lm-is-a")
            + select("compare", "and", {"none": "none"} | LABELS, self.compare, "lm-is-b")
            + '</div><div class="lm-row lm-wide">'
            + slider(
                "scale",
                "s",
                (0.01, 2, 0.01),
                self.scale,
                values["scale"],
                name="standard deviation s",
            )
            + f'<div class="lm-row lm-presets"><span>s =</span>{presets}</div>'
            + select("scheme", "weights", SCHEMES, self.scheme)
            + "</div>"
            + self._plot(
                marks,
                "norms",
                NORMS,
                [(float(v), power(v) if v else "1") for v in range(-18, 19, 6)],
                "‖dW‖ by layer",
                "last",
            )
            + self._plot(
                marks,
                "factors",
                FACTORS,
                [(float(v), short(10.0**v)) for v in range(-3, 3)],
                "what a layer multiplies the error by",
                "hidden",
            )
            + '<div class="lm-wide">'
            + self._numbers(marks)
            + '</div><div class="lm-row lm-wide">'
            + slider("seed", "seed", (0, 50, 1), self.seed, values["seed"])
            + "</div>"
        )

    def _plot(
        self,
        marks: Marks,
        name: str,
        axes: Axes,
        y_ticks: list[tuple[float, str]],
        title: str,
        last: str,
    ) -> str:
        content = ""
        for key in ("b", "a"):
            colour = {"a": "#0060a8", "b": "#b04400"}[key]
            content += mark(
                "path",
                f"{name}-{key}",
                marks,
                class_=f"lm-line lm-{key}",
                fill="none",
                stroke=colour,
            ) + mark("path", f"{name}-dots-{key}", marks, class_=f"lm-point lm-{key}", fill=colour)
        if name == "norms":
            content += "".join(
                mark("text", f"label-{key}", marks, class_=f"lm-label lm-{key}", x="6")
                for key in "ab"
            )
        bottom = axes.top + axes.height + 16
        end = mark("text", last, marks, x=f"{axes.left + axes.width:g}", y=f"{bottom:g}")
        scaffold = axes.scaffold([(0.0, "1")], y_ticks, "layer", title)
        labels = f'<g class="lm-ticks" text-anchor="middle" font-size="13">{end}</g>'
        label = f"{title}, for each layer, on a logarithmic axis"
        return picture(350, 268, label, scaffold + labels + axes.plot(name, content))

    def _numbers(self, marks: Marks) -> str:
        heads = "".join(
            mark("th", f"name-{key}", marks, scope="col", class_=f"lm-{key}") for key in "ab"
        )
        rows = ""
        for entry, words in (
            ("slope", "slopes, √(mean g′²)"),
            ("gain", "weights, ‖W‖/√n (about √n · s)"),
            ("product", "slopes times weights"),
            ("factor", "measured: error of a layer by the error of the next"),
            ("ratio", "‖dW‖ of layer 1 by ‖dW‖ of the last"),
        ):
            cells = "".join(mark("td", f"{entry}-{key}", marks) for key in "ab")
            rows += f'<tr><th scope="row">{words}</th>{cells}</tr>'
        return element(
            "table",
            {"class": "lm-numbers"},
            f'<thead><tr><th scope="col">typical of a layer</th>{heads}</tr></thead>'
            f"<tbody>{rows}</tbody>",
        )
