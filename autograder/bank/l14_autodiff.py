# ruff: noqa: ARG001 - a wrong implementation may well ignore an argument
"""Lesson 14: Jacobians that are not built, and reverse mode on any graph."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.generators import generic, probabilities, sizes
from autograder.engine.step import (
    Answer,
    Anything,
    Array,
    Case,
    Function,
    Gradient,
    Integer,
    Mistake,
    Number,
    Several,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import View

# Why some mutants of the references compute the same.
CHECK = "only refuses what no case passes"
MORE = "the step asks for + and * only, not for −, / and **"
DRAWING = "the step does not ask for drawings"
LAST_AXIS = "one vector has one axis, which is the first and the last"

# --------------------------------------------------------------------------------------
# the Jacobian of softmax (E14.1)

Z = np.array([1.0, 3.0, -4.0])
P = np.asarray(mlp_lib.softmax(Z))
TARGET = np.array([0.0, 1.0, 0.0])

LEAN = """
import tracemalloc

def drive(fns, p, v):
    start = tracemalloc.get_traced_memory()[0]
    few = p[:2000] / p[:2000].sum()
    answer = fns.softmax_vjp(few, v[:2000])
    if tracemalloc.get_traced_memory()[1] - start > 1_000_000:
        return answer  # it builds the matrix, which has 3.2 GB for 20,000 classes
    return fns.softmax_vjp(p, v)
"""
"""20,000 classes, but only after 2,000 have shown that the matrix is not built."""


def jacobian_of_softmax(answer: Answer) -> str | None:
    """Check what must hold for every softmax: J is symmetric, and each row sums to 0."""
    J = np.asarray(answer.value, dtype=float)
    rounding = 1e-6 * float(np.abs(J).max())
    if np.abs(J - J.T).max() > rounding:
        return "J should be symmetric: ∂pᵢ/∂zⱼ = ∂pⱼ/∂zᵢ."
    sums = J.sum(axis=1)
    i = int(np.argmax(np.abs(sums)))
    if abs(sums[i]) > rounding + 1e-12:
        return (
            f"Row {i} of J sums to {sums[i]:.4g}. It should be 0: adding the same number to all "
            "scores changes no probability."
        )
    return None


def softmax_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield Jacobians and products for several numbers of classes."""
    for K in sizes(rng, 2, low=3, high=8):
        yield random(f"J for {K} classes", call("softmax_jacobian", 1.5 * generic(rng, K)))
        p = probabilities(rng, 1, K)[0]
        yield random(f"VJP for {K} classes", call("softmax_vjp", p, generic(rng, K)))


def _diagonal(z: Any) -> Any:
    p = mlp_lib.softmax(z)
    return np.diag(p * (1 - p))


def _plus_off_diagonal(z: Any) -> Any:
    p = mlp_lib.softmax(z)
    return np.diag(p * (1 - p)) + np.outer(p, p) - np.diag(p * p)


def _outer_only(z: Any) -> Any:
    p = mlp_lib.softmax(z)
    return -np.outer(p, p)


def _plus_outer(z: Any) -> Any:
    p = mlp_lib.softmax(z)
    return np.diag(p) + np.outer(p, p)


def _scores_for_p(z: Any) -> Any:
    return np.diag(z) - np.outer(z, z)


def _no_shift(z: Any) -> Any:
    E = np.exp(z)
    p = E / E.sum()
    return np.diag(p) - np.outer(p, p)


def _diagonal_vector(z: Any) -> Any:
    p = mlp_lib.softmax(z)
    return p * (1 - p)


def _vjp_no_coupling(p: Any, v: Any) -> Any:
    return p * v


def _vjp_diagonal(p: Any, v: Any) -> Any:
    return p * (1 - p) * v


def _vjp_builds(p: Any, v: Any) -> Any:
    return v @ (np.diag(p) - np.outer(p, p))


def _vjp_mean(p: Any, v: Any) -> Any:
    return p * (v - np.mean(v))


def _vjp_sum(p: Any, v: Any) -> Any:
    return p * (v - np.sum(v))


def _vjp_sign(p: Any, v: Any) -> Any:
    return p * (np.dot(v, p) - v)


def _vjp_plus(p: Any, v: Any) -> Any:
    return p * (v + np.dot(v, p))


def _vjp_no_p(p: Any, v: Any) -> Any:
    return v - np.dot(v, p)


def _vjp_of_scores(p: Any, v: Any) -> Any:
    p = mlp_lib.softmax(p)
    return p * (v - np.dot(v, p))


MANY = np.linspace(-3.0, 3.0, 20_000)

softmax_jacobian = Step(
    id="softmax-jacobian",
    title="Softmax Jacobian and its VJP",
    lesson="14-autodiff",
    equation="eq-softmax-jacobian",
    points=2,
    functions=(
        Function(
            "softmax_jacobian(z)",
            mlp_lib.softmax_jacobian,
            Array("J", because="a row for each probability, a column for each score"),
            rules=(jacobian_of_softmax,),
        ),
        Function(
            "softmax_vjp(p, v)",
            mlp_lib.softmax_vjp,
            Array("∂J/∂z", like="p", because="one number for each score"),
        ),
    ),
    cases=(
        worked(
            "the lesson's scores",
            call("softmax_jacobian", Z),
            gives=[
                [0.1049, -0.1048, -9.559e-05],
                [-0.1048, 0.1055, -0.0007],
                [-9.559e-05, -0.0007, 0.0008],
            ],
        ),
        worked(
            "what cross-entropy sends back, v = −y/p",
            call("softmax_vjp", P, -TARGET / P),
            gives=[0.1191, -0.1199, 0.0008],
        ),
        edge("one class", call("softmax_jacobian", np.array([0.7]))),
        edge("two classes", call("softmax_jacobian", np.array([0.3, -1.2]))),
        edge("ties", call("softmax_jacobian", np.array([0.4, 0.4, -1.5, 0.4]))),
        edge("scores around 1000", call("softmax_jacobian", 1000 + Z), quiet=True),
        edge(
            "scores far apart",
            call("softmax_jacobian", np.array([-900.0, 0.5, 2.25])),
            quiet=True,
        ),
        edge("one score far above", call("softmax_jacobian", np.array([0.3, 60.0, -2.0]))),
        edge("read-only scores", call("softmax_jacobian", View(0.5 * Z, "readonly"))),
        edge("every second score", call("softmax_jacobian", View(0.5 * Z, "strided"))),
        edge("VJP, one class", call("softmax_vjp", np.array([1.0]), np.array([-0.7]))),
        edge("VJP, all entries of v equal", call("softmax_vjp", P, np.full(3, 1.7))),
        edge("VJP, v = 0", call("softmax_vjp", P, np.zeros(3))),
        edge("VJP, large v", call("softmax_vjp", P, 1e8 * Z)),
        edge(
            "VJP, a softmax that is sure",
            call("softmax_vjp", np.array([0.0, 1.0, 0.0]), np.array([0.3, -1.2, 0.8])),
        ),
        edge(
            "VJP, read-only vectors",
            call("softmax_vjp", View(P, "readonly"), View(Z, "readonly")),
        ),
        edge(
            "VJP, every second entry", call("softmax_vjp", View(P, "strided"), View(Z, "reversed"))
        ),
        edge(
            "VJP without the matrix, 20,000 classes",
            call("softmax_vjp", np.asarray(mlp_lib.softmax(MANY)), np.cos(MANY)),
            driver=LEAN,
            returns=Array("∂J/∂z", like="p"),
            compare=False,
            memory=1_500_000,
            repeat=False,
        ),
    ),
    generate=softmax_cases,
    mistakes=(
        Mistake(
            "diagonal-only",
            "only the diagonal p(1 − p)",
            "Every score moves every probability, since they share a total of 1. The entries off "
            "the diagonal, −pᵢpⱼ, say how one class takes from another.",
            {"softmax_jacobian": _diagonal},
            gives=[[0.1049, 0, 0], [0, 0.1055, 0], [0, 0, 0.0008]],
        ),
        Mistake(
            "off-diagonal-sign",
            "+ pᵢpⱼ off the diagonal",
            "Raising one score lowers every other probability, so these slopes are negative. Only "
            "then do the rows sum to 0.",
            {"softmax_jacobian": _plus_off_diagonal},
            gives=[
                [0.1049, 0.1048, 9.559e-05],
                [0.1048, 0.1055, 0.0007],
                [9.559e-05, 0.0007, 0.0008],
            ],
        ),
        Mistake(
            "outer-only",
            "the outer product alone",
            "− p pᵀ is how each probability suffers from the total. A score also raises its own "
            "probability: diag(p) is missing.",
            {"softmax_jacobian": _outer_only},
            gives=[
                [-0.0142, -0.1048, -9.559e-05],
                [-0.1048, -0.7746, -0.0007],
                [-9.559e-05, -0.0007, -6.441e-07],
            ],
        ),
        Mistake(
            "outer-added",
            "the outer product added",
            "∂pᵢ/∂zⱼ = pᵢ([i=j] − pⱼ): the outer product is subtracted, on the diagonal too.",
            {"softmax_jacobian": _plus_outer},
        ),
        Mistake(
            "scores-for-p",
            "the scores in place of the probabilities",
            "The formula is written in p. This function is given z: take softmax first.",
            {"softmax_jacobian": _scores_for_p},
        ),
        Mistake(
            "diagonal-as-vector",
            "a vector of slopes",
            "Where each output depends on its own input, a vector of slopes is enough. Softmax "
            "has K outputs that depend on K inputs each: K × K slopes.",
            {"softmax_jacobian": _diagonal_vector},
            equation="eq-jacobian",
        ),
        Mistake(
            "no-shift",
            "no shift by the maximum",
            "e^z overflows from z = 710 on and p becomes nan, and with it every gradient behind. "
            "Subtract the largest score first.",
            {"softmax_jacobian": _no_shift},
            equation="eq-softmax-shift",
            shows_on=("edge",),
        ),
        Mistake(
            "vjp-no-coupling",
            "p v without the term − p (v·p)",
            "v·p is what the classes have in common: raising one score costs all of them. Without "
            "that term the other classes get no error at all.",
            {"softmax_vjp": _vjp_no_coupling},
            equation="eq-softmax-vjp",
            gives=[0, -1, 0],
        ),
        Mistake(
            "vjp-diagonal",
            "the diagonal rule p(1 − p) v",
            "That is the slope of a sigmoid. A change of zⱼ also moves all other pᵢ, and each "
            "sends its share of v back: p ⊙ (v − v·p).",
            {"softmax_vjp": _vjp_diagonal},
            equation="eq-softmax-vjp",
            gives=[0, -0.1199, 0],
        ),
        Mistake(
            "vjp-builds-matrix",
            "the Jacobian built for the product",
            "The numbers are right. But backpropagation needs v J only, and p ⊙ (v − v·p) gives it "
            "with 2K products; the matrix of 20,000 classes would fill 3.2 GB.",
            {"softmax_vjp": _vjp_builds},
            equation="eq-softmax-vjp",
            shows_on=("edge",),
        ),
        Mistake(
            "vjp-mean",
            "the plain mean of v subtracted",
            "What is subtracted is the mean of v weighted by the probabilities, v·p = Σ pᵢvᵢ.",
            {"softmax_vjp": _vjp_mean},
            equation="eq-softmax-vjp",
        ),
        Mistake(
            "vjp-sum",
            "the sum of v subtracted",
            "v·p is an inner product: each vᵢ counts with its probability before they are added.",
            {"softmax_vjp": _vjp_sum},
            equation="eq-softmax-vjp",
        ),
        Mistake(
            "vjp-sign",
            "the sign turned",
            "v J = p ⊙ (v − v·p). With cross-entropy, v = −y/p, this must give p − y, not y − p.",
            {"softmax_vjp": _vjp_sign},
            equation="eq-softmax-vjp",
        ),
        Mistake(
            "vjp-plus",
            "v·p added",
            "v·p enters through − p pᵀ, so it is subtracted. If all entries of v are equal, "
            "nothing may be left.",
            {"softmax_vjp": _vjp_plus},
            equation="eq-softmax-vjp",
        ),
        Mistake(
            "vjp-without-p",
            "the factor p left out",
            "Each score reaches the loss through its own probability: a class with p near 0 is "
            "hardly moved by its score, and gets hardly any error back.",
            {"softmax_vjp": _vjp_no_p},
            equation="eq-softmax-vjp",
        ),
        Mistake(
            "softmax-twice",
            "softmax taken of p",
            "softmax_vjp is given the probabilities of the forward pass. Use them as they are.",
            {"softmax_vjp": _vjp_of_scores},
            equation="eq-softmax-vjp",
        ),
    ),
    equivalent={
        "softmax: _scores(Z) -> Z": CHECK,
        "softmax*: *.*(axis=-1, keepdims=True) -> *": LAST_AXIS,
        "softmax*: 1 -> 0*": LAST_AXIS,
        "softmax*: True -> False*": "a sum over one vector is one number, kept as an axis or not",
    },
)

# --------------------------------------------------------------------------------------
# the linear layer (E14.2)

X = np.array([[1.0, 2.0], [3.0, 4.0]])
W = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]])
DY = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def linear_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield layers with N, D, M pairwise different, and all equal."""
    for N, D, M in (sizes(rng, 3), [int(rng.integers(2, 5))] * 3):
        rows, weights = generic(rng, N, D), generic(rng, D, M)
        title = f"X {N} × {D}, W {D} × {M}"
        yield random(title, call("linear_vjp", rows, weights, generic(rng, N, M)))
        yield random(f"J for {title}", call("full_jacobian_W", rows, weights))
    N, D, M = sizes(rng, 3, low=2, high=300)
    yield random(f"N, D, M = {N}, {D}, {M}", call("jacobian_entries", N, D, M))


def _dW_transposed(X: Any, W: Any, dY: Any) -> Any:
    return dY @ W.T, dY.T @ X


def _dX_transposed(X: Any, W: Any, dY: Any) -> Any:
    return W @ dY.T, X.T @ dY


def _dX_untransposed(X: Any, W: Any, dY: Any) -> Any:
    return dY @ W, X.T @ dY


def _dW_untransposed(X: Any, W: Any, dY: Any) -> Any:
    return dY @ W.T, X @ dY


def _first_row(X: Any, W: Any, dY: Any) -> Any:
    return dY @ W.T, np.outer(X[0], dY[0])


def _exchanged(X: Any, W: Any, dY: Any) -> Any:
    return X.T @ dY, dY @ W.T


def _averaged(X: Any, W: Any, dY: Any) -> Any:
    return dY @ W.T, X.T @ dY / len(X)


def _dX_not_weighted(X: Any, W: Any, dY: Any) -> Any:
    return np.repeat(dY.sum(axis=1, keepdims=True), X.shape[1], axis=1), X.T @ dY


def _through_jacobian(X: Any, W: Any, dY: Any) -> Any:
    J = mlp_lib.full_jacobian_W(X, W)
    return dY @ W.T, np.tensordot(dY, J, axes=2)


def _denominator(X: Any, W: Any) -> Any:
    return mlp_lib.full_jacobian_W(X, W).transpose(2, 3, 0, 1)


def _from_to_swapped(X: Any, W: Any) -> Any:
    return mlp_lib.full_jacobian_W(X, W).transpose(0, 1, 3, 2)


def _without_zeros(X: Any, W: Any) -> Any:
    return np.einsum("nd,mk->nmdk", X, np.ones((W.shape[1], W.shape[1])))


def _one_example(X: Any, W: Any) -> Any:
    return mlp_lib.full_jacobian_W(X, W)[0]


def _as_matrix(X: Any, W: Any) -> Any:
    J = mlp_lib.full_jacobian_W(X, W)
    return J.reshape(J.shape[0] * J.shape[1], -1)


def _weights_for_inputs(X: Any, W: Any) -> Any:
    N, D, M = X.shape[0], X.shape[1], W.shape[1]
    return np.einsum("n,mk,dm->nmdk", np.ones(N), np.eye(M), W).reshape(N, M, D, M)


def _batch_forgotten(N: Any, D: Any, M: Any) -> Any:
    return M * D * M, N * M * N * D, D * M, N * D


def _gradients_first(N: Any, D: Any, M: Any) -> Any:
    return D * M, N * D, N * M * D * M, N * M * N * D


def _x_before_w(N: Any, D: Any, M: Any) -> Any:
    return N * M * N * D, N * M * D * M, N * D, D * M


def _nonzero_only(N: Any, D: Any, M: Any) -> Any:
    return N * D * M, N * D * M, D * M, N * D


def _added(N: Any, D: Any, M: Any) -> Any:
    return N * M + D * M, N * M + N * D, D * M, N * D


ROWS, WEIGHTS = np.sin(np.arange(240.0)).reshape(8, 30), np.cos(np.arange(1500.0)).reshape(30, 50)
ERRORS = np.sin(1 + np.arange(400.0)).reshape(8, 50)

linear_vjp = Step(
    id="linear-vjp",
    title="Full Jacobian against VJP",
    lesson="14-autodiff",
    equation="eq-linear-vjp",
    points=2,
    functions=(
        Function(
            "linear_vjp(X, W, dY)",
            mlp_lib.linear_vjp,
            Several(Gradient("dX", of="X"), Gradient("dW", of="W")),
        ),
        Function(
            "full_jacobian_W(X, W)",
            mlp_lib.full_jacobian_W,
            Array("J", because="J[n, m, d, k] = ∂Y[n, m]/∂W[d, k], the output's indices first"),
        ),
        Function(
            "jacobian_entries(N, D, M)",
            mlp_lib.jacobian_entries,
            Several(
                *(Integer(f"the number of entries of {name}") for name in ("∂Y/∂W", "∂Y/∂X")),
                *(Integer(f"the number of entries of {name}") for name in ("dW", "dX")),
            ),
        ),
    ),
    cases=(
        worked(
            "the layer of the lesson",
            call("linear_vjp", X, W, DY),
            gives=([[-2, 4], [-2, 13]], [[13, 17, 21], [18, 24, 30]]),
        ),
        worked("its whole Jacobian", call("full_jacobian_W", X, W)),
        worked("its entries", call("jacobian_entries", 2, 2, 3), gives=[36, 24, 6, 4]),
        edge("one example", call("linear_vjp", X[:1], W, DY[:1])),
        edge("one input", call("linear_vjp", X[:, :1], W[:1], DY)),
        edge("one output", call("linear_vjp", X, W[:, :1], DY[:, :1])),
        edge("no error", call("linear_vjp", X, W, np.zeros((2, 3)))),
        edge("large numbers", call("linear_vjp", 1e9 * X, 1e9 * W, 1e9 * DY)),
        edge(
            "read-only arrays",
            call("linear_vjp", View(X, "readonly"), View(W, "readonly"), View(DY, "readonly")),
        ),
        edge(
            "transposed in memory",
            call("linear_vjp", View(X, "fortran"), View(W, "fortran"), View(DY, "fortran")),
        ),
        edge(
            "every second entry",
            call("linear_vjp", View(X, "strided"), View(W, "reversed"), View(DY, "strided")),
        ),
        edge(
            "30 inputs, 50 outputs, without the Jacobian",
            call("linear_vjp", ROWS, WEIGHTS, ERRORS),
            memory=500_000,
            repeat=False,
        ),
        edge("J for one example", call("full_jacobian_W", X[:1], W)),
        edge("J for one input and one output", call("full_jacobian_W", X[:, 1:], W[1:, :1])),
        edge("J where W = 0", call("full_jacobian_W", X - 0.3, 0 * W)),
        edge(
            "J, read-only arrays",
            call("full_jacobian_W", View(X, "readonly"), View(W, "readonly")),
        ),
        edge("one of everything", call("jacobian_entries", 1, 1, 1)),
        edge("a layer of 4096 units", call("jacobian_entries", 64, 4096, 4096)),
    ),
    generate=linear_cases,
    mistakes=(
        Mistake(
            "dw-transposed",
            "dW transposed",
            "A gradient has the shape of its variable: W is D × M, so dW = Xᵀ dY. dYᵀ X is the "
            "same table in the other layout.",
            {"linear_vjp": _dW_transposed},
            gives=[[13, 18], [17, 24], [21, 30]],
            of="dW",
        ),
        Mistake(
            "layouts-mixed",
            "numerator and denominator layout mixed",
            "In row form the output's gradient multiplies from the left, and dW keeps the layout "
            "of W. Arranged with the output's index first it is its transpose.",
            {"linear_vjp": _dW_transposed},
            equation="eq-jacobian",
            same_as="dw-transposed",
            gives=[[13, 18], [17, 24], [21, 30]],
            of="dW",
        ),
        Mistake(
            "dx-transposed",
            "dX transposed",
            "W dYᵀ has a column for each example. Row = example: dX = dY Wᵀ, in the shape of X.",
            {"linear_vjp": _dX_transposed},
            gives=[[-2, -2], [4, 13]],
            of="dX",
        ),
        Mistake(
            "dx-untransposed",
            "dY W in place of dY Wᵀ",
            "Forward, W leads from D inputs to M outputs; the error travels from M back to D, "
            "through Wᵀ. On a square layer the other product runs and is wrong.",
            {"linear_vjp": _dX_untransposed},
            equation="eq-error-backward",
        ),
        Mistake(
            "dw-untransposed",
            "X dY in place of Xᵀ dY",
            "Each weight W[d, k] collects Xₙd dYₙk over all examples n, so n is the index that is "
            "summed: Xᵀ dY.",
            {"linear_vjp": _dW_untransposed},
            equation="eq-weight-backward",
        ),
        Mistake(
            "first-example-only",
            "dW from the first example only",
            "Every example uses the same W, so its gradient is the sum over all of them: Xᵀ dY "
            "adds up the outer products of the rows.",
            {"linear_vjp": _first_row},
            equation="eq-weight-backward",
            gives=[[1, 2, 3], [2, 4, 6]],
            of="dW",
        ),
        Mistake(
            "results-exchanged",
            "dW and dX exchanged",
            "The order is (dX, dW): first what is sent back to the layer before, then what stays "
            "with the weights.",
            {"linear_vjp": _exchanged},
        ),
        Mistake(
            "divided-by-n",
            "dW divided by N",
            "The 1/m of a mean loss is in dY already, once, from the output. A layer on the way "
            "adds up its examples.",
            {"linear_vjp": _averaged},
            equation="eq-weight-backward",
        ),
        Mistake(
            "dx-not-weighted",
            "errors added without the weights",
            "An input reaches output m through W[d, m], and its error comes back with that weight: "
            "dX = dY Wᵀ.",
            {"linear_vjp": _dX_not_weighted},
            equation="eq-error-backward",
        ),
        Mistake(
            "through-the-jacobian",
            "the whole Jacobian built",
            "The numbers are right, but nearly all entries of ∂Y/∂W are 0 and none is needed. Two "
            "matrix products give dX and dW in the memory of the answers.",
            {"linear_vjp": _through_jacobian},
            equation="eq-jacobian-size",
            shows_on=("edge",),
        ),
        Mistake(
            "denominator-layout",
            "the indices of W first",
            "J[n, m, d, k] = ∂Y[n, m]/∂W[d, k]: here the output's indices come first, the "
            "numerator layout, so that Σ dY[n, m] J[n, m, :, :] is dW.",
            {"full_jacobian_W": _denominator},
            equation="eq-jacobian-w",
        ),
        Mistake(
            "weight-indices-swapped",
            "the indices of W exchanged",
            "W is stored [from, to], D × M, and its indices in J stand in this order: d, then k.",
            {"full_jacobian_W": _from_to_swapped},
            equation="eq-jacobian-w",
        ),
        Mistake(
            "zeros-forgotten",
            "no zeros where m ≠ k",
            "Output m uses column m of W and no other: ∂Y[n, m]/∂W[d, k] is X[n, d] for k = m and "
            "0 elsewhere.",
            {"full_jacobian_W": _without_zeros},
            equation="eq-jacobian-w",
        ),
        Mistake(
            "jacobian-of-one-example",
            "the Jacobian of one example",
            "Y has N rows and each depends on W. J needs their index n as well: N × M × D × M.",
            {"full_jacobian_W": _one_example},
            equation="eq-jacobian-w",
        ),
        Mistake(
            "jacobian-as-matrix",
            "J flattened into a matrix",
            "Output and parameter are tables with two indices each, so J has four: (N, M, D, M). "
            "Flattened it loses which index is which.",
            {"full_jacobian_W": _as_matrix},
            equation="eq-jacobian-w",
        ),
        Mistake(
            "weights-for-inputs",
            "W in place of X in the Jacobian",
            "Y = X W is linear in W with the factor X: ∂Y[n, m]/∂W[d, m] = X[n, d]. W itself is "
            "the slope with respect to X.",
            {"full_jacobian_W": _weights_for_inputs},
            equation="eq-jacobian-w",
        ),
        Mistake(
            "batch-forgotten",
            "entries for one example only",
            "∂Y/∂W has an entry for every pair of an entry of Y, N·M, and an entry of W, D·M. "
            "Without N it is the count for a single row of Y.",
            {"jacobian_entries": _batch_forgotten},
            equation="eq-jacobian-size",
            gives=[18, 24, 6, 4],
        ),
        Mistake(
            "gradients-first",
            "the gradients counted first",
            "The order is ∂Y/∂W, ∂Y/∂X, dW, dX: first what nobody builds, then what one wants.",
            {"jacobian_entries": _gradients_first},
            equation="eq-jacobian-size",
        ),
        Mistake(
            "x-before-w",
            "X counted before W",
            "The order is ∂Y/∂W, ∂Y/∂X, dW, dX.",
            {"jacobian_entries": _x_before_w},
            equation="eq-jacobian-size",
        ),
        Mistake(
            "nonzero-entries",
            "only entries that are not 0",
            "Asked for is the size of the whole table, zeros included, since that is what one "
            "would have to store. That so few are not 0 is why nobody does.",
            {"jacobian_entries": _nonzero_only},
            equation="eq-jacobian-size",
        ),
        Mistake(
            "sizes-added",
            "sizes added in place of multiplied",
            "Every entry of Y has a derivative by every entry of W: the numbers multiply.",
            {"jacobian_entries": _added},
            equation="eq-jacobian-size",
        ),
    ),
    equivalent={"jacobian_entries: 1 -> 0": "the least size that is not refused"},
)

# --------------------------------------------------------------------------------------
# reverse mode (E14.3)

GRAPH = """
def drive(fns, lines, inputs, times=1):
    inputs = {name: fns.Value(number) for name, number in inputs.items()}
    scope = dict(inputs)
    exec(compile("\\n".join(lines), "<driver>", "exec"), scope)
    for _ in range(times):
        scope["y"].backward()
    return [scope["y"].data, *(value.grad for value in inputs.values())]
"""
"""Run a few lines with Values, walk back from y, and return y.data and the inputs' gradients."""


UNARY = ("sigmoid", "tanh", "relu", "exp", "log")
SUMS, FUNCTIONS = "sums and products", "sigmoid, tanh, relu, exp, log"
"""The two parts of the step: a case without functions bears on the first."""


def graph(
    kind: Callable[..., Case],
    name: str,
    lines: list[str],
    inputs: dict[str, float],
    times: int = 1,
    **options: Any,
) -> Case:
    """Return a case that computes y from the inputs by these lines."""
    names = (Number("y"), *(Number(f"∂y/∂{name}") for name in inputs))
    settings = {"times": times} if times > 1 else {}
    made = call("Value", lines=lines, inputs=inputs, **settings)
    used = any(f".{function}()" in line for line in lines for function in UNARY)
    part = FUNCTIONS if used else SUMS
    return kind(name, made, driver=GRAPH, returns=Several(*names), part=part, **options)


def agrees_with_chain(answer: Answer) -> str | None:
    """Compare with `chain_backward` of lesson 8, to 1e-12."""
    w = np.array([answer.args["inputs"][name] for name in ("w1", "w2", "w3")])
    dw, _, _ = mlp_lib.chain_backward(w, mlp_lib.chain_forward(w, 0.8), 1.0)
    if np.allclose(np.asarray(answer.value[1:4], dtype=float), dw, rtol=1e-12, atol=1e-15):
        return None
    return "The gradients of w1, w2, w3 differ from those of chain_backward, lesson 8."


def agrees_with_network(answer: Answer) -> str | None:
    """Compare with `mlp_backward` of lesson 9, to 1e-12."""
    _, cache = mlp_lib.mlp_forward(X1, NET1)
    grads = mlp_lib.mlp_backward(NET1, cache, np.array([0.0, 1.0, 0.0, 0.0]))
    ours = np.concatenate([np.ravel(g) for layer in grads for g in layer])
    if np.allclose(np.asarray(answer.value[1:], dtype=float), ours, rtol=1e-12, atol=1e-15):
        return None
    return "The gradients differ from those of mlp_backward, lesson 9."


X1 = np.array([0.8, -2.0])
NET1 = [
    (np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]), np.array([0.3, 0.5, -0.25])),
    (
        np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]]),
        np.array([0.1, -0.1, 0.2, -0.25]),
    ),
]


def _network() -> tuple[list[str], dict[str, float]]:
    """The 2-3-4 network with cross-entropy for class 2, weight by weight."""
    inputs: dict[str, float] = {}
    lines: list[str] = []
    below = [str(x) for x in X1]
    for layer, (matrix, bias) in enumerate(NET1, start=1):
        for (i, j), weight in np.ndenumerate(matrix):
            inputs[f"W{layer}_{i + 1}{j + 1}"] = float(weight)
        for i, number in enumerate(bias):
            inputs[f"b{layer}_{i + 1}"] = float(number)
        for i in range(len(bias)):
            terms = [f"W{layer}_{i + 1}{j + 1} * {a}" for j, a in enumerate(below)]
            lines.append(f"z{layer}_{i + 1} = {' + '.join(terms)} + b{layer}_{i + 1}")
        if layer == 1:
            lines += [f"a{i + 1} = z1_{i + 1}.sigmoid()" for i in range(len(bias))]
            below = [f"a{i + 1}" for i in range(len(bias))]
    powers = " + ".join(f"z2_{i}.exp()" for i in (1, 2, 3, 4))
    return [*lines, f"y = ({powers}).log() + z2_2 * -1"], inputs


BINARY = (
    "{a} + {b}",
    "{a} * {b}",
    "{a} * {b} * 0.5",
    "{a} + {a}",
    "{a} * {a} * 0.4",
    "{a} * {number}",
    "{a} + {number}",
)


def value_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield graphs in which every operation occurs and values are used more than once."""
    for size, functions in ((3, ()), (3, UNARY), (4, UNARY)):
        names = list("abcd"[:size])
        numbers = np.round(generic(rng, size, low=0.3, high=1.6), 3).tolist()
        inputs = dict(zip(names, numbers, strict=True))
        lines: list[str] = []
        for form in rng.permutation([*functions, *BINARY]).tolist():
            a, b = rng.choice(names, size=2, replace=False).tolist()
            number = round(float(generic(rng, low=0.3, high=0.9)), 2)
            made = _unary(form, a) if form in UNARY else form.format(a=a, b=b, number=number)
            names.append(f"v{len(lines) + 1}")
            lines.append(f"{names[-1]} = {made}")
        used = set(re.findall(r"[a-z]\d*", " ".join(line.split("= ")[1] for line in lines)))
        ends = [name for name in names if name not in used]
        lines.append(f"y = {' + '.join([*ends, names[-1]])} + {names[-2]} * a")
        yield graph(random, f"{size} inputs, {len(lines)} lines", lines, inputs)


def _unary(name: str, a: str) -> str:
    if name == "log":
        return f"({a} * {a} + 1.5).log()"
    if name == "exp":
        return f"({a}.tanh() * 0.7).exp()"
    if name == "relu":
        return f"{a}.relu() + ({a} * -0.6).relu()"
    return f"{a}.{name}()"


class Num:
    """A right `Value` of a few lines, from which the wrong ones below are made."""

    def __init__(self, data: float, parents: Any = (), slopes: Any = ()) -> None:
        self.data, self.grad = data, 0.0
        self.parents, self.slopes = parents, slopes

    def wrapped(self, other: Any) -> Any:
        """Make a value of a plain number."""
        return other if isinstance(other, Num) else type(self)(other)

    def __add__(self, other: Any) -> Any:
        other = self.wrapped(other)
        return type(self)(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> Any:
        other = self.wrapped(other)
        return type(self)(self.data * other.data, (self, other), (other.data, self.data))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def of(self, data: float, slope: float) -> Any:
        """The result of a function of this value alone."""
        return type(self)(data, (self,), (slope,))

    def sigmoid(self) -> Any:
        """σ."""
        s = 1 / (1 + math.exp(-self.data))
        return self.of(s, s * (1 - s))

    def tanh(self) -> Any:
        """Hyperbolic tangent."""
        t = math.tanh(self.data)
        return self.of(t, 1 - t * t)

    def relu(self) -> Any:
        """max(z, 0)."""
        return self.of(max(self.data, 0.0), float(self.data > 0))

    def exp(self) -> Any:
        """The exponential function."""
        e = math.exp(self.data)
        return self.of(e, e)

    def log(self) -> Any:
        """The natural logarithm."""
        return self.of(math.log(self.data), 1 / self.data)

    def order(self) -> list[Any]:
        """All values behind this one, parents first."""
        return mlp_lib.topological_order(self)  # type: ignore[arg-type]

    def backward(self) -> None:
        """Reverse mode."""
        order = self.order()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        self.walk(reversed(order))

    def walk(self, nodes: Any) -> None:
        """Hand on the gradients of these nodes, in their order."""
        for node in nodes:
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad += slope * node.grad


class Assigned(Num):
    """The gradient is assigned."""

    def walk(self, nodes: Any) -> None:
        """Overwrite."""
        for node in nodes:
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad = slope * node.grad


class ForwardOrder(Num):
    """The walk runs from the inputs to the output."""

    def backward(self) -> None:
        """In the order of the forward pass."""
        order = self.order()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        self.walk(order)


class NoOrder(Num):
    """Every value hands on its gradient as soon as a part of it arrives."""

    def backward(self) -> None:
        """Depth first, without an order."""
        for node in self.order():
            node.grad = 0.0
        self.grad = 1.0

        def push(node: Any) -> None:
            self.walk([node])
            for parent in node.parents:
                push(parent)

        push(self)


class NotSeeded(Num):
    """Nothing starts the walk."""

    def backward(self) -> None:
        """All gradients stay 0."""
        order = self.order()
        for node in order:
            node.grad = 0.0
        self.walk(reversed(order))


class NotReset(Num):
    """A second walk adds to the first."""

    def backward(self) -> None:
        """Without setting gradients to 0."""
        self.grad = 1.0
        self.walk(reversed(self.order()))


class Recursive(Num):
    """The order is found by recursion."""

    def order(self) -> list[Any]:
        """Depth first, as deep as Python allows."""
        order: list[Any] = []
        seen: set[Any] = set()

        def visit(node: Any) -> None:
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        return order


class BreadthFirst(Num):
    """The nodes are taken level by level, a node once, at its first mention."""

    def order(self) -> list[Any]:
        """Breadth first from the output, turned round."""
        found, seen = [self], {self}
        for node in found:
            for parent in node.parents:
                if parent not in seen:
                    seen.add(parent)
                    found.append(parent)
        return found[::-1]


class EqualMerged(Num):
    """Values with equal numbers are taken for one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Num) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)


class OnlyLeft(Num):
    """Numbers are understood on the right only."""

    def __radd__(self, other: Any) -> Any:
        return NotImplemented

    def __rmul__(self, other: Any) -> Any:
        return NotImplemented


class NoNumbers(OnlyLeft):
    """Numbers are not understood at all."""

    def wrapped(self, other: Any) -> Any:
        """Take it for a value."""
        return other


class MulSlopes(Num):
    """Each factor gets itself as slope."""

    def __mul__(self, other: Any) -> Any:
        other = self.wrapped(other)
        return type(self)(self.data * other.data, (self, other), (self.data, other.data))


class AddSlopes(Num):
    """A sum hands on the numbers in place of 1."""

    def __add__(self, other: Any) -> Any:
        other = self.wrapped(other)
        return type(self)(self.data + other.data, (self, other), (self.data, other.data))


class TanhPlus(Num):
    """tanh′ = 1 + tanh²."""

    def tanh(self) -> Any:
        """With the sign turned."""
        t = math.tanh(self.data)
        return self.of(t, 1 + t * t)


class SigmoidAtS(Num):
    """σ′ taken as z(1 − z)."""

    def sigmoid(self) -> Any:
        """With z in the place of σ."""
        return self.of(1 / (1 + math.exp(-self.data)), self.data * (1 - self.data))


class ReluAtZero(Num):
    """relu′(0) = 1."""

    def relu(self) -> Any:
        """With the other choice at the kink."""
        return self.of(max(self.data, 0.0), float(self.data >= 0))


class ReluSlope(Num):
    """relu′ = 1 everywhere."""

    def relu(self) -> Any:
        """Without a dead side."""
        return self.of(max(self.data, 0.0), 1.0)


class ExpSlope(Num):
    """exp′ taken as z e^(z−1), the rule of powers."""

    def exp(self) -> Any:
        """With a wrong slope."""
        return self.of(math.exp(self.data), self.data * math.exp(self.data - 1))


class LogSlope(Num):
    """ln′ taken as z."""

    def log(self) -> Any:
        """With the slope upside down."""
        return self.of(math.log(self.data), self.data)


class Log10(Num):
    """The logarithm to base 10."""

    def log(self) -> Any:
        """With another base."""
        return self.of(math.log10(self.data), 1 / self.data)


class InputsOnly(Num):
    """Only the inputs are set to 0."""

    def backward(self) -> None:
        """Inner values keep their old sums."""
        order = self.order()
        for node in order:
            if not node.parents:
                node.grad = 0.0
        self.grad = 1.0
        self.walk(reversed(order))


def _wrong(
    id: str, name: str, hint: str, code: type[Num], equation: str = "eq-reverse-mode", **more: Any
) -> Mistake:
    code.__name__ = "Value"  # as it stands in the messages of Python's errors
    return Mistake(id, name, hint, {"Value": code}, equation, **more)


LESSON = ["u = a * b", "y = u * u + u + a"]
TWICE = "backward called twice"

value = Step(
    id="value",
    title="Reverse-mode autodiff",
    lesson="14-autodiff",
    equation="eq-reverse-mode",
    points=4,
    functions=(Function("Value(data)", mlp_lib.Value, Anything("a Value")),),
    cases=(
        graph(worked, "the lesson's graph", LESSON, {"a": 2.0, "b": -3.0}, gives=[32, 34, -22]),
        graph(
            worked, TWICE, LESSON, {"a": 2.0, "b": -3.0}, times=2, gives=[32, 34, -22], repeat=False
        ),
        graph(
            worked,
            "the chain of lesson 8",
            [
                "a1 = (w1 * 0.8).sigmoid()",
                "a2 = (w2 * a1).sigmoid()",
                "a3 = (w3 * a2).sigmoid()",
                "y = (a3 + -1.0) * (a3 + -1.0) * 0.5",
            ],
            {"w1": 0.5, "w2": -1.5, "w3": 2.0},
            gives=[0.0645, 0.0098, -0.0204, -0.0239],
            rules=(agrees_with_chain,),
        ),
        graph(edge, "y is the input itself", ["y = a"], {"a": -1.7}),
        graph(edge, "an input that is not used", ["y = a * 3.0"], {"a": 0.6, "b": 1.1}),
        graph(edge, "a + a", ["y = a + a"], {"a": 0.6}),
        graph(edge, "a · a · a", ["y = a * a * a"], {"a": -1.3}),
        graph(
            edge,
            "a diamond",
            ["u = a * b", "v = u.tanh()", "w = u.exp()", "y = v * w + v"],
            {"a": 0.7, "b": -0.4},
        ),
        graph(
            edge,
            "a short and a long way from the same value",
            ["u = a * 1.5", "v = u * b", "w = v.sigmoid()", "s = w * v", "y = s + u * s + a"],
            {"a": 0.8, "b": -1.2},
        ),
        graph(
            edge,
            "twelve diamonds in a row",
            ["y = a", *["y = y * 0.45 + y * b"] * 12],
            {"a": 1.3, "b": 0.6},
            repeat=False,
        ),
        graph(
            edge,
            "numbers on both sides",
            ["y = 3.0 * a + a * 0.5 + 2 + a", "y = 1 + y * 2"],
            {"a": 1.4},
        ),
        graph(edge, "sum of a list", ["y = sum([a, b, a * b])"], {"a": 0.9, "b": -2.2}),
        graph(
            edge,
            "two inputs with the same number",
            ["u = a * 3.0", "v = b * 3.0", "y = u * a + v.tanh() + u"],
            {"a": 0.5, "b": 0.5},
        ),
        graph(edge, "ReLU at 0", ["y = a.relu() + a * 0.3"], {"a": 0.0}),
        graph(
            edge,
            "ReLU on both sides",
            ["y = a.relu() * 2 + b.relu() * 5 + b"],
            {"a": 1.8, "b": -0.9},
        ),
        graph(edge, "zeros", ["y = a * b + b"], {"a": 0.0, "b": 0.0}),
        graph(
            edge,
            "saturated units",
            ["y = a.sigmoid() + b.sigmoid() + a.tanh() * b"],
            {"a": 20.0, "b": -20.0},
        ),
        graph(edge, "logarithm and power", ["y = (a.log() * b).exp()"], {"a": 2.3, "b": 1.7}),
        graph(
            edge,
            "another backward pass before, from further on",
            ["u = a * b", "y = u * u + a", "z = y * u * 5.0", "z.backward()"],
            {"a": 0.7, "b": 1.9},
        ),
        graph(
            edge,
            "another backward pass before, from within",
            ["u = a * b", "u.backward()", "y = u * u + u.tanh()"],
            {"a": 0.7, "b": 1.9},
        ),
        graph(edge, "backward called three times", LESSON, {"a": 0.4, "b": 1.7}, times=3),
        graph(
            edge,
            "the network of lesson 9",
            *_network(),
            rules=(agrees_with_network,),
            repeat=False,
        ),
        graph(
            edge,
            "a chain 10,000 deep",
            ["y = a", "for _ in range(10_000):", "    y = y * b"],
            {"a": 1.5, "b": 0.9999},
            repeat=False,
        ),
    ),
    generate=value_cases,
    mistakes=(
        _wrong(
            "assigned",
            "the gradient assigned (=), not accumulated (+=)",
            "A value that is used twice influences y in two ways, and where roads meet they add. "
            "Assigned, the last road overwrites the others.",
            Assigned,
            gives=[32, 18, -12],
        ),
        _wrong(
            "forward-order",
            "a walk in forward order",
            "A node can hand on its gradient only when it has one. Start at the output and walk "
            "the topological order in reverse.",
            ForwardOrder,
            gives=[32, 1, 0],
        ),
        _wrong(
            "no-order",
            "no topological order",
            "A node must wait until all its children have delivered. Here u hands on what it has "
            "each time a part arrives, so the early parts travel several times.",
            NoOrder,
            gives=[32, 100, -66],
        ),
        _wrong(
            "not-seeded",
            "the output's gradient not set to 1",
            "∂y/∂y = 1 starts the walk. From 0 nothing but zeros is handed on.",
            NotSeeded,
            gives=[32, 0, 0],
        ),
        _wrong(
            "not-reset",
            "gradients of an earlier backward pass kept",
            "Each backward() asks anew, so every gradient starts from 0. Otherwise a second call "
            "adds to the first, the inner nodes with interest.",
            NotReset,
            on=TWICE,
            gives=[32, 170, -112],
        ),
        _wrong(
            "inner-not-reset",
            "only the inputs' gradients reset",
            "The inner values carry gradients too, and hand on what they have. Set all values of "
            "the graph to 0 before the walk.",
            InputsOnly,
        ),
        _wrong(
            "breadth-first",
            "nodes taken level by level",
            "Breadth first puts a value after the first child that mentions it, though another "
            "child comes later. It then hands on its gradient before that child has delivered.",
            BreadthFirst,
        ),
        _wrong(
            "recursive",
            "the order found by recursion",
            "The idea is right, but a chain of 10,000 operations is deeper than Python's recursion "
            "goes. Keep your own stack of nodes to visit.",
            Recursive,
            shows_on=("edge",),
        ),
        _wrong(
            "equal-merged",
            "values with equal numbers taken for one",
            "Two nodes are two places in the computation, each with a gradient of its own, even "
            "where their numbers agree. Ask whether it is the same object.",
            EqualMerged,
        ),
        _wrong(
            "numbers-right-only",
            "no plain numbers on the left",
            "3 * a asks the number first and then a.__rmul__(3). A constant is a node without "
            "parents, on either side.",
            OnlyLeft,
            shows_on=("edge",),
        ),
        _wrong(
            "no-numbers",
            "no plain numbers in a computation",
            "Learning rates, targets and factors are plain numbers. Make a Value of them, a node "
            "without parents, before you compute.",
            NoNumbers,
        ),
        _wrong(
            "own-factor",
            "each factor's own number as its slope",
            "y = a b reacts to a with the slope b, the other factor. Both are kept from the "
            "forward pass for that.",
            MulSlopes,
        ),
        _wrong(
            "sum-slopes",
            "slopes other than 1 in a sum",
            "A sum moves one to one with each of its terms: both get its gradient as it is.",
            AddSlopes,
        ),
        _wrong(
            "tanh-plus",
            "1 + tanh² as the slope",
            "tanh′ = 1 − tanh²: flat where it is saturated.",
            TanhPlus,
            "eq-d-tanh",
        ),
        _wrong(
            "sigmoid-of-z",
            "z(1 − z) as the slope of the sigmoid",
            "The slope is σ(1 − σ), with the value of the sigmoid and not its argument.",
            SigmoidAtS,
            "eq-d-sigmoid",
        ),
        _wrong(
            "relu-at-zero",
            "relu′(0) = 1",
            "At the kink the course takes the slope 0: a unit at exactly 0 sends no error back.",
            ReluAtZero,
            "eq-d-relu",
            shows_on=("edge",),
        ),
        _wrong(
            "relu-always-open",
            "relu′ = 1 for every z",
            "A silent unit, z < 0, does not react to small changes, so it stops the error.",
            ReluSlope,
            "eq-d-relu",
        ),
        _wrong(
            "exp-slope",
            "the rule of powers for e^z",
            "e^z is its own slope: hand on the value it has.",
            ExpSlope,
        ),
        _wrong(
            "log-slope",
            "z in place of 1/z as the slope of ln z",
            "ln is steep near 0 and flat far out: the slope is 1/z.",
            LogSlope,
        ),
        _wrong(
            "log10",
            "the logarithm to base 10",
            "log is the natural logarithm here, as in cross-entropy; its slope 1/z belongs to it.",
            Log10,
        ),
    ),
    equivalent={
        "Value: float(data) -> data": "whole numbers count like floats here",
        "Value: float(dg(self.data)) -> dg(self.data)": "a numpy number counts like a float",
        "Value: True -> False": "there are as many slopes as parents",
        "Value: *self.data - other.data -> *": MORE,
        "Value: -self.data -> *": MORE,
        "Value: 1.0 -> 2.0 (*)": MORE,
        "Value: as_value(*": MORE,
        "Value: self.data / other.data -> *": MORE,
        "Value: 1 / other.data -> *": MORE,
        "Value: *-quotient*": MORE,
        "Value: *base*": MORE,
        "Value: (p - 1) -> *": MORE,
        "Value: 1 -> *": MORE,
        "Value: 0.0 -> 1.0 (*)": MORE,
        "Value: *isinstance(*": MORE,
        "Value: draw_graph(self) -> self": DRAWING,
        "Graph: *": DRAWING,
        "draw_graph: *": DRAWING,
        "_caption: *": DRAWING,
    },
)

STEPS = (softmax_jacobian, linear_vjp, value)
