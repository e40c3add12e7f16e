# ruff: noqa: ARG001 - a wrong implementation may well ignore an argument
"""Lesson 2: one-hot targets and softmax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.generators import generic, labels, sizes
from autograder.engine.step import (
    Answer,
    Array,
    Case,
    Function,
    Mistake,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import View

# --------------------------------------------------------------------------------------
# one-hot (E2.1)


def rows_sum_to_one(answer: Answer) -> str | None:
    """Check that every row of the answer sums to 1."""
    sums = np.asarray(answer.value, dtype=float).sum(axis=-1)
    wrong = np.flatnonzero(np.abs(np.atleast_1d(sums) - 1) > 1e-6)  # float32 rounds at 1e-7
    if wrong.size == 0:
        return None
    return f"Each row should sum to 1; row {wrong[0]} sums to {np.atleast_1d(sums)[wrong[0]]:.4g}."


def one_hot_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield labels of which the last class is missing, and labels that are out of range."""
    m, K = sizes(rng, 2, low=3, high=8)
    y = labels(rng, m, K - 1)
    yield random(f"{m} labels, {K} classes, the last one missing", call("one_hot", y, K))
    m = K = int(rng.integers(3, 6))
    yield random("as many labels as classes", call("one_hot", rng.permutation(K), K))


def _inferred(labels: Any, K: int) -> Any:
    return np.eye(int(np.max(labels)) + 1)[np.asarray(labels)]


def _one_based(labels: Any, K: int) -> Any:
    return np.eye(K)[np.asarray(labels) - 1]


def _transposed(labels: Any, K: int) -> Any:
    return mlp_lib.one_hot(labels, K).T


def _unchecked(labels: Any, K: int) -> Any:
    if np.max(labels) >= K:
        raise ValueError("label out of range")
    return np.eye(K)[np.asarray(labels)]


FOUR = np.array([2, 0, 1, 2])

one_hot = Step(
    id="one-hot",
    title="One-hot encoding",
    lesson="02-softmax",
    equation="eq-one-hot",
    points=1,
    functions=(
        Function(
            "one_hot(labels, K)",
            mlp_lib.one_hot,
            Array("Y", kind="strict float"),
            rules=(rows_sum_to_one,),
        ),
    ),
    cases=(
        worked(
            "class 3 never occurs",
            call("one_hot", FOUR, 4),
            gives=[[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
        ),
        edge("one example", call("one_hot", np.array([1]), 3)),
        edge("one class", call("one_hot", np.array([0, 0]), 1)),
        edge("labels as a list", call("one_hot", [1, 0, 2], 3)),
        edge("read-only labels", call("one_hot", View(FOUR, "readonly"), 5)),
        edge("a label equal to K", call("one_hot", np.array([0, 3]), 3), raises=("ValueError",)),
        edge("a negative label", call("one_hot", np.array([-1]), 4), raises=("ValueError",)),
    ),
    generate=one_hot_cases,
    mistakes=(
        Mistake(
            "k-inferred",
            "K taken from the largest label",
            "The number of classes belongs to the network's output layer, not to the labels you "
            "happen to see: with a class missing, Y no longer fits ŷ and there is no δ = ŷ − y.",
            {"one_hot": _inferred},
            gives=[[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
        ),
        Mistake(
            "one-based",
            "labels counted from 1",
            "Labels run from 0 to K − 1. With label − 1, class 0 becomes −1, and numpy takes "
            "that for the last column without a word, so the output error pushes the wrong unit.",
            {"one_hot": _one_based},
            gives=[[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]],
        ),
        Mistake(
            "transposed",
            "classes as rows",
            "An example is a row: Y is (m, K) like ŷ, so that ŷ − y compares each example with "
            "its own target.",
            {"one_hot": _transposed},
            gives=[[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]],
        ),
        Mistake(
            "range-not-checked",
            "negative labels not refused",
            "np.eye(K)[-1] is a valid row, so a label −1 silently becomes class K − 1 and the net "
            "is trained towards it. Raise a ValueError for labels below 0.",
            {"one_hot": _unchecked},
            shows_on=("edge",),
            gives=[[0, 0, 0, 1]],
            on="a negative label",
        ),
    ),
)

# --------------------------------------------------------------------------------------
# softmax (E2.2)


def order_kept(answer: Answer) -> str | None:
    """Check that larger scores have larger probabilities."""
    Z, P = np.asarray(answer.args["Z"]), np.asarray(answer.value)
    if np.array_equal(np.argmax(Z, axis=-1), np.argmax(P, axis=-1)):
        return None
    return "The largest score should have the largest probability."


def softmax_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield one vector, a batch, a square batch, and scores too large for e^z."""
    m, K = sizes(rng, 2, low=3, high=7)
    yield random(f"{K} scores", call("softmax", 2 * generic(rng, K)))
    yield random(f"{m} examples, {K} classes", call("softmax", 2 * generic(rng, m, K)))
    yield random("as many examples as classes", call("softmax", 2 * generic(rng, K, K)))
    far = np.linspace(-1500, 1500, m)[:, None] + 2 * generic(rng, m, K)
    yield edge("rows of very different height", call("softmax", far), quiet=True)


def _exp(Z: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.exp(Z)


def _no_shift(Z: Any) -> Any:
    E = np.exp(Z)
    return E / E.sum(axis=-1, keepdims=True)


def _axis_0(Z: Any) -> Any:
    E = np.exp(Z - np.max(Z, axis=0))
    return E / E.sum(axis=0)


def _whole_sum(Z: Any) -> Any:
    E = np.exp(Z - np.max(Z, axis=-1, keepdims=True))
    return E / E.sum()


def _global_shift(Z: Any) -> Any:
    E = np.exp(Z - np.max(Z))
    return E / E.sum(axis=-1, keepdims=True)


def _one_plus(Z: Any) -> Any:
    E = _exp(Z)
    return E / (1 + E).sum(axis=-1, keepdims=True)


def _sigmoid(Z: Any) -> Any:
    return mlp_lib.sigmoid(Z)


def _half_shift(Z: Any) -> Any:
    top = np.max(Z, axis=-1, keepdims=True)
    return _exp(Z - top) / _exp(Z).sum(axis=-1, keepdims=True)


def _minimum_shift(Z: Any) -> Any:
    E = np.exp(Z - np.min(Z, axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def _shares(Z: Any) -> Any:
    return Z / np.sum(Z, axis=-1, keepdims=True)


def _unnormalised(Z: Any) -> Any:
    return np.exp(Z - np.max(Z, axis=-1, keepdims=True))


def _minus(Z: Any) -> Any:
    return mlp_lib.softmax(-np.asarray(Z))


def _whole_sum_no_shift(Z: Any) -> Any:
    return np.exp(Z) / np.exp(Z).sum()


LESSON = np.array([1.0, 3.0, -4.0])
THREE = np.array([[1.0, 3.0, -4.0], [1000.0, 1001.0, 999.0], [0.0, 0.0, 0.0]])

softmax = Step(
    id="softmax",
    title="Stable softmax",
    lesson="02-softmax",
    equation="eq-softmax",
    points=2,
    functions=(
        Function(
            "softmax(Z)",
            mlp_lib.softmax,
            Array("P", like="Z", because="one probability for each score"),
            rules=(rows_sum_to_one, order_kept),
        ),
    ),
    cases=(
        worked("the lesson's scores", call("softmax", LESSON), gives=[0.1191, 0.8801, 0.0008]),
        edge(
            "three rows, one of them around 1000",
            call("softmax", THREE),
            gives=[[0.1191, 0.8801, 0.0008], [0.2447, 0.6652, 0.09], [0.3333, 0.3333, 0.3333]],
            quiet=True,
        ),
        edge("one example", call("softmax", np.array([[0.3, -0.7]]))),
        edge("one class", call("softmax", np.array([[0.3], [-2.5]]))),
        edge("ties", call("softmax", np.array([[0.4, 0.4, -1.5], [2.5, 2.5, 2.5]]))),
        edge("scores far below zero", call("softmax", LESSON - 2000), quiet=True),
        edge(
            "scores far apart in one row",
            call("softmax", np.array([[-900.0, 0.5, 2.25], [3.5, -1200.0, 2.75]])),
            quiet=True,
        ),
        edge("transposed in memory", call("softmax", View(THREE[::2] - 0.5, "fortran"))),
        edge("every second entry", call("softmax", View(THREE[::2] + 0.25, "strided"))),
        edge("read-only scores", call("softmax", View(0.5 * LESSON, "readonly"))),
    ),
    generate=softmax_cases,
    mistakes=(
        Mistake(
            "no-exp",
            "scores divided by their sum, without exp",
            "A score may be negative and the sum of the scores zero, so these shares are no "
            "probabilities. e^z makes every score positive first.",
            {"softmax": _shares},
        ),
        Mistake(
            "not-normalised",
            "exponentials not divided by their sum",
            "e^z is positive, but only divided by Σ e^z over the classes do the numbers of an "
            "example add up to 1.",
            {"softmax": _unnormalised},
        ),
        Mistake(
            "minus",
            "e^(−z)",
            "The class with the largest score should have the largest probability. With e^(−z) it "
            "has the smallest, and δ = ŷ − y pushes every score the wrong way.",
            {"softmax": _minus},
        ),
        Mistake(
            "no-shift-whole-sum",
            "one sum for the whole batch, and no shift",
            "Two slips: every example is a row with its own probability 1, so sum over the last "
            "axis. And subtract the largest score of each row before exp, or e^z overflows.",
            {"softmax": _whole_sum_no_shift},
        ),
        Mistake(
            "no-shift",
            "no shift by the maximum",
            "e^z overflows from z = 710 on, and ∞/∞ is nan, which the backward pass then spreads "
            "to every weight. Subtract the largest score of each row first: it cancels.",
            {"softmax": _no_shift},
            equation="eq-softmax-shift",
            shows_on=("edge",),
            on="three rows, one of them around 1000",
            gives=[[0.1191, 0.8801, 0.0008], [np.nan] * 3, [0.3333, 0.3333, 0.3333]],
        ),
        Mistake(
            "axis-0",
            "sums over the examples",
            "Each example is a row and shares out its own probability 1 among the classes: sum "
            "over the last axis. Down the columns, one example's δ would depend on the others.",
            {"softmax": _axis_0},
            on="three rows, one of them around 1000",
            gives=[[0, 0, 0], [1, 1, 1], [0, 0, 0]],
        ),
        Mistake(
            "sum-of-everything",
            "one sum for the whole batch",
            "Every row needs its own sum. With the sum over the whole array the rows no longer "
            "sum to 1, and δ = ŷ − y no longer sums to 0.",
            {"softmax": _whole_sum},
        ),
        Mistake(
            "global-shift",
            "one maximum for the whole batch",
            "Shift each row by its own maximum. Rows far below the largest score of the batch "
            "underflow to 0/0 = nan.",
            {"softmax": _global_shift},
            equation="eq-softmax-shift",
            shows_on=("edge",),
            on="three rows, one of them around 1000",
            gives=[[np.nan] * 3, [0.2447, 0.6652, 0.09], [np.nan] * 3],
        ),
        Mistake(
            "one-plus",
            "1 + e^z in the sum",
            "The 1 belongs to the logistic function of one score. With it in every term the "
            "probabilities sum to less than 1, and ∂J/∂z = ŷ − y no longer holds.",
            {"softmax": _one_plus},
            gives=[0.1053, 0.7778, 0.0007],
        ),
        Mistake(
            "sigmoid-per-class",
            "a sigmoid for each class",
            "K sigmoids answer K separate yes-or-no questions and their sum is free. Softmax "
            "couples the classes: raising one score lowers all other probabilities.",
            {"softmax": _sigmoid},
            equation="eq-sigmoid",
            gives=[0.7311, 0.9526, 0.018],
        ),
        Mistake(
            "numerator-shifted",
            "the shift in the numerator only",
            "The shift e^{−max} cancels only when it stands above and below the fraction line. "
            "Compute the shifted exponentials once and use them in both places.",
            {"softmax": _half_shift},
            equation="eq-softmax-shift",
            gives=[0.0059, 0.0438, 0.00004],
        ),
        Mistake(
            "shift-by-minimum",
            "the smallest score subtracted",
            "Shift by the largest score: then every exponent is at most 0 and nothing overflows. "
            "With the smallest, the large scores stay large.",
            {"softmax": _minimum_shift},
            equation="eq-softmax-shift",
            shows_on=("edge",),
        ),
    ),
    equivalent={
        "softmax: _scores(Z) -> Z": "_scores checks the shape and turns lists into arrays",
    },
)

STEPS = (one_hot, softmax)
