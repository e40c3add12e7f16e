"""Figure 14, Approximation: a few units learn a function, and each unit's share of it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, cast

import numpy as np
import traitlets

from mlp_lib._types import Array, Params
from mlp_lib.activations import ACTIVATIONS
from mlp_lib.data import FUNCTIONS_1D, sample_1d
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    act,
    coordinate,
    counted,
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
    trimmed,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.network import MLP
from mlp_lib.optimisers import SGD
from mlp_lib.training import fit

TARGETS = {"absolute": "|x|", "square": "x²", "sine": "sin x", "step": "step"}
LABELS = {
    "identity": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "softplus": "softplus",
}
MOST, UNITS, POINTS = 20_000, 8, 50
FAR = 1e6  # a loss above this will not come back

PLOT = Axes(30, 30, 310, 230, (-1, 1), (-2.2, 2.2))
LOSS = Axes(46, 30, 294, 230, (0, math.log10(MOST)), (-6, 1))
GRID = [(i - 50) / 50 for i in range(101)]
STOPS = sorted({0, *(round(10 ** (k * math.log10(MOST) / 140)) for k in range(141))})


def start(units: int, seed: int) -> tuple[Array, Params]:
    """Points (50, 1) and the weights before training, drawn as `fit_1d` draws them."""
    rng = np.random.default_rng(seed)
    x, _ = sample_1d(np.sin, rng, POINTS)
    w1, b1, w2 = (rng.standard_normal(shape) for shape in ((1, units), (1, units), (units, 1)))
    return x, [(w1, b1), (w2, np.zeros((1, 1)))]


@lru_cache(maxsize=32)
def trained(
    target: str, activation: str, units: int, rate: float, seed: int, steps: int
) -> tuple[MLP, list[float]]:
    """The network after so many steps, or where it diverges, and the losses up to there."""
    x, params = start(units, seed)
    y = FUNCTIONS_1D[target](x)

    def descend(epochs: int) -> tuple[MLP, list[float]]:
        net = MLP.from_params([(W.copy(), b.copy()) for W, b in params], activation, "identity")
        stop: Callable[..., bool] = lambda _epoch, _net, history: not history["loss"][-1] <= FAR  # noqa: E731
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
            warnings.simplefilter("ignore")
            history = fit(
                net, x, y, epochs=epochs, batch_size=None, optimiser=SGD(rate), callbacks=[stop]
            )
            return net, [*history["loss"], float(((net.scores(x) - y) ** 2).mean())]

    net, losses = descend(steps)
    far = [t for t, loss in enumerate(losses) if not loss <= FAR]
    if far:
        net, losses = descend(far[0])
    return net, losses


class Approximation(Figure):
    """A network 1-n-1 learns one of the four functions of lesson 12, before your eyes.

    target: "absolute", "square", "sine" or "step". units: n, 1 to 8. activation: of the hidden
    units. rate: of gradient descent. seed: of points and start, as in `fit_1d`. steps: how
    far training is, 0 to 20,000.
    """

    name: ClassVar[str] = "approximation"
    title: ClassVar[str] = "A few units learn a function"

    target = traitlets.Enum(list(TARGETS), "absolute").tag(sync=True)
    activation = traitlets.Enum(list(LABELS), "tanh").tag(sync=True)
    units = traitlets.Int(3, min=1, max=UNITS).tag(sync=True)
    rate = traitlets.Float(0.1, min=0.01, max=0.5).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=50).tag(sync=True)
    steps = traitlets.Int(2000, min=0, max=MOST).tag(sync=True)

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in approximation.js."""
        settings = (self.target, self.activation, self.units, self.rate, self.seed)
        net, losses = trained(*settings, self.steps)
        f, truth = ACTIVATIONS[self.activation].f, FUNCTIONS_1D[self.target]
        (W1, b1), (W2, b2) = net.params
        w1, c1, w2 = W1[0].tolist(), b1[0].tolist(), W2[:, 0].tolist()
        x = start(self.units, self.seed)[0]
        y = truth(x)
        line = _straight(x[:, 0], y[:, 0])
        grid = np.array(GRID)
        shares = [w2[j] * f(w1[j] * grid + c1[j]) for j in range(self.units)]
        total = sum(shares, np.full(len(grid), float(b2[0, 0])))

        def curve(values: Any) -> str:
            return path((PLOT.x(a), PLOT.y(b)) for a, b in zip(GRID, values, strict=True))

        done, now = len(losses) - 1, losses[-1]
        diverged = not now <= FAR
        places = [_place(t, losses[t]) for t in [*(s for s in STOPS if s < done), done]]
        straight = LOSS.y(math.log10(line))
        rows, words = "", []
        for j, share in enumerate(shares):
            first, last = float(share[0]), float(share[-1])
            zero = -c1[j] / w1[j] if w1[j] else math.nan
            numbers = [number(zero), number(first), number(last)]
            rows += f'<tr><th scope="row">{j + 1}</th>' + "".join(
                f"<td>{text}</td>" for text in numbers
            )
            rows += "</tr>"
            words.append(f"{trimmed(first, 2)} to {trimmed(last, 2)}")
        end = places[-1]
        marks: Marks = {
            "truth": {"d": curve(truth(grid))},
            "points": {
                "d": "".join(
                    ring(PLOT.x(a), PLOT.y(b), 2.2)
                    for a, b in zip(x[:, 0].tolist(), y[:, 0].tolist(), strict=True)
                )
            },
            "shares": {"html": _shares(shares)},
            "sum": {"d": curve(total)},
            "curve": {"d": path(places)},
            "here": {"d": ring(end[0], max(5.0, min(LOSS.height - 5, end[1])), 5)},
            "straight": {"d": f"M0 {coordinate(straight)}H{LOSS.width:g}"},
            "straight-name": {"y": coordinate(straight - 6)},
            "loss": {"text": f"loss {number(now)} after {counted(done, 'step')}"},
            "rows": {"html": rows},
            "bias": {"text": f"and b⁽²⁾ = {number(float(b2[0, 0]))} everywhere"},
        }
        best = f"; the best straight line has {number(line)}"
        return {
            "marks": marks,
            "values": {
                "steps": str(self.steps),
                "units": str(self.units),
                "rate": short(self.rate),
                "seed": str(self.seed),
            },
            "disabled": [],
            "sentence": (
                f"{counted(self.units, f'{LABELS[self.activation]} unit')} and a linear output "
                f"for {TARGETS[self.target]} on (−1, 1), after {counted(done, 'step')} with "
                f"learning rate {short(self.rate)}: loss {number(now)}"
                f"{': training diverges' if diverged else best}. From x = −1 to 1 the units' "
                f"shares of the sum go from {', '.join(words)}."
            ),
        }

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        go = (
            slider("steps", "steps", (0, MOST, 1), self.steps, values["steps"])
            + act("train", "train", pace=40)
            + act("reset", "reset")
            + act("step", "one step")
        )
        side = (
            select("target", "target", TARGETS, self.target)
            + slider("units", "units", (1, UNITS, 1), self.units, values["units"])
            + select("activation", "kind", LABELS, self.activation)
            + slider("rate", "rate", (0.01, 0.5, 0.01), self.rate, values["rate"])
            + slider("seed", "seed", (0, 50, 1), self.seed, values["seed"])
        )
        return (
            f'<div class="lm-row lm-wide">{go}</div>'
            + self._picture(marks)
            + self._losses(marks)
            + f'<div class="lm-side">{side}</div><div class="lm-side lm-units">'
            + element(
                "table",
                {"class": "lm-numbers"},
                '<thead><tr><th scope="col">unit</th><th scope="col">z = 0 at</th>'
                '<th scope="col">at x = −1</th><th scope="col">at x = 1</th></tr></thead>'
                + mark("tbody", "rows", marks),
            )
            + mark("p", "bias", marks)
            + "</div>"
        )

    def _picture(self, marks: Marks) -> str:
        content = (
            mark("path", "truth", marks, class_="lm-truth", fill="none", stroke="#8884")
            + mark("path", "points", marks, class_="lm-dots lm-b", fill="#b04400")
            + mark("g", "shares", marks, fill="none", stroke="#00705a")
            + mark("path", "sum", marks, class_="lm-line lm-a", fill="none", stroke="#0060a8")
        )
        scaffold = PLOT.scaffold(
            [(v, short(v)) for v in (-1, -0.5, 0.0, 0.5, 1)],
            [(float(v), short(v)) for v in range(-2, 3)],
            "x",
            "",
        )
        names = (
            '<text class="lm-title" x="30" y="17" font-weight="600">'
            '<tspan class="lm-a">network</tspan><tspan class="lm-c" dx="14">units’ shares</tspan>'
            '<tspan class="lm-b" dx="14">50 points</tspan></text>'
        )
        label = "The function, fifty points of it, the network, and each unit's share of the sum"
        return picture(350, 298, label, scaffold + names + PLOT.plot("fit", content))

    def _losses(self, marks: Marks) -> str:
        content = (
            mark("path", "straight", marks, class_="lm-guide", fill="none", stroke="#7d8896")
            + mark(
                "text",
                "straight-name",
                marks,
                class_="lm-label",
                x="6",
                text_anchor="start",
                font_size="13",
            ).replace("></text>", ">best straight line</text>")
            + mark("path", "curve", marks, class_="lm-line lm-a", fill="none", stroke="#0060a8")
            + mark("path", "here", marks, class_="lm-point lm-a", fill="#0060a8")
        )
        scaffold = LOSS.scaffold(
            [(float(k), power(k) if k > 3 else str(10**k)) for k in range(5)],
            [(float(v), power(v) if v else "1") for v in range(-6, 2, 2)],
            "steps",
            "",
        )
        title = mark("text", "loss", marks, class_="lm-title", x="46", y="17", font_weight="600")
        label = "Mean of squares over the steps, both axes logarithmic"
        return picture(350, 298, label, scaffold + title + LOSS.plot("loss", content))


def _straight(x: Array, y: Array) -> float:
    """The mean of squares of the best straight line."""
    line = np.polynomial.Polynomial.fit(x, y, 1)
    return float(np.mean((cast("Any", line)(x) - y) ** 2))


def _place(t: int, loss: float) -> tuple[float, float]:
    height = math.log10(loss) if loss > 0 else -99.0
    return LOSS.x(math.log10(max(1, t))), LOSS.y(height if height < 99 else 99.0)


def _shares(shares: list[Array]) -> str:
    """A dashed line for each unit, with its number beside it."""
    lines, names = "", ""
    for j, share in enumerate(shares):
        values = share.tolist()
        d = path((PLOT.x(a), PLOT.y(b)) for a, b in zip(GRID, values, strict=True))
        lines += f'<path class="lm-line lm-share lm-c" d="{d}"/>'
        at = 96 - 5 * (j % 4)
        y = max(12.0, min(PLOT.height - 4, PLOT.y(values[at]) + 4))
        names += (
            f'<text class="lm-label lm-c" stroke="none" text-anchor="middle" '
            f'x="{coordinate(PLOT.x(GRID[at]))}" y="{coordinate(y)}">{j + 1}</text>'
        )
    return lines + names
