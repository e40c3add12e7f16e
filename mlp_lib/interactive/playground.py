"""Figure 13, Playground: a network learns points of the plane, and its gradients are in sight."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib import _check
from mlp_lib._types import Array, Params
from mlp_lib.activations import ACTIVATIONS
from mlp_lib.diagnostics import dead_units
from mlp_lib.init import INIT_SCHEMES
from mlp_lib.interactive import playground_link
from mlp_lib.interactive.activations import LABELS as ACTIVATION_LABELS
from mlp_lib.interactive.descent import LABELS as OPTIMISER_LABELS
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    act,
    coordinate,
    counted,
    down,
    element,
    mark,
    path,
    picture,
    power,
    select,
    short,
    slider,
    trimmed,
    up,
    value,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.interactive.playground_maps import (
    HEIGHT,
    PLANE,
    WIDTH,
    maps,
    place,
    side,
    still,
    units,
)
from mlp_lib.interactive.playground_run import (
    DATA,
    FEATURES,
    FIRST,
    LATER,
    Measured,
    Training,
    measured,
    sizes_of,
)
from mlp_lib.network import MLP

INIT_LABELS = {
    "xavier_normal": "Xavier normal",
    "xavier_uniform": "Xavier uniform",
    "he": "He",
    "lecun": "LeCun",
    "normal": "normal, size 1",
    "zeros": "all zero",
}
PENALTIES = {"none": "none", "l1": "L1", "l2": "L2"}
PACES = {"epoch": "one epoch", "update": "one update"}
SPANS = {"lr": (0, 10, 0.01), "batch": (1, 200, 1), "rate": (0, 1, 0.001), "weight": (-99, 99, 0.1)}
MOST = 100_000  # updates
CURVE = Axes(46, 26, 292, 180, (0, 1), (0, 1))
SPREAD = Axes(34, 26, 304, 210, (-10, 2), (0, 1))
BINS = 24


class Playground(Figure):
    """A network learns points of the plane; every number of the run can be seen and set.

    Controls, data: `data` (circles, xor, moons, spiral: two classes; gaussians, arms: three; plane,
    saddle, hills: regression), `noise`, `share` (of the 200 examples, for the test), `features`
    (seven switches: x₁, x₂, x₁², x₂², x₁x₂, sin πx₁, sin πx₂), `seed`.
    Controls, network: `hidden` (0 to 6 layers of 1 to 8 units, buttons add and remove both),
    `activation`, `init`.
    Controls, training: `lr`, `optimiser`, `batch`, `penalty` (none, l1, l2) and `rate`, `dropout`;
    run (and pause), step, reset; `pace` (an epoch or an update a frame or step).
    Controls, view: `chosen` (a weight or bias, by slider or by a click on its line) with a field
    for its value, `unit` (whose map is large, by slider or by a click), `discrete` (classes instead
    of degrees), `tests` (test points).
    Views: the network with a map in every unit, weights as widths, dashed if negative, dead units
    crossed out, a square in the corner for a bias, filled if positive, hollow if negative; the
    large map with the points and what its colours mean; losses of training and test as curves and
    numbers; shares that are right; the chosen parameter and its ∂J/∂w; for every layer the
    distribution of |δ| over examples and units, ‖∂J/∂W‖, the median of |δ|, the share of zeros,
    dead units; a sentence; an address that holds the run.

    steps: updates made. until: [t, setting, value], what a setting was up to update t. edits:
    [t, place, value], parameters set by hand after update t, places as in `MLP.theta`.
    params: your own start, [(W (n_in, n_out), b (1, n_out)), …]. backward: your
    mlp_backward_batch(params, cache, Y, dg, loss=…, activation=…), compared with the reference at
    the parameters shown, on all training examples.
    All numbers come from ``default_rng(seed)`` in the order data, split, start, then the order of
    every epoch; `training.fit` with the same settings makes the same run.
    """

    name: ClassVar[str] = "playground"
    title: ClassVar[str] = "Playground: train a network"

    data = traitlets.Enum(list(DATA), "circles").tag(sync=True)
    noise = traitlets.Float(0.1, min=0.0, max=0.5).tag(sync=True)
    share = traitlets.Float(0.3, min=0.1, max=0.9).tag(sync=True)
    features = traitlets.List(traitlets.Bool(), [True, True] + [False] * 5, minlen=7, maxlen=7).tag(
        sync=True
    )
    hidden = traitlets.List(traitlets.Int(min=1, max=8), [4, 2], maxlen=6).tag(sync=True)
    activation = traitlets.Enum(list(ACTIVATIONS), "tanh").tag(sync=True)
    init = traitlets.Enum(list(INIT_SCHEMES), "xavier_normal").tag(sync=True)
    seed = traitlets.Int(1, min=0, max=99).tag(sync=True)
    start = traitlets.List(traitlets.Float(), []).tag(sync=True)
    lr = traitlets.Float(0.1, min=0.0, max=10.0).tag(sync=True)
    optimiser = traitlets.Enum(list(OPTIMISER_LABELS), "sgd").tag(sync=True)
    batch = traitlets.Int(10, min=1, max=200).tag(sync=True)
    penalty = traitlets.Enum(list(PENALTIES), "none").tag(sync=True)
    rate = traitlets.Float(0.001, min=0.0, max=1.0).tag(sync=True)
    dropout = traitlets.Float(0.0, min=0.0, max=0.8).tag(sync=True)
    steps = traitlets.Int(0, min=0, max=MOST).tag(sync=True)
    until: Any = traitlets.List().tag(sync=True)
    edits: Any = traitlets.List().tag(sync=True)
    pace = traitlets.Enum(list(PACES), "epoch").tag(sync=True)
    chosen = traitlets.Int(1, min=1, max=500).tag(sync=True)
    unit = traitlets.Int(0, min=0, max=60).tag(sync=True)
    discrete = traitlets.Bool(False).tag(sync=True)
    tests = traitlets.Bool(True).tag(sync=True)
    own = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        data: str | None = None,
        *,
        params: Params | None = None,
        backward: Callable[..., Any] | None = None,
        **traits: Any,
    ) -> None:
        if data is not None:
            traits["data"] = data
        if params is not None:
            params = _check.row_form(params, "params")
            traits["hidden"] = [W.shape[1] for W, _ in params[:-1]]
            traits["start"] = np.concatenate([x.ravel() for pair in params for x in pair]).tolist()
        self._built, self._backward = False, backward
        self._run: Training | None = None
        super().__init__(**traits)
        self._built = True
        sizes = sizes_of(self.state())
        if params is not None and [len(params[0][0]), *(W.shape[1] for W, _ in params)] != sizes:
            raise ValueError(
                f"params: expected layers {'-'.join(map(str, sizes))} for these data and features, "
                f"got {len(params[0][0])}-{'-'.join(str(W.shape[1]) for W, _ in params)}"
            )
        if backward is not None:
            self.observe(self._ask_own, [*FIRST, *LATER, "steps", "until", "edits"])
            self._ask_own()

    @classmethod
    def from_link(cls, link: str, **own: Any) -> Playground:
        """The figure that an address from the page (or from `link`) stands for."""
        return cls(**playground_link.read(link, _usual()), **own)

    @property
    def link(self) -> str:
        """The end of an address that holds this run; put it behind that of a page with the figure.

        It holds edited parameters and your own start as well, but not your `backward`.
        """
        return playground_link.write(self.state(), _usual())

    @property
    def params(self) -> Params:
        """The parameters shown, in row form."""
        return self._training().shown(self.state()).params

    @traitlets.validate("features")
    def _at_least_one(self, proposal: Any) -> Any:
        if not any(proposal["value"]):
            raise traitlets.TraitError("features: expected at least one that is on, got none")
        return proposal["value"]

    @traitlets.observe(*FIRST)
    def _begin_anew(self, change: Any) -> None:
        """Another start is another run. A start of your own belongs to one shape of network."""
        if not self._built:
            return
        if change["name"] in ("data", "features", "hidden"):
            self.start = []
        self.steps, self.until, self.edits = 0, [], []

    @traitlets.observe(*LATER)
    def _keep_old(self, change: Any) -> None:
        """A setting changed on the way: what it was belongs to the run."""
        name, t = change["name"], self.steps
        known = any(entry[0] == t and entry[1] == name for entry in self.until)
        if self._built and t and not known:
            self.until = [*self.until, [t, name, change["old"]]]

    def _training(self) -> Training:
        state = self.state()
        if self._run is None or not self._run.goes_on(state):
            self._run = Training(state)
        self._run.advance(state)
        return self._run

    def _at(self, t: int) -> list[Any]:
        """What the numbers of the reader's own function belong to."""
        return [t, self.data, self.activation, self.seed, len(self.edits), len(self.until)]

    def _ask_own(self, _change: Any = None) -> None:
        """Call the reader's function at the parameters shown and compare, from the output back."""
        assert self._backward is not None
        run = self._training()
        net = run.shown(self.state())
        _, cache = net.forward(run.train.X)
        right = [(dW.copy(), db.copy()) for dW, db in net.backward(cache, run.train.Y)]
        if net.output == "identity":  # the mean of squares is ½ Σ (ŷ − y)² times 2
            right = [(dW / 2, db / 2) for dW, db in right]
        loss = "half_sse" if net.output == "identity" else net.loss_name
        remark = _compared(self._backward, net, cache, run.train.Y, right, loss)
        self.own = {"at": self._at(run.t), "remark": remark}

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in playground.js."""
        run, state = self._training(), self.state()
        net = run.shown(state)
        seen = measured(run, net)
        sizes = list(net.sizes)
        at = min(self.chosen, net.theta.size) - 1
        marks: Marks = {
            "columns": {"style": f"--lm-columns:{len(sizes)}"},
            "graph": {"html": self._graph(net, at, seen)},
            "hits": {"html": _hits(sizes)},
            "shown": {"text": f"the plane: {self._unit_name(sizes)}"},
            "legend": {"html": self._legend(sizes)},
            "weight": {"text": self._weight(net, at, seen.gradient)},
            "spread": {"html": _spread(seen)},
            "layers": {"html": _layers(net, seen)},
            "own": {"text": self._verdict(run)},
            "link": {"href": self.link},
        }
        for k in range(6):
            there = k < len(self.hidden)
            marks[f"column-{k}"] = {"class": f"lm-column{'' if there else ' lm-none'}"}
            marks[f"count-{k}"] = {"text": str(self.hidden[k]) if there else ""}
        marks |= self._points(run) | self._curve(run) | self._numbers(run, seen)
        return {
            "marks": marks,
            "values": {
                "noise": short(self.noise),
                "share": short(self.share),
                "seed": str(self.seed),
                "dropout": short(self.dropout),
                "chosen": _parameter(sizes, at, self.features),
                "unit": self._unit_name(sizes),
            },
            "disabled": [],
            "limits": {
                "chosen": (1, net.theta.size, 1),
                "unit": (0, sum(sizes), 1),
            },
            "sentence": self._sentence(run, net, at, seen),
        }

    def _unit_name(self, sizes: Sequence[int]) -> str:
        """Whose map is large."""
        rest = min(self.unit, sum(sizes)) - 1
        if rest < 0:
            return "the answer ŷ"
        for k, n in enumerate(sizes):
            if rest < n:
                return _input_names(self.features)[rest] if k == 0 else f"a{up(k)}{down(rest + 1)}"
            rest -= n
        raise AssertionError(rest)

    def _legend(self, sizes: Sequence[int]) -> str:
        """What the colours of the large map mean; between its ends the opacity says how much."""
        classes, unit = DATA[self.data].classes, min(self.unit, sum(sizes))
        if unit:
            last, inner = unit > sum(sizes[:-1]), unit > sizes[0]
            half = classes > 0 if last else inner and self.activation == "sigmoid"
            ends = [f"{where} {0.5 if half else 0}" for where in ("above", "below")]
        elif classes > 2:
            kinds = zip("abc", "●■▲", (0, 1, 2), strict=True)
            names = "".join(f'<b class="lm-{c}">{sign} {k}</b>' for c, sign, k in kinds)
            pale = "" if self.discrete else "; pale: unsure"
            return f"{names}<span>the likeliest{pale}</span>"
        else:
            ends = ["● ŷ = 0", "ŷ = 1 ■"] if classes else ["● ŷ ≥ 1", "ŷ ≤ −1 ■"]
        cut = ' class="lm-cut"' if self.discrete and not unit else ""
        return f"<span>{ends[0]}</span><i{cut}></i><span>{ends[1]}</span>"

    def _weight(self, net: MLP, at: int, gradient: Array) -> str:
        return (
            f"{_parameter(net.sizes, at, self.features)} = {value(net.theta[at])}, "
            f"slope of J along it {value(gradient[at])}"
        )

    def _verdict(self, run: Training) -> str:
        if not self.own:
            return ""
        if self.own["at"] != self._at(run.t):
            return "Your gradient: to be compared when the run rests."
        return str(self.own["remark"])

    def _points(self, run: Training) -> Marks:
        """Training and test points by class, each a point of a path, for round or square pens."""
        marks: Marks = {}
        classes = DATA[self.data].classes
        for part, examples in (("train", run.train), ("test", run.test)):
            kinds = (examples.t < 0).astype(int) if classes == 0 else examples.t.astype(int)
            for c in range(3):
                places = [
                    (PLANE.x(float(x)), PLANE.y(float(y)))
                    for x, y in examples.points[kinds == c]
                    if part == "train" or self.tests
                ]
                shape = "m-3.5 2.5h7l-3.5-6z" if c == 2 else "h0"
                d = "".join(f"M{coordinate(x)} {coordinate(y)}{shape}" for x, y in places)
                marks[f"{part}-{c}"] = {"d": d}
        return marks

    def _curve(self, run: Training) -> Marks:
        """Losses over the updates, from 0 to a round number above the largest."""
        largest = max(max(entry[1:]) for entry in run.curve)
        top = _round_up(largest)
        across = [(entry[0] / max(run.t, 1) * CURVE.width, entry) for entry in run.curve]

        def line(i: int) -> str:
            return path((x, (1 - entry[i] / top) * CURVE.height) for x, entry in across)

        return {
            "curve-train": {"d": line(1)},
            "curve-test": {"d": line(2)},
            "curve-top": {"text": trimmed(top, 6)},
            "curve-half": {"text": trimmed(top / 2, 6)},
            "curve-end": {"text": str(max(run.t, 1))},
        }

    def _numbers(self, run: Training, seen: Measured) -> Marks:
        right = [_percent(r) for r in seen.right] if seen.right else ["–", "–"]
        texts = {
            "update": str(run.t) + (" (diverged)" if run.diverged else ""),
            "epoch": str(run.epoch),
            "loss-train": value(seen.losses[0]),
            "loss-test": value(seen.losses[1]),
            "right-train": right[0],
            "right-test": right[1],
            "many-train": str(len(run.train.X)),
            "many-test": str(len(run.test.X)),
        }
        return {key: {"text": text} for key, text in texts.items()}

    def _sentence(self, run: Training, net: MLP, at: int, seen: Measured) -> str:
        right = ""
        if seen.right:
            right = f", {_percent(seen.right[0])} and {_percent(seen.right[1])} right"
        norms = ", ".join(value(norm) for norm in seen.norms)
        dead = sum(int(mask.sum()) for mask in _dead(net, seen))
        start = (
            "a start of your own" if self._starts_own(net) else f"start {INIT_LABELS[self.init]}"
        )
        edited = f", {counted(len(self.edits), 'edit')} by hand" if self.edits else ""
        own = self._verdict(run)
        return (
            f"{DATA[self.data].label[0].upper()}{DATA[self.data].label[1:]}, noise "
            f"{short(self.noise)}: {len(run.train.X)} examples for training, {len(run.test.X)} for "
            f"the test. Network {'-'.join(map(str, net.sizes))} on "
            f"{', '.join(_input_names(self.features))} with {ACTIVATION_LABELS[self.activation]} "
            f"units, {start}, seed {self.seed}. "
            f"After {counted(run.t, 'update')} in {counted(run.epoch, 'epoch')}{edited}"
            f"{', where it diverges' if run.diverged else ''}: "
            f"loss {value(seen.losses[0])} in training and {value(seen.losses[1])} in the test"
            f"{right}. Norms of the gradient from layer 1 on: {norms}; dead units: {dead} of "
            f"{sum(self.hidden)}. Training by {OPTIMISER_LABELS[self.optimiser]} with learning "
            f"rate {trimmed(self.lr, 6)}, batches of {self.batch}, "
            f"penalty {PENALTIES[self.penalty]} (rate {trimmed(self.rate, 6)}), dropout "
            f"{short(self.dropout)}, {PACES[self.pace]} a frame. "
            f"Chosen: {self._weight(net, at, seen.gradient)}. "
            f"The large map shows {self._unit_name(net.sizes)} by "
            f"{'class' if self.discrete else 'degree'}, {'with' if self.tests else 'without'} test "
            f"points.{' ' + own if own else ''}"
        )

    def _starts_own(self, net: MLP) -> bool:
        return len(self.start) == net.theta.size

    def _graph(self, net: MLP, at: int, seen: Measured) -> str:
        """Weights as lines, units as frames around their maps."""
        sizes, half = list(net.sizes), side(len(net.sizes)) / 2
        largest = max(float(np.abs(W).max()) for W, _ in net.params) or 1.0
        heaviest = max(float(np.abs(b).max()) for _, b in net.params) or 1.0
        dead = _dead(net, seen)
        glow, edges, boxes, biases, number = "", "", "", "", 0
        for k, (W, b) in enumerate(net.params):
            for j, row in enumerate(W):
                for i, w in enumerate(row):
                    d = _edge(sizes, k, j, i)
                    width = coordinate(0.6 + 3.4 * abs(float(w)) / largest)
                    kind = "lm-b" if w < 0 else "lm-a"
                    edges += f'<path class="lm-edge {kind}" stroke-width="{width}" d="{d}"/>'
                    if number == at:
                        glow = f'<path class="lm-glow" d="{d}"/>'
                    number += 1
            for i, bias in enumerate(b.ravel()):
                x, y = place(sizes, k + 1, i)
                if bias:
                    length = 3 + 6 * abs(float(bias)) / heaviest
                    at_ = f'x="{coordinate(x - half)}" y="{coordinate(y + half - length)}"'
                    at_ += f' width="{coordinate(length)}" height="{coordinate(length)}"'
                    biases += f'<rect class="lm-bias lm-{"b" if bias < 0 else "a"}" {at_}/>'
                if number == at:
                    at_ = f'cx="{coordinate(x)}" cy="{coordinate(y)}" r="21"'
                    glow = f'<circle class="lm-glow" {at_}/>'
                number += 1
        names, number = _input_names(self.features), 0
        for k, n in enumerate(sizes):
            label = "output" if k == len(sizes) - 1 else f"layer {k}" if k else "inputs"
            at_ = f'x="{coordinate(place(sizes, k, 0)[0])}" y="{HEIGHT + 11}"'
            boxes += f"<text {at_}>{label}</text>"
            for j in range(n):
                number += 1
                x, y = place(sizes, k, j)
                left, top = coordinate(x - half), coordinate(y - half)
                chosen = " lm-chosen" if number == min(self.unit, sum(sizes)) else ""
                boxes += (
                    f'<rect class="lm-unit{chosen}" fill="none" x="{left}" y="{top}" '
                    f'width="{short(2 * half)}" height="{short(2 * half)}" rx="3"/>'
                )
                if 0 < k < len(sizes) - 1 and dead[k - 1][j]:
                    boxes += f'<path class="lm-dead" d="M{left} {top}l{_cross(half)}"/>'
                if k in (0, len(sizes) - 1):
                    text = names[j] if k == 0 else "ŷ" + (down(j + 1) if n > 1 else "")
                    boxes += (
                        f'<text class="lm-label" x="{coordinate(x)}" y="{coordinate(y + 4)}">{text}'
                        "</text>"
                    )
        return glow + edges + boxes + biases

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        limits: dict[str, Any] = view["limits"]
        run, state = self._training(), self.state()
        net = run.shown(state)
        sizes = list(net.sizes)

        def own_slider(
            trait: str, label: str, span: tuple[float, float, float], **more: Any
        ) -> str:
            now = min(getattr(self, trait), span[1])
            return slider(trait, label, span, now, values[trait], **more)

        go = (
            act("run", "run / pause", pace=16)
            + act("step", "step")
            + act("reset", "reset")
            + select("pace", "pace", PACES, self.pace)
            + own_slider("seed", "seed", (0, 99, 1))
        )
        sets = {key: known.label for key, known in DATA.items()}
        data = (
            select("data", "data", sets, self.data)
            + own_slider("noise", "noise", (0, 0.5, 0.01))
            + own_slider("share", "test share", (0.1, 0.9, 0.05))
        )
        switches = "".join(
            _check_box("features", name, on, index=i)
            for i, (name, on) in enumerate(zip(FEATURES, self.features, strict=True))
        )
        columns = "".join(self._column(marks, k) for k in range(6))
        network = (
            '<div class="lm-side"><div class="lm-row lm-tight">'
            + f"<span>hidden layers</span>{act('more', '+', name='one layer more')}"
            + act("fewer", "–", name="one layer fewer")
            + "</div>"
            + mark_around("div", "columns", marks, columns, class_="lm-columns")
            + '<div class="lm-map"><canvas data-lm-canvas="units"></canvas>'
            + picture(
                WIDTH,
                HEIGHT + 16,
                "The network, inputs on the left, with what every unit answers over the plane",
                units(maps(net, self.features, side(len(sizes)) // 2, False)[1:], sizes)
                + mark("g", "graph", marks, font_size="12", text_anchor="middle")
                + mark("g", "hits", marks),
            )
            + '</div><p class="lm-legend"><span>bias:</span>'
            + '<b class="lm-a">■ positive</b><b class="lm-b">□ negative</b></p>'
            + f'<div class="lm-row lm-tight"><span>inputs</span>{switches}</div></div>'
        )
        large = maps(net, self.features, 48, self.discrete)[min(self.unit, sum(sizes))]
        plane = (
            '<div class="lm-side"><div class="lm-map">'
            '<canvas data-lm-canvas="plane"></canvas>'
            + self._plane(marks, still(large, 0, 0, PLANE.width, PLANE.height))
            + "</div>"
            + mark("p", "legend", marks, class_="lm-legend")
            + own_slider("unit", "map of", limits["unit"], name="unit whose map is large")
            + '<div class="lm-row lm-tight">'
            + _check_box("tests", "test points", self.tests)
            + _check_box("discrete", "by class", self.discrete)
            + "</div></div>"
        )
        training = (
            select("activation", "units", ACTIVATION_LABELS, self.activation)
            + select("init", "start", INIT_LABELS, self.init)
            + select("optimiser", "optimiser", OPTIMISER_LABELS, self.optimiser)
            + _field("lr", "learning rate", self.lr)
            + _field("batch", "batch", self.batch)
            + select("penalty", "penalty", PENALTIES, self.penalty)
            + _field("rate", "its rate", self.rate)
            + own_slider("dropout", "dropout", (0, 0.8, 0.05))
        )
        chosen = (
            own_slider("chosen", "weight", limits["chosen"], name="chosen weight or bias")
            + _field("weight", "its value", float(net.theta[min(self.chosen, net.theta.size) - 1]))
            + mark("p", "weight", marks, class_="lm-weight")
        )
        return (
            f'<div class="lm-row lm-wide lm-go">{go}</div>'
            f'<div class="lm-row lm-wide lm-go">{data}</div>'
            + network
            + plane
            + f'<div class="lm-row lm-wide lm-training">{training}</div>'
            + f'<div class="lm-row lm-wide lm-training">{chosen}</div>'
            + '<div class="lm-side">'
            + self._losses(marks)
            + _table(
                ["", "training", "test"],
                "".join(
                    f'<tr><th scope="row">{label}</th>'
                    + mark("td", f"{key}-train", marks)
                    + mark("td", f"{key}-test", marks)
                    + "</tr>"
                    for key, label in (("loss", "loss"), ("right", "right"), ("many", "examples"))
                ),
            )
            + '</div><div class="lm-side">'
            + _spread_picture(marks)
            + _table(
                ["layer", "‖∂J/∂W‖", "median |δ|", "δ = 0", "dead"],
                None,
                mark("tbody", "layers", marks),
            )
            + "</div>"
            + mark("p", "own", marks, class_="lm-own lm-wide")
            + '<p class="lm-wide lm-link">'
            + mark_around("a", "link", marks, "Link to this run", data_lm_suppress_shortcuts="true")
            + ", with its seed, its settings, and what was set by hand.</p>"
        )

    def _column(self, marks: Marks, k: int) -> str:
        there = k < len(self.hidden)
        buttons = act(f"minus{k}", "–", name=f"layer {k + 1}, one unit fewer") + act(
            f"plus{k}", "+", name=f"layer {k + 1}, one unit more"
        )
        if not there:
            buttons = buttons.replace("<button", "<button disabled")
        return mark_around("div", f"column-{k}", marks, mark("span", f"count-{k}", marks) + buttons)

    def _plane(self, marks: Marks, image: str) -> str:
        ticks = [(float(v), short(v)) for v in (-1, 0, 1)]
        points = ""
        for part in ("test", "train"):
            for c in range(3):
                own = f"lm-dot lm-{part} lm-{'abc'[c]}"
                layers = (
                    ("lm-rim", "lm-fill", "lm-heart") if part == "test" else ("lm-rim", "lm-fill")
                )
                for layer in layers:
                    points += mark("path", f"{part}-{c}", marks, class_=f"{own} {layer}")
        title = mark("text", "shown", marks, class_="lm-title", x="24", y="16", font_weight="600")
        key = "x₁, and x₂ upwards; filled: training, hollow: test"
        scaffold = PLANE.scaffold(ticks, ticks, key, "")
        return picture(
            WIDTH,
            382,
            "The points, and what the network or one of its units answers over the plane",
            title + scaffold + PLANE.plot("plane", image + points),
        )

    def _losses(self, marks: Marks) -> str:
        left, bottom = CURVE.left, CURVE.top + CURVE.height
        right = left + CURVE.width
        y = {"top": CURVE.top, "half": CURVE.top + CURVE.height / 2}
        ticks = "".join(
            mark("text", f"curve-{key}", marks, x=coordinate(left - 6), y=coordinate(at + 4))
            for key, at in y.items()
        )
        lines = "".join(
            f'<path d="M{coordinate(left)} {coordinate(at)}H{coordinate(right)}"/>'
            for at in (*y.values(), bottom)
        )
        counts = "".join(
            f"<tspan>{label} </tspan>" + mark("tspan", key, marks, font_weight="600")
            for key, label in (("update", "loss after update"), ("epoch", " in epoch"))
        )
        return picture(
            350,
            244,
            "Loss of training and test examples over the updates",
            f'<text class="lm-title" x="4" y="14">{counts}</text>'
            f'<g class="lm-grid" fill="none" stroke="#8884">{lines}</g>'
            f'<g class="lm-ticks" font-size="13" text-anchor="end">{ticks}'
            f'<text x="{coordinate(left - 6)}" y="{coordinate(bottom + 4)}">0</text>'
            + mark("text", "curve-end", marks, x=coordinate(right), y=coordinate(bottom + 17))
            + '</g><g font-size="13"><text class="lm-a" x="46" y="239">training ——</text>'
            '<text class="lm-b" x="146" y="239">test – –</text></g>'
            + CURVE.plot(
                "losses",
                mark(
                    "path",
                    "curve-test",
                    marks,
                    class_="lm-line lm-b",
                    fill="none",
                    stroke="#b04400",
                )
                + mark(
                    "path",
                    "curve-train",
                    marks,
                    class_="lm-line lm-a",
                    fill="none",
                    stroke="#0060a8",
                ),
            ),
        )


def _usual() -> dict[str, Any]:
    """The traits that a link holds, with their defaults."""
    return {
        name: trait.default()
        for name, trait in Playground.class_own_traits(sync=True).items()
        if name != "own"
    }


def mark_around(tag: str, name: str, marks: Marks, content: str, **attributes: str) -> str:
    """Like `mark`, for an element with fixed content of its own, controls included."""
    fixed = {key.rstrip("_").replace("_", "-"): text for key, text in attributes.items()}
    return element(tag, {"data-lm": name} | fixed | marks[name], content)


def _check_box(trait: str, label: str, on: bool, index: int | None = None) -> str:
    place_ = "" if index is None else f' data-lm-index="{index}"'
    checked = " checked" if on else ""
    return (
        '<label class="lm-control lm-check">'
        f'<input type="checkbox" data-lm-trait="{trait}"{place_} '
        f'aria-label="{label}" data-lm-suppress-shortcuts="true"{checked}>{label}</label>'
    )


def _field(name: str, label: str, now: float) -> str:
    low, high, step = SPANS[name]
    return (
        f'<label class="lm-control"><span class="lm-name">{label}</span><input type="number" '
        f'data-lm-field="{name}" min="{low}" max="{high}" step="{step}" value="{now:.4g}" '
        f'aria-label="{label}" data-lm-suppress-shortcuts="true"></label>'
    )


def _table(heads: Sequence[str], rows: str | None, body: str = "") -> str:
    cells = "".join(f'<th scope="col">{head}</th>' if head else "<td></td>" for head in heads)
    return (
        f'<table class="lm-numbers"><thead><tr>{cells}</tr></thead>'
        f"{body or f'<tbody>{rows}</tbody>'}</table>"
    )


def _input_names(features: Sequence[bool]) -> list[str]:
    return [name for name, on in zip(FEATURES, features, strict=True) if on]


def _parameter(sizes: Sequence[int], at: int, features: Sequence[bool]) -> str:
    """The parameter at a place of θ, in words: w⁽¹⁾ x₁ → 2, b⁽¹⁾ 2."""
    for k, (n, m) in enumerate(pairwise(sizes), 1):
        if at < n * m:
            begin = _input_names(features)[at // m] if k == 1 else str(at // m + 1)
            return f"w{up(k)} {begin} → {at % m + 1}"
        at -= n * m
        if at < m:
            return f"b{up(k)} {at + 1}"
        at -= m
    raise AssertionError(at)


def _dead(net: MLP, seen: Measured) -> list[Any]:
    return dead_units(seen.cache, net.activation.df)


def _percent(share: float) -> str:
    return f"{short(math.floor(1000 * share + 0.5) / 10)} %"


def _round_up(x: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if not 0 < x < math.inf:
        return 1.0
    base = 10.0 ** math.floor(math.log10(x))
    return next((step * base for step in (1, 2, 5) if step * base >= x), 10 * base)


def _edge(sizes: list[int], k: int, j: int, i: int) -> str:
    half = side(len(sizes)) / 2
    (x1, y1), (x2, y2) = place(sizes, k, j), place(sizes, k + 1, i)
    a, b = coordinate(x1 + half), coordinate(x2 - half)
    return f"M{a} {coordinate(y1)}L{b} {coordinate(y2)}"


def _cross(half: float) -> str:
    size = short(2 * half)
    return f"{size} {size}m-{size} 0l{size} -{size}"


def _hits(sizes: list[int]) -> str:
    """Wide lines and squares for the pointer; they change with the shape of the network only."""
    marks, number, unit = "", 0, 0
    for k, (n, m) in enumerate(pairwise(sizes)):
        for j in range(n):
            for i in range(m):
                number += 1
                marks += f'<path class="lm-hit" data-w="{number}" d="{_edge(sizes, k, j, i)}"/>'
        number += m
    size = short(side(len(sizes)))
    for k, n in enumerate(sizes):
        for j in range(n):
            unit += 1
            x, y = place(sizes, k, j)
            half = side(len(sizes)) / 2
            marks += (
                f'<rect class="lm-pick" fill="#0000" data-u="{unit}" x="{coordinate(x - half)}" '
                f'y="{coordinate(y - half)}" width="{size}" height="{size}"/>'
            )
    return marks + _corners(sizes)


def _corners(sizes: list[int]) -> str:
    """Where a bias is marked and can be chosen."""
    marks, number, half = "", 0, side(len(sizes)) / 2
    for k, (n, m) in enumerate(pairwise(sizes), 1):
        number += n * m
        for i in range(m):
            number += 1
            x, y = place(sizes, k, i)
            at = f'x="{coordinate(x - half)}" y="{coordinate(y + half - 12)}"'
            marks += f'<rect fill="#0000" data-w="{number}" {at} width="12" height="12"/>'
    return marks


def _spread_picture(marks: Marks) -> str:
    ticks = [(float(v), power(v) if v else "1") for v in (-9, -6, -3, 0)]
    return picture(
        350,
        286,
        "How the errors of each layer are distributed, on a logarithmic axis",
        SPREAD.scaffold(
            ticks, [], "|δ| of all examples and units; ○ ‖∂J/∂W‖", "errors layer by layer"
        )
        + mark("g", "spread", marks, font_size="13"),
    )


def _spread(seen: Measured) -> str:
    """For every layer a histogram of |δ| by half decades, and the norm of its gradient."""
    L = len(seen.delta)
    pitch = SPREAD.height / L
    drawn = ""
    for k, delta in enumerate(seen.delta):
        found = np.abs(delta).ravel()
        found = found[found > 0]
        bins = np.clip(np.floor((np.log10(found) + 10) * 2), 0, BINS - 1).astype(int)
        counts = np.bincount(bins, minlength=BINS)
        bottom = SPREAD.top + (k + 1) * pitch
        tallest = max(int(counts.max()), 1)
        points = [(SPREAD.left, bottom)]
        for i, count in enumerate(counts):
            y = bottom - 0.85 * pitch * int(count) / tallest
            points += [(SPREAD.left + SPREAD.width * (i + e) / BINS, y) for e in (0, 1)]
        points.append((SPREAD.left + SPREAD.width, bottom))
        drawn += f'<path class="lm-pile lm-a" d="{path(points)}Z"/>'
        drawn += f'<text x="12" y="{coordinate(bottom - 4)}">{k + 1}</text>'
        if seen.norms[k] > 0:
            share = min(1.0, max(0.0, (math.log10(seen.norms[k]) + 10) / 12))
            at = f'cx="{coordinate(SPREAD.left + SPREAD.width * share)}"'
            at += f' cy="{coordinate(bottom - pitch / 2)}"'
            drawn += f'<circle class="lm-norm lm-b" fill="none" {at} r="5"/>'
    return drawn


def _layers(net: MLP, seen: Measured) -> str:
    """A row of numbers for every layer."""
    dead = [f"{int(mask.sum())} of {mask.size}" for mask in _dead(net, seen)] + ["–"]
    rows = ""
    for k, delta in enumerate(seen.delta):
        sizes = np.sort(np.abs(delta).ravel())
        n = sizes.size
        middle = (float(sizes[(n - 1) // 2]) + float(sizes[n // 2])) / 2
        zero = _percent(float((sizes == 0).mean()))
        cells = (value(seen.norms[k]), value(middle), zero, dead[k])
        rows += f'<tr><th scope="row">{k + 1}</th>{"".join(f"<td>{c}</td>" for c in cells)}</tr>'
    return rows


def _compared(
    function: Callable[..., Any],
    net: MLP,
    cache: Any,
    Y: Array,
    right: list[tuple[Array, Array]],
    loss: str,
) -> str:
    """What the reader's gradient is, against the reference: the first wrong quantity, by name."""
    copies = [(W.copy(), b.copy()) for W, b in net.params]
    kept = {key: [t.copy() for t in tensors] for key, tensors in cache.items()}
    named = inspect.signature(function).parameters
    every = any(p.kind is p.VAR_KEYWORD for p in named.values())
    pair = {"loss": loss, "activation": net.output}
    more = {key: text for key, text in pair.items() if every or key in named}
    try:
        given = list(function(copies, kept, Y.copy(), ACTIVATIONS[net.hidden].df, **more))
        if len(given) != len(right):
            return f"Your gradient: expected {len(right)} pairs (dW, db), got {len(given)}."
        for k in reversed(range(len(right))):
            for symbol, got, wanted in zip(("dW", "db"), given[k], right[k], strict=True):
                made, name = np.asarray(got, dtype=float), f"{symbol}{up(k + 1)}"
                if made.shape != wanted.shape:
                    return (
                        f"Your first wrong quantity: {name}, expected shape {wanted.shape}, "
                        f"got {made.shape}."
                    )
                off = ~(np.abs(made - wanted) <= 1e-6 * np.abs(wanted).max() + 1e-12)
                if off.any():
                    first = tuple(int(v) for v in np.argwhere(off)[0])
                    return (
                        f"Your first wrong quantity, from the output back: {name}, at "
                        f"{list(first)} {value(float(made[first]))} instead of "
                        f"{value(float(wanted[first]))}, {int(off.sum())} of {off.size} wrong."
                    )
    except Exception as error:  # anything that the reader's code may raise
        return f"Your function raised {type(error).__name__}: {error}"
    return "Your gradient is the reference's in every dW and db."
