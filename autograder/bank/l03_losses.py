# ruff: noqa: ARG001 - a wrong implementation may well ignore an argument
"""Lesson 3: squared error, the cross-entropies and the likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.generators import generic, probabilities, sizes, targets
from autograder.engine.step import (
    Array,
    Case,
    Function,
    Gradient,
    Mistake,
    Number,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import View

EPS = 1e-12

# --------------------------------------------------------------------------------------
# squared-error (E3.1)

YHAT3, Y3 = np.array([0.2, 0.7, 0.4]), np.array([0.0, 1.0, 0.0])
YHAT23 = np.array([[0.35, -1.2, 2.4], [1.7, 0.6, -0.45]])
Y23 = np.array([[-0.6, 0.3, 1.9], [0.2, -2.1, 0.8]])
SQUARED = ("half_sse", "mse", "grad_half_sse", "grad_mse")


def squared_error_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield one example, a batch, and as many examples as outputs, for every function."""
    m, n = sizes(rng, 2, low=3, high=7)
    for name in SQUARED:
        for shape, words in (
            ((n,), f"{n} outputs"),
            ((m, n), f"{m} examples, {n} outputs"),
            ((n, n), f"{n} examples, {n} outputs"),
        ):
            pair = generic(rng, *shape), generic(rng, *shape)
            yield random(f"{name}: {words}", call(name, *pair))


def _squared_edges(name: str) -> tuple[Case, ...]:
    return (
        edge(f"{name}: one example in a batch", call(name, YHAT23[:1], Y23[:1])),
        edge(f"{name}: one output", call(name, YHAT23[:, :1], Y23[:, :1])),
        edge(f"{name}: one number", call(name, YHAT3[:1], np.array([1.4]))),
        edge(f"{name}: a prediction without error", call(name, YHAT23, YHAT23)),
        edge(f"{name}: large numbers", call(name, 1e6 * YHAT23, -2e5 * Y23)),
        edge(f"{name}: read-only", call(name, View(YHAT3, "readonly"), View(Y3, "readonly"))),
        edge(
            f"{name}: stored differently",
            call(name, View(YHAT23, "fortran"), View(Y23, "strided")),
        ),
    )


def _error(yhat: Any, y: Any) -> Any:
    return np.asarray(yhat) - np.asarray(y)


def _sse(yhat: Any, y: Any) -> Any:
    return (_error(yhat, y) ** 2).sum()


def _half_mean(yhat: Any, y: Any) -> Any:
    return (_error(yhat, y) ** 2).mean() / 2


def _half_square_of_sum(yhat: Any, y: Any) -> Any:
    return _error(yhat, y).sum() ** 2 / 2


def _square_of_mean(yhat: Any, y: Any) -> Any:
    return _error(yhat, y).mean() ** 2


def _half_absolute(yhat: Any, y: Any) -> Any:
    return np.abs(_error(yhat, y)).sum() / 2


def _mean_absolute(yhat: Any, y: Any) -> Any:
    return np.abs(_error(yhat, y)).mean()


def _half_mean_over_examples(yhat: Any, y: Any) -> Any:
    return _sse(yhat, y) / 2 / (len(yhat) if np.ndim(yhat) == 2 else 1)


def _mean_over_rows(yhat: Any, y: Any) -> Any:
    return _sse(yhat, y) / len(yhat)


def _mean_over_outputs(yhat: Any, y: Any) -> Any:
    return _sse(yhat, y) / np.shape(yhat)[-1]


def _mean_for_each(yhat: Any, y: Any) -> Any:
    return (_error(yhat, y) ** 2).mean(axis=-1)


def _gradient_sign(yhat: Any, y: Any) -> Any:
    return -_error(yhat, y)


def _gradient_doubled(yhat: Any, y: Any) -> Any:
    return 2 * _error(yhat, y)


def _grad_mse_sign(yhat: Any, y: Any) -> Any:
    return -2 / np.size(yhat) * _error(yhat, y)


def _grad_mse_no_two(yhat: Any, y: Any) -> Any:
    return _error(yhat, y) / np.size(yhat)


def _grad_mse_no_m(yhat: Any, y: Any) -> Any:
    return 2 / np.shape(yhat)[-1] * _error(yhat, y)


def _grad_mse_rows(yhat: Any, y: Any) -> Any:
    return 2 / len(yhat) * _error(yhat, y)


squared_error = Step(
    id="squared-error",
    title="Squared-error losses and their gradients",
    lesson="03-losses",
    equation="eq-half-sse",
    points=2,
    functions=(
        Function("half_sse(yhat, y)", mlp_lib.half_sse, Number("J")),
        Function("mse(yhat, y)", mlp_lib.mse, Number("J")),
        Function("grad_half_sse(yhat, y)", mlp_lib.grad_half_sse, Gradient("∂J/∂ŷ", of="yhat")),
        Function("grad_mse(yhat, y)", mlp_lib.grad_mse, Gradient("∂J/∂ŷ", of="yhat")),
    ),
    cases=(
        worked("½SSE of the lesson's outputs", call("half_sse", YHAT3, Y3), gives=0.145),
        worked("MSE of the lesson's outputs", call("mse", YHAT3, Y3), gives=0.0967),
        worked("gradient of ½SSE", call("grad_half_sse", YHAT3, Y3), gives=[0.2, -0.3, 0.4]),
        worked("gradient of MSE", call("grad_mse", YHAT3, Y3), gives=[0.1333, -0.2, 0.2667]),
        *(case for name in SQUARED for case in _squared_edges(name)),
    ),
    generate=squared_error_cases,
    mistakes=(
        Mistake(
            "half-forgotten",
            "the ½ forgotten",
            "½ is there for the derivative: with it ∂J/∂ŷ is ŷ − y, without it 2(ŷ − y), and "
            "every δ behind it would be twice as long.",
            {"half_sse": _sse},
            gives=0.29,
        ),
        Mistake(
            "mean-forgotten",
            "a sum where the mean is meant",
            "MSE divides by the number of entries, so that loss and gradient keep their size when "
            "there are more examples. A sum grows with the data, and so would every step.",
            {"mse": _sse},
            equation="eq-mse",
            gives=0.29,
        ),
        Mistake(
            "half-of-mse",
            "a ½ in the mean as well",
            "The ½ belongs to the sum, ½ Σ(ŷ − y)². MSE is written without it, and its gradient "
            "keeps the 2: 2/n (ŷ − y).",
            {"mse": _half_mean},
            equation="eq-mse",
            gives=0.0483,
        ),
        Mistake(
            "square-of-sum",
            "the square of the sum",
            "Square each error, then add. In the square of the sum errors of opposite sign cancel, "
            "and its gradient is the same for all outputs.",
            {"half_sse": _half_square_of_sum},
            gives=0.045,
        ),
        Mistake(
            "square-of-mean",
            "the square of the mean error",
            "Square each error, then take the mean. The mean error of an output that is too high "
            "and one that is too low is 0, and then nothing would be learned from them.",
            {"mse": _square_of_mean},
            equation="eq-mse",
            gives=0.01,
        ),
        Mistake(
            "absolute-sum",
            "the absolute value in place of the square",
            "The square makes the gradient ŷ − y, long where the error is large. |ŷ − y| has the "
            "slope ±1 everywhere, and the error that is sent back loses its size.",
            {"half_sse": _half_absolute},
            gives=0.45,
        ),
        Mistake(
            "absolute-mean",
            "the mean absolute error",
            "That is another loss, with a gradient of ±1/n. The squared error sends back 2/n times "
            "the error itself.",
            {"mse": _mean_absolute},
            equation="eq-mse",
            gives=0.3,
        ),
        Mistake(
            "half-sse-divided",
            "½SSE divided by the number of examples",
            "half_sse is the sum over all entries. The 1/m of a mean enters once, in the mean "
            "loss; if it is here as well, every gradient is m times too small.",
            {"half_sse": _half_mean_over_examples},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "half-of-mean",
            "half the mean in place of half the sum",
            "half_sse adds up all entries and divides by nothing but 2, so that its gradient is "
            "ŷ − y. The mean is the other loss, mse.",
            {"half_sse": _half_mean},
            gives=0.0483,
        ),
        Mistake(
            "mean-over-rows",
            "the sum over the outputs divided by len(ŷ)",
            "For a batch len(ŷ) is the number of examples m. The mean runs over the n outputs too, "
            "as in the gradient's factor 2/(m n).",
            {"mse": _mean_over_rows},
            equation="eq-mse",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "mean-over-outputs",
            "the examples added up",
            "The mean runs over the n outputs and then over the m examples. A sum over examples "
            "makes the loss, and every step, grow with the batch.",
            {"mse": _mean_over_outputs},
            equation="eq-mse",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "loss-per-example",
            "one loss for each example",
            "A loss is one number: only then is there one gradient to walk against. Take the mean "
            "over the examples too.",
            {"mse": _mean_for_each},
            equation="eq-mse",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "gradient-sign",
            "y − ŷ as the gradient",
            "Raising ŷ where it is too high makes the loss larger, so the gradient is ŷ − y. With "
            "the sign turned, ŷ − α ∂J/∂ŷ climbs.",
            {"grad_half_sse": _gradient_sign},
            equation="eq-grad-half-sse",
            gives=[-0.2, 0.3, -0.4],
        ),
        Mistake(
            "gradient-doubled",
            "the 2 of the power rule left over",
            "The 2 from the square and the ½ in front cancel: that is what the ½ is for.",
            {"grad_half_sse": _gradient_doubled},
            equation="eq-grad-half-sse",
            gives=[0.4, -0.6, 0.8],
        ),
        Mistake(
            "gradient-of-the-other",
            "ŷ − y as the gradient of MSE",
            "ŷ − y belongs to ½ Σ(ŷ − y)². The mean has no ½ and a 1/n, so its gradient is "
            "2/n (ŷ − y); a measured slope tells the two apart.",
            {"grad_mse": mlp_lib.grad_half_sse},
            equation="eq-grad-mse",
            gives=[0.2, -0.3, 0.4],
        ),
        Mistake(
            "grad-mse-sign",
            "the sign of the gradient of MSE",
            "The derivative of (ŷ − y)² is 2(ŷ − y), positive where ŷ is too high. The minus "
            "stands in the update, not in the gradient.",
            {"grad_mse": _grad_mse_sign},
            equation="eq-grad-mse",
        ),
        Mistake(
            "grad-mse-no-two",
            "the 2 of the power rule lost",
            "MSE has no ½ that could cancel the 2 of the square: ∂J/∂ŷ = 2/n (ŷ − y).",
            {"grad_mse": _grad_mse_no_two},
            equation="eq-grad-mse",
        ),
        Mistake(
            "grad-mse-no-m",
            "the mean over the examples missing in the gradient",
            "The loss is a mean over m examples and n outputs, so each entry of the gradient "
            "carries 2/(m n). With 2/n alone the step grows with the batch.",
            {"grad_mse": _grad_mse_no_m},
            equation="eq-grad-mse",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "grad-mse-rows",
            "the gradient divided by len(ŷ)",
            "For a batch len(ŷ) is m, and the mean over the n outputs is missing: the factor is "
            "2/(m n), one over the number of all entries.",
            {"grad_mse": _grad_mse_rows},
            equation="eq-grad-mse",
            shows_on=("random", "edge"),
        ),
    ),
    equivalent={
        "*: _number(*) -> *": "a numpy number is as good as a Python float",
        "*: (yhat - y) -> (y - yhat)": "the square has no sign",
        "_pair: True -> False": "there are two arrays and two names",
    },
)

# --------------------------------------------------------------------------------------
# bce (E3.2)

CERTAIN = "a perfect prediction may give 0 or, clipped at 1 − ε, about 1e-12"
YHAT4, Y4 = np.array([0.9, 0.2, 0.6, 0.5]), np.array([1.0, 0.0, 0.0, 1.0])
YHAT32 = np.array([[0.85, 0.3], [0.12, 0.66], [0.45, 0.93]])
Y32 = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])


def _bernoulli_pair(rng: np.random.Generator, *shape: int) -> tuple[Any, Any]:
    y = (rng.random(shape) < 0.5).astype(float)
    y.flat[0], y.flat[-1] = 1.0, 0.0
    return rng.uniform(0.05, 0.95, shape), y


def bce_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield one output, several outputs, and as many outputs as examples."""
    m, K = sizes(rng, 2, low=3, high=7)
    yield random(f"{m} examples", call("bce", *_bernoulli_pair(rng, m)))
    yield random(f"{m} examples as a column", call("bce", *_bernoulli_pair(rng, m, 1)))
    yield random(f"{m} examples, {K} outputs", call("bce", *_bernoulli_pair(rng, m, K)))
    yield random("as many outputs as examples", call("bce", *_bernoulli_pair(rng, K, K)))


def _log(x: Any, eps: float) -> Any:
    return np.log(np.maximum(x, eps))


def _entries(yhat: Any, y: Any, eps: float = EPS) -> Any:
    """The binary cross-entropy of every entry."""
    return -(y * _log(yhat, eps) + (1 - y) * _log(1 - yhat, eps))


def _only_yes(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return -(y * _log(yhat, eps)).mean()


def _only_no(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return -((1 - y) * _log(1 - yhat, eps)).mean()


def _bce_sum(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return _entries(yhat, y, eps).sum()


def _bce_sign(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return -_entries(yhat, y, eps).mean()


def _bce_log10(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return _entries(yhat, y, eps).mean() / np.log(10)


def _bce_swapped(yhat: Any, y: Any, eps: float = EPS) -> Any:
    q = np.clip(y, eps, 1 - eps)
    return -(yhat * np.log(q) + (1 - yhat) * np.log(1 - q)).mean()


def _bce_unclipped(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return -(y * np.log(yhat) + (1 - y) * np.log(1 - yhat)).mean()


def _bce_eps_added(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return -(y * np.log(yhat + eps) + (1 - y) * np.log(1 - yhat + eps)).mean()


def _bce_eps_fixed(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return _entries(yhat, y).mean()


def _bce_sum_of_outputs(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return _entries(yhat, y, eps).sum() / len(yhat)


def _bce_for_each(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return _entries(yhat, y, eps).mean(axis=0)


def _bce_one_minus_log(yhat: Any, y: Any, eps: float = EPS) -> Any:
    return -(y * _log(yhat, eps) + (1 - y) * (1 - _log(yhat, eps))).mean()


bce = Step(
    id="bce",
    title="Binary cross-entropy",
    lesson="03-losses",
    equation="eq-bce",
    points=2,
    functions=(
        Function("bce(yhat, y, eps=1e-12)", mlp_lib.bce, Number("J", atol=2 * EPS, why=CERTAIN)),
    ),
    cases=(
        worked("the lesson's four answers", call("bce", YHAT4, Y4), gives=0.4845),
        edge("certain and wrong", call("bce", np.zeros(1), np.ones(1)), gives=27.6310),
        edge(
            "certain that it is yes, and wrong",
            call("bce", np.array([1.0, 0.3]), np.zeros(2)),
            returns=Number("J", rtol=1e-5, why="1 − (1 − ε) is ε only to four digits"),
        ),
        edge(
            "certain and right",
            call("bce", np.array([0.0, 1.0]), np.array([0.0, 1.0])),
            gives=0,
        ),
        edge(
            "a floor of 0.001",
            call("bce", np.array([1e-5, 0.7, 0.2]), np.array([1.0, 1.0, 0.0]), eps=1e-3),
        ),
        edge(
            "a ceiling of 0.999",
            call("bce", np.array([[1 - 1e-5], [0.45]]), np.array([[0.0], [1.0]]), eps=1e-3),
        ),
        edge("one example", call("bce", np.array([0.35]), np.zeros(1))),
        edge("all targets 1", call("bce", YHAT4, np.ones(4))),
        edge("one row of outputs", call("bce", YHAT32[:1], Y32[:1])),
        edge("read-only", call("bce", View(YHAT4, "readonly"), View(Y4, "readonly"))),
        edge("stored differently", call("bce", View(YHAT32, "fortran"), View(Y32, "strided"))),
    ),
    generate=bce_cases,
    mistakes=(
        Mistake(
            "only-yes",
            "only the term y ln ŷ",
            "For y = 0 this loss is 0 whatever ŷ says, so a false alarm costs nothing and sends no "
            "error back. The second term, (1 − y) ln(1 − ŷ), is the penalty for it.",
            {"bce": _only_yes},
            gives=0.1996,
        ),
        Mistake(
            "only-no",
            "only the term (1 − y) ln(1 − ŷ)",
            "For y = 1 this loss is 0, and nothing pulls ŷ up. The term y ln ŷ is the one that "
            "does.",
            {"bce": _only_no},
        ),
        Mistake(
            "sum",
            "sum in place of mean",
            "The loss is the mean over all entries. A sum is m times as large, and so is every "
            "gradient behind it: the learning rate would depend on the amount of data.",
            {"bce": _bce_sum},
            gives=1.9379,
        ),
        Mistake(
            "sign",
            "the minus lost",
            "ln of a probability is negative, so the loss needs the minus. Without it the lowest "
            "value belongs to the worst model, and gradient descent walks there.",
            {"bce": _bce_sign},
            gives=-0.4845,
        ),
        Mistake(
            "log10",
            "the logarithm to base 10",
            "The natural logarithm is meant. Another base multiplies loss and gradient by a "
            "factor, and σ′ would no longer cancel to δ = ŷ − y.",
            {"bce": _bce_log10},
            gives=0.2104,
        ),
        Mistake(
            "swapped",
            "target and prediction exchanged",
            "The logarithm belongs to the prediction. The target only chooses which of the two "
            "logarithms counts.",
            {"bce": _bce_swapped},
            gives=9.6709,
        ),
        Mistake(
            "not-clipped",
            "ln 0 let through",
            "A saturated sigmoid is exactly 0 or 1 in floating point, and 0·ln 0 is nan: one such "
            "example would wipe out the whole loss. Replace what is below ε by ε.",
            {"bce": _bce_unclipped},
            shows_on=("edge",),
            on="certain and right",
            gives=np.nan,
        ),
        Mistake(
            "eps-added",
            "ε added to every probability",
            "ε is a floor for the logarithm: it replaces probabilities below it and leaves the "
            "others as they are. Added, it changes every term and its slope.",
            {"bce": _bce_eps_added},
            shows_on=("edge",),
        ),
        Mistake(
            "eps-ignored",
            "the argument eps ignored",
            "10⁻¹² is only the default. Whoever passes another ε wants the penalty of a certain "
            "and wrong answer, −ln ε, and its slope, to end there.",
            {"bce": _bce_eps_fixed},
            shows_on=("edge",),
        ),
        Mistake(
            "sum-over-outputs",
            "the outputs of an example added up",
            "Here the mean runs over all entries, m examples and K outputs. The sum over the "
            "outputs is K times as large, and so are the deltas.",
            {"bce": _bce_sum_of_outputs},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "loss-per-output",
            "one loss for each output",
            "A loss is one number, so that there is one gradient to walk against: take the mean "
            "over the outputs as well as over the examples.",
            {"bce": _bce_for_each},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "one-minus-log",
            "1 − ln ŷ in place of ln(1 − ŷ)",
            "1 − ŷ is the probability of no, and its logarithm is what a no costs. With 1 − ln ŷ "
            "the slope for y = 0 has the wrong sign and pulls ŷ down without end.",
            {"bce": _bce_one_minus_log},
        ),
    ),
    equivalent={
        "*: _number(*) -> *": "a numpy number is as good as a Python float",
        "*: p.real < eps -> p.real <= eps": "at p = ε both sides are ε",
        "_pair: True -> False": "there are two arrays and two names",
    },
)

# --------------------------------------------------------------------------------------
# cce (E3.3)

P = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.6, 0.2, 0.2]])
Y = np.eye(3)[[0, 1, 2, 0]]
EACH = Array(
    "losses",
    because="per_example=True asks for one loss for each example",
    atol=2 * EPS,
    why=CERTAIN,
)


def cce_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield one example, batches, and the losses of each example."""
    m, K = sizes(rng, 2, low=3, high=7)
    p, y = probabilities(rng, 1, K)[0], targets(rng, 1, K)[0]
    yield random(f"one example, {K} classes", call("cce", p, y))
    yield random(
        f"{m} examples, {K} classes", call("cce", probabilities(rng, m, K), targets(rng, m, K))
    )
    square = probabilities(rng, K, K), targets(rng, K, K)
    yield random("as many examples as classes", call("cce", *square))
    yield random(
        f"{m} examples, each by itself",
        call("cce", probabilities(rng, m, K), targets(rng, m, K), per_example=True),
        returns=EACH,
    )


def _rows(Yhat: Any, Y: Any, eps: float = EPS) -> Any:
    """The cross-entropy of every example."""
    return np.atleast_1d(-(Y * _log(Yhat, eps)).sum(axis=-1))


def _mean_or_each(losses: Any, per_example: bool) -> Any:
    return losses if per_example else losses.mean()


def _cce_all_entries(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    losses = -(Y * _log(Yhat, eps))
    return np.atleast_1d(losses.mean(axis=-1)) if per_example else losses.mean()


def _cce_sum(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    losses = _rows(Yhat, Y, eps)
    return losses if per_example else losses.sum()


def _cce_bernoulli(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _mean_or_each(np.atleast_1d(_entries(Yhat, Y, eps).sum(axis=-1)), per_example)


def _cce_log2(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _mean_or_each(_rows(Yhat, Y, eps) / np.log(2), per_example)


def _cce_swapped(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _mean_or_each(_rows(Y, Yhat, eps), per_example)


def _cce_accuracy(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    right = np.atleast_1d(np.argmax(Yhat, axis=-1) == np.argmax(Y, axis=-1)).astype(float)
    return _mean_or_each(right, per_example)


def _cce_sign(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _mean_or_each(-_rows(Yhat, Y, eps), per_example)


def _cce_unclipped(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _mean_or_each(np.atleast_1d(-(Y * np.log(Yhat)).sum(axis=-1)), per_example)


def _cce_eps_fixed(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _mean_or_each(_rows(Yhat, Y), per_example)


def _cce_vector_divided(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    losses = _rows(Yhat, Y, eps)
    return losses if per_example else losses.sum() / len(Yhat)


def _cce_never_each(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _rows(Yhat, Y, eps).mean()


def _cce_each_divided(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    losses = _rows(Yhat, Y, eps)
    return losses / len(losses) if per_example else losses.mean()


def _cce_largest(Yhat: Any, Y: Any, eps: float = EPS, per_example: bool = False) -> Any:
    return _mean_or_each(np.atleast_1d(-_log(np.max(Yhat, axis=-1), eps)), per_example)


cce = Step(
    id="cce",
    title="Categorical cross-entropy",
    lesson="03-losses",
    equation="eq-cce",
    points=2,
    functions=(
        Function(
            "cce(Yhat, Y, eps=1e-12, per_example=False)",
            mlp_lib.cce,
            Number("J", atol=2 * EPS, why=CERTAIN),
        ),
    ),
    cases=(
        worked("the lesson's four pictures", call("cce", P, Y), gives=0.3618),
        worked(
            "each picture by itself",
            call("cce", P, Y, per_example=True),
            returns=EACH,
            gives=[0.2231, 0.3567, 0.3567, 0.5108],
        ),
        worked(
            "the true class has 0.2",
            call("cce", np.array([0.1, 0.7, 0.2]), np.array([0.0, 0.0, 1.0])),
            gives=1.609438,
        ),
        edge("one example in a batch", call("cce", P[3:], Y[3:])),
        edge(
            "one example in a batch, by itself",
            call("cce", P[1:2], Y[1:2], per_example=True),
            returns=EACH,
        ),
        edge("one class", call("cce", np.ones((3, 1)), np.ones((3, 1)))),
        edge(
            "certain and right, in every row",
            call("cce", np.eye(4)[[2, 0]], np.eye(4)[[2, 0]]),
        ),
        edge(
            "certain and wrong",
            call("cce", np.array([[0.0, 1.0], [0.35, 0.65]]), np.array([[1.0, 0.0], [0.0, 1.0]])),
        ),
        edge(
            "a floor of 0.001",
            call(
                "cce",
                np.array([[1e-5, 1 - 1e-5], [0.3, 0.7]]),
                np.array([[1.0, 0.0], [0.0, 1.0]]),
                eps=1e-3,
            ),
        ),
        edge("the classes undecided", call("cce", np.full((2, 4), 0.25), np.eye(4)[1:3])),
        edge("a class that never occurs", call("cce", P[:3], Y[[0, 1, 0]])),
        edge("read-only", call("cce", View(P, "readonly"), View(Y, "readonly"))),
        edge("stored differently", call("cce", View(P, "fortran"), View(Y, "strided"))),
    ),
    generate=cce_cases,
    mistakes=(
        Mistake(
            "mean-over-entries",
            "the mean over all m·K entries",
            "Sum over the classes, mean over the examples. Of the K terms of an example one is "
            "left, and dividing by K as well makes every δ K times too small.",
            {"cce": _cce_all_entries},
            gives=0.1206,
        ),
        Mistake(
            "sum",
            "the examples added up, no mean",
            "The loss is a mean over the examples. The sum is m times as large, and so is the "
            "gradient: the 1/m that enters once at the output is missing.",
            {"cce": _cce_sum},
            gives=1.4473,
        ),
        Mistake(
            "binary-terms",
            "the terms (1 − y) ln(1 − ŷ) added",
            "That is the loss for K separate yes-or-no questions. Behind softmax the classes share "
            "one probability 1, and only without these terms is δ = ŷ − y.",
            {"cce": _cce_bernoulli},
            gives=0.6903,
        ),
        Mistake(
            "log2",
            "the logarithm to base 2",
            "The natural logarithm is meant. With base 2 the loss is in bits and its gradient "
            "1.44 times ŷ − y.",
            {"cce": _cce_log2},
            gives=0.522,
        ),
        Mistake(
            "swapped",
            "target and prediction exchanged",
            "The logarithm belongs to the prediction; the one-hot target chooses the class that "
            "counts. ln of a one-hot row is 0 or the logarithm of the floor ε.",
            {"cce": _cce_swapped},
            gives=8.2893,
        ),
        Mistake(
            "accuracy",
            "the accuracy in place of the loss",
            "The share of right answers does not move when a weight moves a little, so it has no "
            "gradient to walk against. −ln of the true class's probability always moves.",
            {"cce": _cce_accuracy},
            equation="eq-accuracy",
            gives=1,
        ),
        Mistake(
            "sign",
            "the minus lost",
            "ln of a probability is negative. Without the minus the lowest loss belongs to the "
            "worst model, and gradient descent walks there.",
            {"cce": _cce_sign},
            gives=-0.3618,
        ),
        Mistake(
            "not-clipped",
            "ln 0 let through",
            "Where a probability is exactly 0, 0·ln 0 is nan, even in a perfect prediction. "
            "Replace what is below ε by ε inside the logarithm.",
            {"cce": _cce_unclipped},
            shows_on=("edge",),
            on="certain and right, in every row",
            gives=np.nan,
        ),
        Mistake(
            "eps-ignored",
            "the argument eps ignored",
            "10⁻¹² is only the default. Whoever passes another ε wants the penalty of a certain "
            "and wrong answer to end at −ln ε.",
            {"cce": _cce_eps_fixed},
            shows_on=("edge",),
        ),
        Mistake(
            "vector-divided",
            "a single example divided by its number of classes",
            "A vector ŷ is one example, and len(ŷ) is K. Its loss is −ln of the true class's "
            "probability, and its δ is ŷ − y with no factor at all.",
            {"cce": _cce_vector_divided},
            on="the true class has 0.2",
            gives=0.5365,
        ),
        Mistake(
            "per-example-ignored",
            "the mean where each loss is asked for",
            "With per_example=True the m losses come back before the mean: they show which "
            "examples the error that is sent back comes from.",
            {"cce": _cce_never_each},
            on="each picture by itself",
            gives=0.3618,
        ),
        Mistake(
            "per-example-divided",
            "1/m in the losses of the examples",
            "The loss of one example knows nothing of the batch. The 1/m belongs to the mean and "
            "enters once.",
            {"cce": _cce_each_divided},
            on="each picture by itself",
            gives=[0.0558, 0.0892, 0.0892, 0.1277],
        ),
        Mistake(
            "largest-probability",
            "the largest probability in place of the true class's",
            "The loss asks for the class that is true, not the one the model prefers. Where the "
            "two differ, the error ŷ − y is what there is to learn.",
            {"cce": _cce_largest},
        ),
    ),
    equivalent={
        "*: _number(*) -> *": "a numpy number is as good as a Python float",
        "cce: np.atleast_1d(*) -> *": "the losses of each example are asked for in batches only",
        "*: p.real < eps -> p.real <= eps": "at p = ε both sides are ε",
        "_pair: True -> False": "there are two arrays and two names",
    },
)

# --------------------------------------------------------------------------------------
# likelihood (E3.4)

SMALL = "a likelihood is a small number, so only the relative difference counts"
MANY = 3000


def _tags(rng: np.random.Generator, m: int, K: int) -> tuple[Any, Any]:
    """Return answers to K questions, and targets of which the first row holds several ones."""
    P, Y = _bernoulli_pair(rng, m, K)
    Y[0, :2] = 1.0
    return P, Y


def likelihood_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield batches for every function; with several tags a row for bce_multi."""
    m, K = sizes(rng, 2, low=3, high=6)
    for name in ("likelihood", "nll", "bce_multi"):
        for a, b in ((m, K), (K, K)):
            pair = probabilities(rng, a, b), targets(rng, a, b)
            yield random(f"{name}: {a} examples, {b} classes", call(name, *pair))
    yield random(
        f"bce_multi: {m} examples, {K} tags, several at once",
        call("bce_multi", *_tags(rng, m, K)),
    )
    yield random(
        f"bce_multi: {K} examples, one tag", call("bce_multi", *_bernoulli_pair(rng, K, 1))
    )


def _constant_rows(p: float) -> tuple[Any, Any]:
    rows = np.tile([p, 1 - p], (MANY, 1))
    return rows, np.tile([1.0, 0.0], (MANY, 1))


def _true(P: Any, Y: Any) -> Any:
    """The probability of the true class of every example."""
    return (P * Y).sum(axis=1)


def _likelihood_summed(P: Any, Y: Any) -> Any:
    return _true(P, Y).sum()


def _likelihood_mean(P: Any, Y: Any) -> Any:
    return _true(P, Y).mean()


def _likelihood_of_all(P: Any, Y: Any) -> Any:
    return np.prod(P)


def _likelihood_of_tags(P: Any, Y: Any) -> Any:
    return np.prod(np.where(Y == 1, P, 1 - P))


def _log_likelihood(P: Any, Y: Any) -> Any:
    return np.log(_true(P, Y)).sum()


def _nll_of_sum(P: Any, Y: Any) -> Any:
    return -np.log(_true(P, Y).sum())


def _nll_of_all(P: Any, Y: Any) -> Any:
    return -np.log(P).sum()


def _nll_of_product(P: Any, Y: Any) -> Any:
    return -np.log(np.prod(_true(P, Y)))


def _nll_mean(P: Any, Y: Any) -> Any:
    return -np.log(_true(P, Y)).mean()


def _multi_is_nll(P: Any, Y: Any) -> Any:
    return -(Y * np.log(P)).sum()


def _multi_mean(P: Any, Y: Any) -> Any:
    return _entries(P, Y).sum() / len(P)


def _multi_mean_of_all(P: Any, Y: Any) -> Any:
    return _entries(P, Y).mean()


def _multi_one_tag(P: Any, Y: Any) -> Any:
    one = np.zeros_like(Y)
    one[np.arange(len(Y)), Y.argmax(axis=1)] = Y.max(axis=1)
    return _entries(P, one).sum()


def _multi_sign(P: Any, Y: Any) -> Any:
    return -_entries(P, Y).sum()


def _likelihood_edges(name: str) -> tuple[Case, ...]:
    return (
        edge(f"{name}: one example", call(name, P[1:2], Y[1:2])),
        edge(f"{name}: undecided", call(name, np.full((3, 2), 0.5), np.eye(2)[[1, 1, 0]])),
        edge(f"{name}: read-only", call(name, View(P, "readonly"), View(Y, "readonly"))),
        edge(f"{name}: stored differently", call(name, View(P, "fortran"), View(Y, "strided"))),
    )


likelihood = Step(
    id="likelihood",
    title="Likelihood and loss",
    lesson="03-losses",
    equation="eq-likelihood",
    points=3,
    functions=(
        Function(
            "likelihood(P, Y)", mlp_lib.likelihood, Number("likelihood", atol=1e-18, why=SMALL)
        ),
        Function("nll(P, Y)", mlp_lib.nll, Number("nll")),
        Function("bce_multi(P, Y)", mlp_lib.bce_multi, Number("bce_multi")),
    ),
    cases=(
        worked("likelihood of the four pictures", call("likelihood", P, Y), gives=0.2352),
        worked("−ln of it", call("nll", P, Y), gives=1.4473),
        worked("three yes-or-no questions", call("bce_multi", P, Y), gives=2.7613),
        worked(
            "beach and dog, no sunset",
            call("bce_multi", np.array([[0.7311, 0.9526, 0.018]]), np.array([[1.0, 1.0, 0.0]])),
            gives=0.3799,
        ),
        *(case for name in ("likelihood", "nll", "bce_multi") for case in _likelihood_edges(name)),
        edge("3000 probabilities of 0.7", call("nll", *_constant_rows(0.7)), gives=1070.0248),
        edge("3000 probabilities of 0.4", call("nll", *_constant_rows(0.4)), gives=2748.8722),
        edge("bce_multi: no tag at all", call("bce_multi", P, np.zeros((4, 3)))),
        edge("bce_multi: one tag", call("bce_multi", P[:, :1], Y[:, :1])),
    ),
    generate=likelihood_cases,
    mistakes=(
        Mistake(
            "summed",
            "probabilities added, not multiplied",
            "Independent events happen together with the product of their probabilities. The sum, "
            "here above 1, is no probability, and −ln of it is not the loss we descend.",
            {"likelihood": _likelihood_summed},
            gives=2.8,
        ),
        Mistake(
            "mean-probability",
            "the mean probability of the true classes",
            "The likelihood is the probability of all true classes together, their product. The "
            "mean hardly notices one answer near 0, while −ln of the product is ruined by it.",
            {"likelihood": _likelihood_mean},
            gives=0.7,
        ),
        Mistake(
            "all-probabilities",
            "the wrong classes in the product",
            "Only the class that happened counts: p⁰ = 1 takes the others out. With all of them in "
            "the product the target Y would play no part in the loss or its gradient.",
            {"likelihood": _likelihood_of_all},
            gives=3.763e-08,
        ),
        Mistake(
            "likelihood-of-tags",
            "1 − p of the wrong classes in the product",
            "That is the likelihood of K separate yes-or-no questions. With one of K classes the "
            "event has the probability p of the true class, and −ln of it is the CCE of softmax.",
            {"likelihood": _likelihood_of_tags},
            equation="eq-bce-multi",
            gives=0.0632,
        ),
        Mistake(
            "log-likelihood",
            "the logarithm of the likelihood",
            "The likelihood itself is asked for, a product of probabilities between 0 and 1. Its "
            "logarithm, with a minus, is the loss nll.",
            {"likelihood": _log_likelihood},
            gives=-1.4473,
        ),
        Mistake(
            "nll-of-sum",
            "−ln of the added probabilities",
            "ln turns the product into a sum of logarithms, Σ ln p. The logarithm of the sum is "
            "another number, and its slope in one p depends on all the other examples.",
            {"nll": _nll_of_sum},
            equation="eq-nll",
            gives=-1.0296,
        ),
        Mistake(
            "nll-of-all",
            "the logarithms of all classes added",
            "The one-hot row chooses one logarithm for each example. The others are multiplied by "
            "0, so their slope ∂J/∂p is 0 too.",
            {"nll": _nll_of_all},
            equation="eq-nll",
            gives=17.0954,
        ),
        Mistake(
            "product-underflows",
            "the logarithm after the product",
            "A product of thousands of probabilities is too small for a float: it sticks at "
            "5·10⁻³²⁴ or becomes 0, and the loss and its gradient are lost. Add the logarithms.",
            {"nll": _nll_of_product},
            equation="eq-nll",
            shows_on=("edge",),
            on="3000 probabilities of 0.7",
            gives=744.4401,
        ),
        Mistake(
            "nll-mean",
            "the mean in place of the sum",
            "−ln of a product is the sum of all −ln p. Divided by m it is the cross-entropy, the "
            "loss whose gradient does not grow with the data: nll = m · cce.",
            {"nll": _nll_mean},
            equation="eq-nll",
            gives=0.3618,
        ),
        Mistake(
            "nll-sign",
            "the minus of nll lost",
            "ln ℒ is what one maximises. The loss is minus that, so that walking downhill makes "
            "the data more probable.",
            {"nll": _log_likelihood},
            equation="eq-nll",
            gives=-1.4473,
        ),
        Mistake(
            "multi-is-cce",
            "the loss of one class out of K",
            "K separate questions need the terms (1 − y) ln(1 − p) too. Behind K sigmoids nothing "
            "else sends an error to a tag that is wrongly on.",
            {"bce_multi": _multi_is_nll},
            equation="eq-bce-multi",
            gives=1.4473,
        ),
        Mistake(
            "multi-mean",
            "the mean over the examples",
            "bce_multi is −ln of the probability of everything that happened: a sum over examples "
            "and tags. The 1/m of a mean loss would enter here and again at the output.",
            {"bce_multi": _multi_mean},
            equation="eq-bce-multi",
            gives=0.6903,
        ),
        Mistake(
            "multi-mean-of-all",
            "the mean over all entries",
            "The mean over all entries is bce. Here all m·K terms are added, so that the δ of each "
            "output is ŷ − y without a factor.",
            {"bce_multi": _multi_mean_of_all},
            equation="eq-bce-multi",
            gives=0.2301,
        ),
        Mistake(
            "one-tag-only",
            "one tag a row",
            "A row of targets may hold several ones, or none: each output answers its own "
            "question and gets its own δ. argmax keeps only the first.",
            {"bce_multi": _multi_one_tag},
            equation="eq-bce-multi",
            on="beach and dog, no sunset",
        ),
        Mistake(
            "multi-sign",
            "the minus of bce_multi lost",
            "Logarithms of probabilities are negative. Without the minus gradient descent walks "
            "towards the least probable answers.",
            {"bce_multi": _multi_sign},
            equation="eq-bce-multi",
            gives=-2.7613,
        ),
    ),
    equivalent={
        "*: _number(*) -> *": "a numpy number is as good as a Python float",
        "_categorical: (Y * log_P).sum(axis=-1) -> *": "nll adds up the examples afterwards",
        "_categorical: 1 -> *": "nll adds up the examples afterwards",
        "*: p.real < eps -> p.real <= eps": "probabilities lie strictly between 0 and 1",
        "_pair: True -> False": "there are two arrays and two names",
    },
)

STEPS = (squared_error, bce, cce, likelihood)
