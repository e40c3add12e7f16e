# ruff: noqa: ARG001 - a wrong implementation may well ignore an argument
"""Lesson 13: gradients that vanish, layer by layer, and dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.compare import digits, superscript
from autograder.engine.generators import generic, sizes
from autograder.engine.step import (
    Answer,
    Array,
    Case,
    Flag,
    Function,
    Mistake,
    Number,
    Quantity,
    Several,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import RngArg, View

# Why some mutants of the references compute the same.
REFUSES = "only refuses what no case passes"

# --------------------------------------------------------------------------------------
# the gradient of every layer (E13.1)

RATIO = """
def drive(fns, *args, **kwargs):
    norms = fns.layer_grad_norms(*args, **kwargs)
    return float(norms[0]) / float(norms[-1])
"""


def each_norm(answer: Answer) -> str | None:
    """Check every norm by its own size: the first may be a millionth of the last."""
    yours, ours = np.asarray(answer.value), np.asarray(answer.expected)
    rounding = 1e-8 if yours.dtype == np.float64 else 1e-4
    wrong = np.flatnonzero(np.abs(yours - ours) > rounding * ours)
    if wrong.size == 0:
        return None
    k = int(wrong[-1])
    return (
        f"‖dW{superscript(k + 1)}‖ is {digits(yours[k])}; expected {digits(ours[k])}. Small as it "
        "is, it is what this experiment is about."
    )


def norm_stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
    """List the norms from the output backwards."""
    norms = np.asarray(value)
    for k in reversed(range(len(norms))):
        label, above = (f"‖dW{superscript(i)}‖" for i in (k + 1, k + 2))
        below, now, later = (superscript(i) for i in (k, k + 1, k + 2))
        if k == len(norms) - 1:
            rule = f"dZ{now} = (Ŷ − Y)/m, then dW{now} = A{below}ᵀ dZ{now}"
            yield Quantity(label, norms[k], "", f"{label} comes of {rule}", "eq-vanish")
        else:
            rule = f"dZ{now} = (dZ{later} W{later}ᵀ) ⊙ g′(Z{now})"
            yield Quantity(label, norms[k], above, rule, "eq-layer-deltas")


def norm_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield all three activations, depth, width and number of examples pairwise different."""
    for act in ("sigmoid", "tanh", "relu"):
        depth, width, m = sizes(rng, 3, low=3, high=9)
        scale, seed = round(float(rng.uniform(0.3, 0.9)), 3), int(rng.integers(1, 10_000))
        settings = {"depth": depth, "width": width, "m": m, "scale": scale, "seed": seed}
        title = f"{act}, {depth} layers of {width} units, {m} examples, scale {scale}"
        yield random(title, call("layer_grad_norms", act, **settings))
    n = int(rng.integers(3, 6))
    settings = {"depth": n, "width": n, "m": n, "seed": int(rng.integers(1, 10_000))}
    yield random(f"tanh, {n} of everything", call("layer_grad_norms", "tanh", **settings))


def _norms(slip: str) -> Callable[..., Any]:
    """The experiment with one slip: what the mistakes below have in common."""

    def layer_grad_norms(
        act: str,
        depth: int = 10,
        width: int = 16,
        m: int = 32,
        scale: float = 0.25,
        seed: int = 0,
    ) -> Any:
        g = mlp_lib.get_activation(act)
        rng = np.random.default_rng(0 if slip == "seed-ignored" else seed)
        spread = np.sqrt(scale) if slip == "variance" else scale
        Ws: list[Any] = []
        if slip == "weights-first":
            Ws = [spread * rng.standard_normal((width, width)) for _ in range(depth)]
        X, Y = rng.standard_normal((m, width)), rng.standard_normal((m, width))
        if slip == "uniform":
            Ws = [rng.uniform(-scale, scale, (width, width)) for _ in range(depth)]
        Ws = Ws or [spread * rng.standard_normal((width, width)) for _ in range(depth)]
        A: list[Any] = [X]
        Z: list[Any] = []
        for k, W in enumerate(Ws):
            Z.append(A[-1] @ W)
            linear = k == depth - 1 and slip != "output-activated"
            A.append(Z[-1] if linear else g.f(Z[-1]))
        dZ = (A[-1] - Y) / (1 if slip == "sum" else m)
        if slip == "output-activated":
            dZ = dZ * g.df(Z[-1])
        found: list[Any] = []
        for k in reversed(range(depth)):
            dW = dZ if slip == "delta" else A[k].T @ dZ
            order = {"spectral": 2, "largest": np.inf}.get(slip)
            norm = np.linalg.norm(dW, ord=order)
            found.insert(0, norm**2 if slip == "squared" else norm)
            if k:
                slopes = {"no-slope": 1.0, "g-for-slope": A[k], "slope-at-a": g.df(A[k])}
                back = Ws[k] if slip == "no-transpose" else Ws[k].T
                dZ = dZ @ back * slopes.get(slip, g.df(Z[k - 1]))
        return np.array(found[::-1] if slip == "reversed" else found)

    return layer_grad_norms


def _tiny_weights(
    act: str, depth: int = 10, width: int = 16, m: int = 32, scale: float = 0.25, seed: int = 0
) -> Any:
    return mlp_lib.layer_grad_norms(act, depth, width, m, 0.01, seed)


def _exploding_chain(
    act: str, depth: int = 10, width: int = 16, m: int = 32, scale: float = 0.25, seed: int = 0
) -> Any:
    w = np.full(depth, 2.0)
    cache = mlp_lib.chain_forward(w, 0.5, mlp_lib.relu)
    return np.abs(mlp_lib.chain_backward(w, cache, 1.0, mlp_lib.d_relu)[0])


def _slip(slip: str, name: str, hint: str, equation: str = "eq-vanish", **options: Any) -> Mistake:
    return Mistake(slip, name, hint, {"layer_grad_norms": _norms(slip)}, equation, **options)


SIGMOID_RATIO = "the ratio of the first norm to the last, sigmoid"

layer_grad_norms = Step(
    id="layer-grad-norms",
    title="Vanishing-gradient experiment",
    lesson="13-deep",
    equation="eq-vanish",
    points=2,
    functions=(
        Function(
            "layer_grad_norms(act, depth=10, width=16, m=32, scale=0.25, seed=0)",
            mlp_lib.layer_grad_norms,
            Array("norms", because="one for each layer, the first layer first", list_ok=True),
            rules=(each_norm,),
            trace=norm_stations,
        ),
    ),
    cases=(
        worked(
            "ten layers of sigmoids",
            call("layer_grad_norms", "sigmoid"),
            gives=[0.0, 0.0001, 0.0004, 0.0011, 0.0043, 0.0205, 0.0848, 0.4596, 1.8092, 5.3604],
        ),
        worked(
            SIGMOID_RATIO,
            call("layer_grad_norms", "sigmoid"),
            driver=RATIO,
            returns=Number("‖dW⁽¹⁾‖/‖dW⁽¹⁰⁾‖", rtol=1e-8, atol=0.0),
            gives=1.540e-6,
        ),
        worked(
            "the ratio of the first norm to the last, tanh",
            call("layer_grad_norms", "tanh"),
            driver=RATIO,
            returns=Number("‖dW⁽¹⁾‖/‖dW⁽¹⁰⁾‖", rtol=1e-8, atol=0.0),
            gives=1.2612,
        ),
        worked(
            "the ratio of the first norm to the last, relu",
            call("layer_grad_norms", "relu"),
            driver=RATIO,
            returns=Number("‖dW⁽¹⁾‖/‖dW⁽¹⁰⁾‖", rtol=1e-8, atol=0.0),
            gives=1.1681,
        ),
        edge("tanh, weights of size 0.01", call("layer_grad_norms", "tanh", scale=0.01)),
        edge("relu, weights of size 2: explosion", call("layer_grad_norms", "relu", scale=2.0)),
        edge("sigmoid, 24 layers", call("layer_grad_norms", "sigmoid", 24, 6, 5, 0.4, 7)),
        edge("all weights 0", call("layer_grad_norms", "sigmoid", depth=3, scale=0.0)),
        edge("one layer", call("layer_grad_norms", "tanh", depth=1, width=4, m=3, seed=2)),
        edge("two layers", call("layer_grad_norms", "relu", depth=2, width=5, m=4, seed=3)),
        edge("one example", call("layer_grad_norms", "tanh", depth=4, width=3, m=1, seed=4)),
        edge("one unit a layer", call("layer_grad_norms", "sigmoid", 5, 1, 7, 0.8, 5)),
        edge("a linear network", call("layer_grad_norms", "identity", 4, 5, 6, 0.5, 6)),
    ),
    generate=norm_cases,
    mistakes=(
        _slip(
            "no-slope",
            "g′ left out on the way back",
            "Each step back has two factors, W and g′. Without the slopes, at most ¼ for a "
            "sigmoid, the product cannot show how they make the gradient vanish.",
            "eq-chain-product",
            on=SIGMOID_RATIO,
            gives=0.8937,
        ),
        _slip(
            "g-for-slope",
            "g in place of g′",
            "What a change of z does to the unit is the slope g′(z). g(z) is about ½ for a "
            "sigmoid, so the gradient seems to decay much more slowly than it does.",
            "eq-chain-product",
            on=SIGMOID_RATIO,
            gives=0.0027,
        ),
        _slip(
            "slope-at-a",
            "g′ taken at a instead of z",
            "The slope belongs to the place where the forward pass went through the curve, Z. At "
            "A = g(Z) it is another place, and the ratio is wrong by some percent only.",
            "eq-layer-deltas",
            on=SIGMOID_RATIO,
            gives=1.793e-6,
        ),
        _slip(
            "reversed",
            "the last layer first",
            "norms[0] belongs to the first layer, the one farthest from the loss. The backward "
            "pass meets it last, so the list must be turned round.",
        ),
        _slip(
            "sum",
            "the sum over the examples in place of the mean",
            "The loss is a mean over m examples, so 1/m enters once, at the output. Without it all "
            "norms are m times too large, and the ratio does not tell.",
            "eq-layer-deltas",
        ),
        _slip(
            "delta",
            "the norm of dZ in place of dW",
            "The experiment asks how much each weight matrix is moved: dW = Aᵀ dZ. Large errors "
            "still move nothing where the senders are silent.",
            "eq-weight-backward",
        ),
        _slip(
            "squared",
            "the squared norm",
            "‖dW‖ is the root of the sum of squares. Without the root the decay from layer to "
            "layer looks twice as steep on a logarithmic axis.",
            "eq-grad-norm",
        ),
        _slip(
            "spectral",
            "the spectral norm",
            "‖dW‖ is here the root of the sum of all squared entries, over all weights of the "
            "layer. The largest singular value is another measure.",
            "eq-grad-norm",
        ),
        _slip(
            "largest",
            "the largest row sum",
            "‖dW‖ is here the root of the sum of all squared entries, over all weights of the "
            "layer.",
            "eq-grad-norm",
        ),
        _slip(
            "output-activated",
            "an activation at the output too",
            "The output is linear here, with squared error, so the sweep starts with ŷ − y and no "
            "slope. Only the hidden layers are activated.",
            "eq-layer-deltas",
        ),
        _slip(
            "no-transpose",
            "dZ W in place of dZ Wᵀ",
            "On the way back each unit collects over the units it sent to: dA = dZ Wᵀ. All "
            "matrices are square here, so nothing warns you.",
            "eq-error-backward",
        ),
        _slip(
            "weights-first",
            "the weights drawn before the data",
            "The generator is asked for X, then Y, then the weights from the first layer to the "
            "last. In another order the same seed is another experiment.",
        ),
        _slip(
            "variance",
            "scale taken for the variance",
            "W ~ N(0, scale²): scale is the standard deviation. The factor W g′ of each layer "
            "depends on it, so the decay over many layers changes a great deal.",
        ),
        _slip(
            "uniform",
            "uniform weights",
            "The weights are normal, N(0, scale²). Uniform ones in ±scale have a third of the "
            "variance, and gradients vanish faster.",
        ),
        _slip(
            "seed-ignored",
            "seed 0 whatever seed is",
            "The seed chooses data and weights. Whether a gradient vanishes should not hang on one "
            "draw, so one must be able to change it.",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "tiny-weights",
            "weights of size 0.01 with tanh",
            "All gradients are tiny, about 1e-13, and the ratio of first to last is 0.886: the "
            "ratio alone hides that nothing will be learned.",
            {"layer_grad_norms": _tiny_weights},
            contrast=True,
            on="the ratio of the first norm to the last, tanh",
            gives=0.8861,
        ),
        Mistake(
            "exploding-chain",
            "a chain of ReLU units with weights 2",
            "Ten factors of 2 make the first gradient 130816: g′ = 1 does not keep gradients "
            "bounded, the weights do.",
            {"layer_grad_norms": _exploding_chain},
            equation="eq-chain-product",
            contrast=True,
        ),
    ),
    equivalent={
        "grad_norms: np.array(*) -> (*)": "a list of norms is accepted",
        "layer_grad_norms: 1 -> 0": "the least size that is not refused",
    },
)

# --------------------------------------------------------------------------------------
# dropout (E13.2)

A = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
MASK = np.array([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]])

DRAWN = """
def drive(fns, A, p_drop, rng, twin):
    out, mask = fns.dropout_forward(A, p_drop, rng=rng)
    _, again = fns.dropout_forward(A, p_drop, rng=twin)
    out, mask = np.asarray(out, dtype=float), np.asarray(mask, dtype=float)
    rows = np.broadcast_to(mask, A.shape)
    return [
        round(float(np.mean(mask)), 1),
        round(float(np.mean(out)), 1),
        bool(np.all((out == 0) == (rows == 0))),
        bool(np.any(rows[0] != rows[1])),
        bool(np.array_equal(mask, np.asarray(again))),
    ]
"""
FRESH = """
def drive(fns, A, p_drop):
    out, mask = fns.dropout_forward(A, p_drop)
    _, again = fns.dropout_forward(A, p_drop)
    out, mask = np.asarray(out, dtype=float), np.asarray(mask, dtype=float)
    return [
        round(float(np.mean(mask)), 1),
        round(float(np.mean(out)), 1),
        bool(np.all((out == 0) == (mask == 0))),
        not np.array_equal(mask, np.asarray(again)),
    ]
"""
SEEN = (
    Number("the share of ones in the mask"),
    Number("the mean of the output"),
    Flag("output 0 exactly where the mask is 0"),
)
DRAWN_SEEN = Several(
    *SEEN, Flag("another mask for every example"), Flag("equal masks from equal generators")
)
FRESH_SEEN = Several(*SEEN, Flag("another mask in every call"))


def nothing_dropped(answer: Answer) -> str | None:
    """Check that no unit is silent at evaluation."""
    if answer.args.get("train", True):
        return None
    before, after = np.asarray(answer.args["A"]), np.asarray(answer.value[0])
    silent = int(np.sum((before != 0) & (after == 0)))
    if silent == 0:
        return None
    return f"At evaluation, train=False, nothing is dropped; here {silent} activations became 0."


def same_mask(answer: Answer) -> str | None:
    """Check that errors pass exactly where the forward pass let the activation through."""
    mask = np.broadcast_to(np.asarray(answer.args["mask"]), np.shape(answer.args["dout"]))
    leaks = int(np.sum((np.asarray(answer.value) != 0) & (mask == 0)))
    if leaks == 0:
        return None
    return (
        f"In {leaks} places an error passes through a unit that the mask has silenced: what was "
        "multiplied by 0 on the way forward is multiplied by 0 on the way back."
    )


def _mask(rng: np.random.Generator, m: int, n: int) -> Any:
    """Draw a mask in which every row and every column has a one and a zero, as far as it goes."""
    mask = (rng.random((m, n)) < 0.6).astype(np.float64)
    for i in range(max(m, n)):
        mask[i % m, i % n], mask[i % m, (i + 1) % n] = 1.0, 0.0
    return mask


def dropout_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield given masks, also for a square layer, drawn masks, and the way back."""
    m, n = sizes(rng, 2, low=3, high=7)
    for rows, columns in ((m, n), (n, n)):
        p = round(float(rng.choice([0.15, 0.3, 0.45, 0.6, 0.75])), 2)
        mask, size = _mask(rng, rows, columns), f"{rows} × {columns}"
        yield random(
            f"a mask for {size} units, p = {p}",
            call("dropout_forward", generic(rng, rows, columns), p, mask=mask),
        )
        yield random(
            f"back through {size} units, p = {p}",
            call("dropout_backward", generic(rng, rows, columns), mask, p),
        )
    yield random(
        f"evaluation, {m} × {n} units",
        call("dropout_forward", generic(rng, m, n), p, train=False),
    )
    p, seed = round(float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.6, 0.7])), 1), int(rng.integers(10_000))
    ones = np.ones((int(rng.integers(240, 260)), 400))
    yield random(
        f"100,000 ones, masks drawn with p = {p}",
        call("dropout_forward", ones, p, rng=RngArg(seed), twin=RngArg(seed)),
        driver=DRAWN,
        returns=DRAWN_SEEN,
    )


def _ready(A: Any, p_drop: Any, mask: Any, rng: Any, share: Any = None, shape: Any = None) -> Any:
    """The mask that was given, or a drawn one."""
    if mask is not None:
        return np.asarray(mask, dtype=float)
    rng = np.random.default_rng() if rng is None else rng
    keep = 1 - p_drop if share is None else share
    return (rng.random(np.shape(A) if shape is None else shape) < keep).astype(float)


def _not_scaled(A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True) -> Any:
    if not train:
        return np.array(A), np.ones_like(A)
    mask = _ready(A, p_drop, mask, rng)
    return A * mask, mask


def _scaled_by_p(A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True) -> Any:
    if not train:
        return np.array(A), np.ones_like(A)
    mask = _ready(A, p_drop, mask, rng)
    return A * mask / (p_drop or 1.0), mask


def _always_dropping(
    A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True
) -> Any:
    if not train and mask is None and rng is None:
        mask = MASK if np.shape(A) == MASK.shape else None
        rng = np.random.default_rng(7)
    mask = _ready(A, p_drop, mask, rng)
    return A * mask / (1 - p_drop), mask


def _one_row(A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True) -> Any:
    if not train:
        return np.array(A), np.ones_like(A)
    drawn = _ready(A, p_drop, mask, rng, shape=(1, np.shape(A)[1]))[:1]
    mask = np.broadcast_to(drawn, np.shape(A)) if mask is None else mask
    return A * drawn / (1 - p_drop), mask


def _mask_inverted(
    A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True
) -> Any:
    if not train:
        return np.array(A), np.ones_like(A)
    mask = _ready(A, p_drop, mask, rng, share=p_drop)
    return A * mask / (1 - p_drop), mask


def _scaled_at_evaluation(
    A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True
) -> Any:
    if not train:
        return A * (1 - p_drop), np.ones_like(A)
    return mlp_lib.dropout_forward(A, p_drop, mask, rng)


def _rng_ignored(A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True) -> Any:
    return mlp_lib.dropout_forward(A, p_drop, mask, None, train)


def _seed_inside(A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True) -> Any:
    return mlp_lib.dropout_forward(A, p_drop, mask, np.random.default_rng(0), train)


def _mask_ignored(
    A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True
) -> Any:
    rng = np.random.default_rng(1) if rng is None and mask is not None else rng
    return mlp_lib.dropout_forward(A, p_drop, None, rng, train)


def _scaled_mask(A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True) -> Any:
    out, mask = mlp_lib.dropout_forward(A, p_drop, mask, rng, train)
    return out, mask / (1 - p_drop) if train else mask


def _in_place(A: Any, p_drop: Any, mask: Any = None, rng: Any = None, train: bool = True) -> Any:
    out, mask = mlp_lib.dropout_forward(A, p_drop, mask, rng, train)
    A[...] = out
    return A, mask


def _fresh_mask(dout: Any, mask: Any, p_drop: Any) -> Any:
    keep = 1 - p_drop
    fresh = np.random.default_rng(ANOTHER).random(np.shape(dout)) < keep
    return dout * fresh / keep


ANOTHER = 51  # the seed of the other mask in the lesson's table


def _back_not_scaled(dout: Any, mask: Any, p_drop: Any) -> Any:
    return dout * np.asarray(mask, dtype=float)


def _back_by_p(dout: Any, mask: Any, p_drop: Any) -> Any:
    return dout * np.asarray(mask) / (p_drop or 1.0)


def _back_no_mask(dout: Any, mask: Any, p_drop: Any) -> Any:
    return np.asarray(dout) / (1 - p_drop)


def _back_unchanged(dout: Any, mask: Any, p_drop: Any) -> Any:
    return np.array(dout)


def _back_inverted(dout: Any, mask: Any, p_drop: Any) -> Any:
    return dout * (1 - np.asarray(mask)) / (1 - p_drop)


def _back_times_keep(dout: Any, mask: Any, p_drop: Any) -> Any:
    return dout * np.asarray(mask) * (1 - p_drop)


GIVEN = call("dropout_forward", A, 0.2, mask=MASK)
BACK = call("dropout_backward", np.ones((2, 4)), MASK, 0.2)
EVALUATION = "evaluation: nothing is dropped"

dropout = Step(
    id="dropout",
    title="Inverted dropout",
    lesson="13-deep",
    equation="eq-dropout",
    points=2,
    functions=(
        Function(
            "dropout_forward(A, p_drop, mask=None, rng=None, train=True)",
            mlp_lib.dropout_forward,
            Several(Array("output", like="A"), Array("mask", like="A")),
            rules=(nothing_dropped,),
        ),
        Function(
            "dropout_backward(dout, mask, p_drop)",
            mlp_lib.dropout_backward,
            Array("dA", like="dout"),
            rules=(same_mask,),
        ),
    ),
    cases=(
        worked(
            "the mask of the lesson", GIVEN, gives=([[1.25, 0, 3.75, 5], [0, 7.5, 8.75, 0]], MASK)
        ),
        worked(
            EVALUATION,
            call("dropout_forward", A, 0.2, train=False),
            gives=(A, np.ones((2, 4))),
        ),
        worked("an error of 1 sent back", BACK, gives=[[1.25, 0, 1.25, 1.25], [0, 1.25, 1.25, 0]]),
        edge("nothing is dropped, p = 0", call("dropout_forward", A, 0.0, rng=RngArg(1))),
        edge("nearly all is dropped, p = 0.95", call("dropout_forward", -A, 0.95, mask=MASK)),
        edge("a mask of zeros", call("dropout_forward", A, 0.5, mask=np.zeros((2, 4)))),
        edge("a mask of ones", call("dropout_forward", A, 0.3, mask=np.ones((2, 4)))),
        edge("one example", call("dropout_forward", A[1:], 0.4, mask=MASK[1:])),
        edge("one unit", call("dropout_forward", A[:, 1:2], 0.4, mask=MASK[:, 1:2])),
        edge("activations of 0", call("dropout_forward", 0 * A, 0.4, mask=MASK)),
        edge("a mask of whole numbers", call("dropout_forward", A, 0.3, mask=MASK.astype(int))),
        edge(
            "evaluation, though a mask is given",
            call("dropout_forward", A, 0.6, mask=MASK, train=False),
        ),
        edge(
            "evaluation, though a generator is given",
            call("dropout_forward", A, 0.6, rng=RngArg(2), train=False),
        ),
        edge(
            "everything by position",
            call("dropout_forward", A, 0.35, MASK, RngArg(3), True),
        ),
        edge(
            "neither mask nor generator",
            call("dropout_forward", np.ones((10, 10_000)), 0.3),
            driver=FRESH,
            returns=FRESH_SEEN,
            repeat=False,
        ),
        edge(
            "read-only arrays",
            call("dropout_forward", View(A, "readonly"), 0.7, mask=View(MASK, "readonly")),
        ),
        edge(
            "every second entry",
            call("dropout_forward", View(A, "strided"), 0.7, mask=View(MASK, "fortran")),
        ),
        edge("back: nothing dropped, p = 0", call("dropout_backward", A, np.ones((2, 4)), 0.0)),
        edge("back: everything dropped", call("dropout_backward", A, np.zeros((2, 4)), 0.5)),
        edge("back: one example", call("dropout_backward", -A[:1], MASK[:1], 0.8)),
        edge("back: no error", call("dropout_backward", 0 * A, MASK, 0.3)),
        edge("back: a mask of whole numbers", call("dropout_backward", A, MASK.astype(int), 0.4)),
        edge(
            "back: read-only arrays",
            call("dropout_backward", View(A, "readonly"), View(MASK, "readonly"), 0.35),
        ),
        edge(
            "back: every second entry",
            call("dropout_backward", View(A, "strided"), View(MASK, "strided"), 0.35),
        ),
    ),
    generate=dropout_cases,
    mistakes=(
        Mistake(
            "no-scaling",
            "no division by keep",
            "Of an activation only the share keep arrives on average, so the next layer would meet "
            "smaller sums in training than at evaluation. Divided by keep, the mean stays.",
            {"dropout_forward": _not_scaled},
            equation="eq-dropout-expectation",
            gives=([[1, 0, 3, 4], [0, 6, 7, 0]], MASK),
        ),
        Mistake(
            "scaled-by-p",
            "p and keep confused in the scale",
            "p is the share that is silenced, keep = 1 − p the share that speaks, and the scale "
            "makes up for what is missing: 1/keep. 1/p makes activations explode for small p.",
            {"dropout_forward": _scaled_by_p},
            gives=([[5, 0, 15, 20], [0, 30, 35, 0]], MASK),
        ),
        Mistake(
            "mask-inverted",
            "p and keep confused in the mask",
            "The mask is 1 with probability keep = 1 − p. Drawn with p, the few units meant to be "
            "silent are the only ones that speak.",
            {"dropout_forward": _mask_inverted},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "always-dropping",
            "dropout left on at evaluation",
            "At evaluation (train=False) the whole network answers: the output is A, the mask all "
            "ones. Otherwise the same example gets another prediction each time.",
            {"dropout_forward": _always_dropping},
            equation="eq-dropout-expectation",
            on=EVALUATION,
            gives=([[1.25, 0, 3.75, 5], [0, 7.5, 8.75, 0]], MASK),
        ),
        Mistake(
            "scaled-at-evaluation",
            "keep multiplied in at evaluation",
            "That belongs to the older form, without division in training. Inverted dropout has "
            "scaled already, so evaluation changes nothing.",
            {"dropout_forward": _scaled_at_evaluation},
            equation="eq-dropout-expectation",
        ),
        Mistake(
            "one-row",
            "one mask row for the whole batch",
            "Every example loses units of its own. With one row for all, the whole batch trains "
            "the same thinned network, and the backward pass has one mask too few.",
            {"dropout_forward": _one_row},
            gives=([[1.25, 0, 3.75, 5], [6.25, 0, 8.75, 10]], MASK),
        ),
        Mistake(
            "mask-ignored",
            "a mask drawn though one is given",
            "A given mask is the mask: only so can a pass be repeated, and its gradient checked "
            "against the same silent units.",
            {"dropout_forward": _mask_ignored},
        ),
        Mistake(
            "rng-ignored",
            "the generator not used",
            "Draw from the generator that is passed in. Otherwise nobody can repeat your training, "
            "and no gradient check meets the same mask twice.",
            {"dropout_forward": _rng_ignored},
            shows_on=("random",),
        ),
        Mistake(
            "seed-inside",
            "the same mask in every call",
            "A generator made anew from a fixed seed gives the same numbers each time: always the "
            "same units would be silent, and never trained.",
            {"dropout_forward": _seed_inside},
            shows_on=("edge",),
        ),
        Mistake(
            "scaled-mask",
            "the scale put into the mask",
            "The mask that comes back holds 0 and 1. dropout_backward divides by keep itself; with "
            "1/keep in the mask as well, errors are scaled twice.",
            {"dropout_forward": _scaled_mask},
            equation="eq-d-dropout",
        ),
        Mistake(
            "in-place",
            "dropout written into its input",
            "The backward pass still needs the activations as they were, for the slopes of the "
            "layer below. Return a new array.",
            {"dropout_forward": _in_place},
        ),
        Mistake(
            "fresh-mask",
            "a fresh mask on the way back",
            "The error must pass where the activation passed. With another mask it leaks through "
            "units that were silent, and is stopped at some that spoke.",
            {"dropout_backward": _fresh_mask},
            equation="eq-d-dropout",
            gives=[[0, 1.25, 1.25, 1.25], [1.25, 1.25, 0, 1.25]],
        ),
        Mistake(
            "backward-not-scaled",
            "no division by keep on the way back",
            "The output is A ⊙ mask / keep, so its slope is mask / keep: the scale comes back with "
            "the error.",
            {"dropout_backward": _back_not_scaled},
            equation="eq-d-dropout",
            gives=[[1, 0, 1, 1], [0, 1, 1, 0]],
        ),
        Mistake(
            "backward-by-p",
            "p and keep confused on the way back",
            "The slope of the forward step is mask / keep with keep = 1 − p. Divided by p, the "
            "gradient belongs to another network.",
            {"dropout_backward": _back_by_p},
            equation="eq-d-dropout",
        ),
        Mistake(
            "backward-no-mask",
            "the mask left out on the way back",
            "A unit that was silenced had no influence on the loss, so no error comes back to it: "
            "multiply by the mask.",
            {"dropout_backward": _back_no_mask},
            equation="eq-d-dropout",
        ),
        Mistake(
            "backward-unchanged",
            "the error passed on as it is",
            "Dropout changed the activations by mask / keep, and whatever a step does to changes "
            "on the way forward it does to errors on the way back.",
            {"dropout_backward": _back_unchanged},
            equation="eq-d-dropout",
        ),
        Mistake(
            "backward-inverted",
            "the silent units get the error",
            "The mask is 1 where a unit spoke. These are the units that influenced the loss and "
            "have to hear about it.",
            {"dropout_backward": _back_inverted},
            equation="eq-d-dropout",
        ),
        Mistake(
            "backward-times-keep",
            "multiplication by keep on the way back",
            "Back does not undo the step: the slope of A ⊙ mask / keep is mask / keep, in either "
            "direction.",
            {"dropout_backward": _back_times_keep},
            equation="eq-d-dropout",
        ),
    ),
    equivalent={
        "dropout_forward: _check.generator(rng) -> rng": REFUSES,
        "dropout_forward: (rng.random(A.shape) < keep) -> *<=*": (
            "a random number equals keep about once in 2⁵³ draws"
        ),
        "*: _check_mask(mask, *) -> mask": "checks the mask and makes floats of whole numbers",
        "_keep: 1 -> 2": "the largest p that is not refused",
        "_check_mask: np.asarray(mask) -> mask": "every mask is an array already",
        "_check_mask: *": REFUSES,
    },
)

STEPS = (layer_grad_norms, dropout)
