"""What is said of a wrong answer without any list of mistakes."""

import copy

import numpy as np
import pytest

from autograder.bank import get
from autograder.checking import evaluate
from autograder.engine.facts import order
from autograder.engine.render import as_html, as_text
from autograder.engine.step import Array, Gradient, Layers, Several


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def regression(X, Y, W, b):
    dZ = (softmax(X @ W + b) - Y) / len(X)
    return X.T @ dZ, dZ.sum(axis=0, keepdims=True)


def slope(z):
    return 0.25 * (1 - np.tanh(0.5 * z) ** 2)


def backward(params, cache, y, dg=slope):
    delta, grads = cache["a"][-1] - y, []
    for k in reversed(range(len(params))):
        grads.insert(0, (np.outer(delta, cache["a"][k]), delta))
        if k:
            delta = (params[k][0].T @ delta) * dg(cache["z"][k - 1])
    return grads


def chain(w, cache, y, dg=slope):
    z, a = cache
    dw, delta, e = np.zeros(len(w)), np.zeros(len(w)), np.zeros(len(w))
    error = a[-1] - y
    for k in reversed(range(len(w))):
        e[k], delta[k] = error, error * dg(z[k])
        dw[k], error = delta[k] * a[k], w[k] * delta[k]
    return dw, delta, e


def told(step, **code):
    result = evaluate(get(step), code)
    for text in (as_text(result), as_html(result)):
        assert "No known mistake" not in text
    return result.failure


def scaled(wanted):
    """The gradients of softmax regression, times what `wanted` makes of the arguments."""

    def answer(X, Y, W, b):
        dW, db = regression(X, Y, W, b)
        first, second = wanted(X, Y)
        return first * dW, second * db

    return told("softmax-regression-grads", softmax_regression_grads=answer).facts


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (lambda X, Y: (2.0, 2.0), "In every case your dW and db are what is expected, times 2."),
        (
            lambda X, Y: (1.0, -1.0),
            "In every case your db is what is expected, with the wrong sign.",
        ),
        (
            lambda X, Y: (-len(X), -len(X)),
            "In every case your dW and db are what is expected, times the number of rows of `X` "
            "(here 3), with the wrong sign.",
        ),
        (
            lambda X, Y: (len(X) / Y.shape[1], 1.0),
            "In every case your dW is what is expected, times the number of rows of `X` (here 4), "
            "divided by the number of columns of `Y` (here 3).",
        ),
        (
            lambda X, Y: (1.0 / len(X), 1.0),
            "In every case your dW is what is expected, divided by the number of rows of `X` "
            "(here 3).",
        ),
    ],
)
def test_a_factor_is_told_with_its_size(wanted, said):
    assert scaled(wanted) == [said]


def test_a_factor_for_each_quantity():
    facts = scaled(lambda X, Y: (3.0, 1.0 / X.shape[0] ** 2 if len(X) == 0 else 0.5))
    assert facts == [
        "In every case your dW is what is expected, times 3.",
        "In every case your db is what is expected, times 0.5.",
    ]


def test_a_factor_that_changes_from_case_to_case_is_not_told():
    factors = iter(np.linspace(2, 9, 100))
    result = evaluate(
        get("softmax-regression-grads"),
        {
            "softmax_regression_grads": lambda X, Y, W, b: tuple(
                next(factors) * g for g in regression(X, Y, W, b)
            )
        },
    )
    assert result.failure.facts == []


def test_all_layers_share_a_factor():
    failure = told(
        "mlp-backward", mlp_backward=lambda *a: [(2 * dW, 2 * db) for dW, db in backward(*a)]
    )
    assert failure.facts == ["In every case your dW and db are what is expected, times 2."]


def test_another_order_of_the_results_is_recognised():
    failure = told("chain-backward", chain_backward=lambda *a: chain(*a)[::-1])
    assert failure.sentences == [
        "The numbers are right, but they stand in the order (e, delta, dw); "
        "(dw, delta, e) is asked for."
    ]
    assert (failure.diagnosis, failure.facts) == ("", [])


def test_another_order_in_every_layer():
    failure = told("mlp-backward", mlp_backward=lambda *a: [g[::-1] for g in backward(*a)])
    assert failure.sentences == [
        "The numbers are right, but they stand in the order (db, dW) in every entry; (dW, db) is "
        "asked for."
    ]
    wrong = told("mlp-backward", mlp_backward=lambda *a: [(b + 1, W) for W, b in backward(*a)])
    assert wrong.sentences[0].startswith("Going by their shapes, your results stand in the order")
    assert wrong.diagnosis == ""


def test_reversed_layers_are_told_by_their_shapes():
    failure = told(
        "mlp-backward", mlp_backward=lambda *a: [(W + 1, b) for W, b in backward(*a)][::-1]
    )
    assert failure.sentences == [
        "Going by the shapes, [(dW, db), …] is in the reverse order: the last layer is first."
    ]


def test_order_says_nothing_when_it_cannot_tell():
    pair = Several(Gradient("dW", of="W"), Gradient("db", of="b"))
    one, two = np.ones((2, 2)), np.full((2, 2), 2.0)
    assert order(pair, (one, two), (one, two)) == ""
    assert order(pair, (two, one), (one, two)) != ""
    assert order(pair, (3 * two, one), (one, two)) == ""
    assert order(pair, None, (one, two)) == ""
    assert order(pair, (one, two, one), (one, two)) == ""
    assert order(Array("y"), one, two) == ""
    assert order(Layers(pair), [(two, one), (one, two)], [(one, two), (one, two)]) == ""


def test_one_array_under_three_names():
    def answer(w, cache, y, dg=slope):
        z, a = cache
        dw = delta = e = np.zeros(len(w))
        error = a[-1] - y
        for k in reversed(range(len(w))):
            e[k], delta[k] = error, error * dg(z[k])
            dw[k], error = delta[k] * a[k], w[k] * delta[k]
        return dw, delta, e

    (fact,) = told("chain-backward", chain_backward=answer).facts
    assert fact.startswith("dw, delta and e hold the same numbers.")


@pytest.mark.parametrize(
    ("step", "name", "answer", "said"),
    [
        (
            "softmax-regression-grads",
            "softmax_regression_grads",
            lambda *a: regression(*a)[0],
            "should give 2 things, (dW, db); yours gave one array, of shape (2, 3) like dW.",
        ),
        (
            "chain-backward",
            "chain_backward",
            lambda *a: chain(*a)[0],
            "should give 3 things, (dw, delta, e); yours gave one array, of shape (3,).",
        ),
        (
            "mlp-backward",
            "mlp_backward",
            lambda *a: [dW for dW, _ in backward(*a)],
            "Entry⁽¹⁾ of the result should give 2 things, (dW, db); yours gave one array, of shape "
            "(3, 2) like dW.",
        ),
        (
            "train-mlp",
            "train_mlp",
            lambda *a, **k: get("train-mlp").reference["train_mlp"](*a, **k)[0],
            "should give 2 things, ([(W, b), …], history); yours gave [(W, b), …] alone.",
        ),
    ],
)
def test_one_of_several_results_alone(step, name, answer, said):
    assert told(step, **{name: answer}).sentences[0].endswith(said)


def test_two_mistakes_in_two_quantities_are_both_named():
    def answer(*args, **kwargs):
        step = get("train-mlp")
        same, too = copy.deepcopy((args, kwargs))
        params, _ = step.mistake("no-bias-update").code["train_mlp"](*same, **too)
        _, history = step.mistake("loss-after-update").code["train_mlp"](*args, **kwargs)
        return params, history

    failure = told("train-mlp", train_mlp=answer)
    assert failure.equation == "eq-gd-update"
    first, second = failure.facts
    assert first.startswith("[(W, b), …] is what you get with: biases never updated. ")
    assert second.startswith("history is what you get with: the loss noted after the update. ")


def test_right_numbers_are_not_shown_beside_a_complaint_about_the_input():
    def answer(X, Y, W, b):
        found = regression(X, Y, W, b)
        X /= len(X)
        return found

    failure = told("softmax-regression-grads", softmax_regression_grads=answer)
    assert failure.sentences[0].startswith("`softmax_regression_grads` changed its input `X`.")
    assert (failure.got, failure.expected) == ("", "")


def test_what_rounding_left_of_a_zero_is_written_as_zero():
    failure = told(
        "softmax-regression-grads",
        softmax_regression_grads=lambda *a: (regression(*a)[0], regression(*a)[1][0]),
    )
    assert (failure.got, failure.expected) == ("[0, 0, 0]", "[[0, 0, 0]]")


def test_a_missing_key_is_told_with_the_keys_there_are():
    failure = told("mlp-backward", mlp_backward=lambda params, cache, y, dg=slope: cache["Z"])
    assert failure.sentences[0].endswith(": 'Z'. `cache` has the keys 'z', 'a'.")


def test_what_the_call_leaves_out_is_told_when_none_is_used():
    failure = told(
        "train-mlp",
        train_mlp=lambda X, Y, params0, lr, epochs, b=None, rng=None, **names: rng.permutation(4),
    )
    assert failure.sentences[0].endswith("This call leaves `b` and `rng` out: None.")


def test_a_line_of_the_trace_is_not_repeated():
    def answer(params, cache, y, dg=slope):
        return delta  # noqa: F821

    result = evaluate(get("mlp-backward"), {"mlp_backward": answer})
    assert as_text(result).count("name 'delta' is not defined") == 1


def test_float32_is_remarked_once_and_never_called_accepted_where_it_is_wrong():
    def answer(*args, **dg):
        return [(W.astype(np.float32), b.astype(np.float32)) for W, b in backward(*args, **dg)]

    right = evaluate(get("mlp-backward"), {"mlp_backward": answer})
    assert right.passed
    assert right.remarks == [
        "dW and db were computed in float32; they differ by no more than rounding, so they are "
        "accepted."
    ]
    wrong = evaluate(
        get("mlp-backward"),
        {"mlp_backward": lambda *a, **k: [(1.0 * dW, 2 * db) for dW, db in answer(*a, **k)]},
    )
    assert not any("db" in remark for remark in wrong.remarks)


def test_chance_that_does_not_come_from_the_generator_is_noticed():
    reference = get("train-mlp").reference["train_mlp"]

    def answer(*args, rng=None, **kwargs):
        if rng is not None:
            rng = np.random.default_rng()
        return reference(*args, rng=rng, **kwargs)

    failure = evaluate(get("train-mlp"), {"train_mlp": answer}).failure
    assert any("gave two answers" in sentence for sentence in failure.sentences)


def test_several_mistakes_stand_one_below_the_other():
    step = get("output-delta")

    def output_delta(yhat, y, loss, activation):
        if loss == "half_sse" and activation == "sigmoid" and len(yhat) == 1:
            return yhat - y
        return step.reference["output_delta"](yhat, y, loss, activation)

    result = evaluate(step, {"output_delta": output_delta})
    names = [mistake.name for mistake in result.failure.mistakes]
    assert len(names) > 2
    assert f"Closest to: {'; or: '.join(names)}." in as_text(result)
    html = as_html(result)
    assert html.count("<li ") == len(names)
    assert all(f"<strong>{name}.</strong>" in html for name in names)
