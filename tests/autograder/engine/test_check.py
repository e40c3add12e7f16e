"""What a student reads after `check`, and what it leaves alone."""

import contextlib
import io
import random
import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest

import mlp_lib
from autograder import bank, check
from autograder.checking import bind, evaluate
from autograder.engine.render import DARK, Report, as_html, as_text, lesson_url


def text_of(step, *functions):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        points = check(step, *functions)
    return points, out.getvalue()


def test_the_value_is_the_points_as_a_plain_float():
    points, text = text_of("softmax", mlp_lib.softmax)
    assert type(points) is float
    assert repr(points) == "2.0"
    assert "passed" in text
    assert "2 of 2 points" in text


def test_an_unknown_step_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'softmax'"):
        check("softmaxx", mlp_lib.softmax)


def test_without_functions_the_notebook_is_asked():
    softmax = mlp_lib.softmax
    assert text_of_here("softmax", softmax) == 2.0


def text_of_here(step, softmax):
    with contextlib.redirect_stdout(io.StringIO()):
        return check(step)


def test_ten_wrong_answers_each_have_their_own_sentence():
    def returns_none(Z):
        Z.sum()

    def two_values(Z):
        return Z, Z

    def stub(Z):
        raise NotImplementedError

    def asks_for_more(Z, axis):
        return Z

    def takes_nothing():
        return 0

    def transposed(Z):
        return mlp_lib.softmax(Z).T

    def a_list(Z):
        return mlp_lib.softmax(Z).tolist()

    def in_place(Z):
        Z -= Z.max(axis=-1, keepdims=True)
        return mlp_lib.softmax(Z)

    def shapes(Z):
        return Z @ np.ones((50, 2))

    def naive(Z):
        return np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)

    def a_generator(Z):
        yield Z

    expected = {
        returns_none: "returned None: is the `return` missing?",
        two_values: "P is a tuple of 2 things",
        stub: "is not started",
        asks_for_more: "yours also wants axis",
        takes_nothing: "takes another number of arguments",
        transposed: "one probability for each score",
        a_list: "an array is asked for",
        in_place: "changed its input `Z`",
        shapes: "The shapes do not fit in line",
        naive: "This is what you get with: no shift by the maximum",
        a_generator: "returned a generator",
    }
    for function, sentence in expected.items():
        function.__name__ = "softmax"
        result = evaluate(bank.get("softmax"), {"softmax": function})
        assert sentence in as_text(result), function
        assert not result.passed


def test_a_shape_error_names_line_and_shapes():
    def softmax(Z):
        top = np.zeros(50)
        return np.exp(Z - top)

    text = text_of("softmax", softmax)[1]
    assert "`return np.exp(Z - top)`, where Z is (3,) and top is (50,)" in text
    assert "runner.py" not in text


def test_an_index_one_off_is_shown_at_the_operand_it_picks():
    def mlp_backward(params, cache, y, dg=mlp_lib.d_sigmoid):
        z, a = cache["z"], cache["a"]
        delta = a[-1] - y
        grads = []
        for l in reversed(range(len(params))):  # noqa: E741
            W = params[l][0]
            grads.insert(0, (np.outer(delta, a[l]), delta))
            if l:
                delta = (W.T @ delta) * dg(z[l])
        return grads

    def too_far(params, cache, y, dg=mlp_lib.d_sigmoid):
        l = len(params)  # noqa: E741
        return [params[l]]

    text = text_of("mlp-backward", mlp_backward)[1]
    assert re.search(r"where l = \d, W.T @ delta is \(\d,\) and z\[l\] is \(\d,\)\.", text)
    too_far.__name__ = "mlp_backward"
    text = text_of("mlp-backward", too_far)[1]
    assert "shapes do not fit" not in text
    assert re.search(r"list index out of range, where l = (\d) and len\(params\) = \1\.", text)


def test_wrong_names_and_values_in_the_call():
    def softmx(Z):
        return Z

    assert (
        "a function called `softmx`; this step asks for: softmax" in text_of("softmax", softmx)[1]
    )
    text = text_of("softmax", mlp_lib.softmax(np.ones(3)))[1]
    assert "an array of shape (3,), not a function" in text
    assert "There is no function called `softmax`" in text_of("softmax", np)[1]


def test_a_misspelt_name_in_the_notebook_is_offered():
    def softmx(Z):
        return Z

    found, notes = bind(bank.get("softmax"), (), {"softmx": softmx, "np": np, "softmask": 1})
    assert found == {}
    assert notes == ["The notebook has a function called `softmx`; this step asks for `softmax`."]
    assert bind(bank.get("softmax"), (), {"softmax": softmx, "softmx": softmx})[1] == []


def test_infinite_answers_are_judged_without_a_warning_and_a_wrong_one_is_not_called_right():
    def softmax(Z):
        return Z / np.sum(Z, axis=-1, keepdims=True)  # the lesson's scores add up to 0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = text_of("softmax", softmax)[1]
    assert "This is what you get with: scores divided by their sum, without exp" in text
    assert "numpy warned" not in text


def test_functions_count_under_the_name_the_notebook_knows():
    step = bank.get("softmax")

    def my_own(Z):
        return Z

    assert bind(step, (my_own,), {"softmax": my_own}) == ({"softmax": my_own}, [])
    lam = lambda Z: Z  # noqa: E731
    assert bind(step, (lam,), {})[0] == {"softmax": lam}
    both = bank.get("chain-forward")
    assert "chain_forward" in bind(both, (mlp_lib.chain_forward,), {})[0]


def test_the_order_of_the_functions_does_not_matter():
    step = bank.get("activation-derivatives")
    functions = [step.reference[name] for name in reversed(step.names)]
    assert text_of("activation-derivatives", *functions)[0] == step.points


def test_the_way_back_is_diagnosed():
    step = bank.get("chain-backward")
    wrong = step.mistake("no-weight").code
    failure = evaluate(step, {**step.reference, **wrong}).failure
    assert failure.diagnosis.startswith(
        "e⁽³⁾, δ⁽³⁾ and dw⁽³⁾ are right, e⁽²⁾ is the first wrong one: "
        "look at the step from δ⁽³⁾ to e⁽²⁾"
    )


def test_a_rounded_answer_is_told_so_and_nothing_else():
    def linear_backward(dZ, A_prev, W):
        return tuple(np.round(part, 4) for part in mlp_lib.linear_backward(dZ, A_prev, W))

    text = text_of("linear-backward", linear_backward)[1]
    assert "It agrees to 4 decimals: was it rounded?" in text
    assert not re.search(r"is (\S+); expected \1\.", text)
    for misleading in ("Where it starts", "lesson's example", "No known mistake"):
        assert misleading not in text
    failure = evaluate(bank.get("linear-backward"), {"linear_backward": linear_backward}).failure
    assert failure.got != failure.expected


def test_when_every_quantity_is_wrong_the_accumulation_is_looked_at():
    def batch_from_singles(params_col, X, Y):
        return mlp_lib.batch_from_singles(params_col, X[1:], Y[1:])

    batch = {"to_row": mlp_lib.to_row, "to_col": mlp_lib.to_col}
    wrong = {**batch, "batch_from_singles": batch_from_singles}
    failure = evaluate(bank.get("batch-from-singles"), wrong).failure
    assert failure.diagnosis.startswith("none of the quantities is right: look at how the examples")


def test_a_reversed_list_has_no_place_where_it_starts():
    def mlp_backward(*args, **options):
        return mlp_lib.mlp_backward(*args, **options)[::-1]

    text = text_of("mlp-backward", mlp_backward)[1]
    assert "reverse order" in text
    assert "Where it starts" not in text


def test_decimals_cut_off_are_not_called_agreement():
    def weight_grad(delta, a_prev):
        return mlp_lib.weight_grad(delta, a_prev).astype(int)

    text = text_of("weight-grad", weight_grad)[1]
    assert "the decimals were cut off" in text
    assert "the values agree" not in text


def test_a_changing_answer_is_told_by_its_first_differing_number():
    calls = iter(range(10_000))

    def linear_backward(dZ, A_prev, W):
        dA, dW, db = mlp_lib.linear_backward(dZ, A_prev, W)
        return dA, dW, db + (next(calls) >= 17)

    text = text_of("linear-backward", linear_backward)[1]
    assert re.search(r"gave two answers: db\[0, 0\] was \S+, then \S+\. The result", text)


def test_an_exception_returned_is_told_to_be_raised():
    step = bank.get("softmax")

    def softmax(Z):
        return ValueError("too large")

    text = as_text(evaluate(step, {"softmax": softmax}))
    assert "`softmax` returned a ValueError; to refuse an input, raise it" in text


def test_parts_that_gave_nothing_are_not_called_wrong():
    def crash(dZ, A_prev, W):
        raise RuntimeError

    def stub(dZ, A_prev, W):
        raise NotImplementedError

    step = bank.get("linear-backward")
    for function, word in ((crash, "not reached: the call failed"), (stub, "not started")):
        result = evaluate(step, {"linear_backward": function})
        assert f"dW: {word}, 0 of 1" in as_text(result)
        assert word in as_html(result)


def test_a_part_that_is_right_keeps_its_points():
    def chain_backward(w, cache, y, dg=mlp_lib.d_sigmoid):
        dw, delta, e = mlp_lib.chain_backward(w, cache, y, dg)
        return 2 * dw, delta, e

    points, text = text_of("chain-backward", chain_backward)
    assert points == 2.0
    assert "dw: not right, 0 of 1" in text


def test_nothing_global_changes():
    def softmax(Z):
        np.seterr(all="ignore")
        np.random.seed(1)  # noqa: NPY002
        warnings.simplefilter("ignore")
        np.set_printoptions(precision=2)
        return np.exp(Z)

    def state():
        return (
            np.geterr(),
            np.get_printoptions(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            random.getstate(),
            list(warnings.filters),
        )

    before = state()
    text_of("softmax", softmax)
    assert state() == before


class Tags(HTMLParser):
    """Collect the tags, and whether they close."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_html_is_well_formed_escaped_and_without_scripts():
    def softmax(Z):
        print("<script>alert(1)</script>")
        raise ValueError('<img src=x onerror="alert(1)"> `tick')

    result = evaluate(bank.get("softmax"), {"softmax": softmax})
    html = as_html(result, ["<b>note</b>"])
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert not tags.seen & {"script", "img", "b"}
    assert "&lt;script&gt;" in html


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mistake", ["no-shift", "axis-0"])
def test_every_text_sets_its_own_ground_and_contrasts_with_it(mistake):
    step = bank.get("softmax")
    html = as_html(evaluate(step, {**step.reference, **step.mistake(mistake).code}))
    sheet = "".join(re.findall(r"<style>(.*?)</style>", html))
    for page in (html.replace(sheet, ""), sheet, ";".join(DARK.values())):
        grounds = set(re.findall(r"background:(#[0-9a-f]{6})", page))
        inks = set(re.findall(r"(?<![-\w])color:(#[0-9a-f]{6})", page))
        assert grounds
        assert inks
        for ink in inks:
            for ground in grounds:
                light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_whatever_has_a_light_ground_has_a_dark_one_too():
    step = bank.get("chain-backward")
    html = as_html(
        evaluate(step, {**step.reference, **step.mistake("slope-at-a").code}), ["a `note`"]
    )
    for tag in re.findall(r"<\w+[^>]*(?:background|[^-]color):#[^>]*>", html):
        assert 'class="bp-' in tag, tag


def test_what_went_wrong_stands_before_the_numbers():
    step = bank.get("chain-backward")
    result = evaluate(step, {**step.reference, **step.mistake("slope-at-a").code})
    for text in (as_html(result), as_text(result)):
        places = [
            text.index(words)
            for words in (
                "dw: all entries",
                "Where it starts",
                "This is what",
                "Read on",
                "your dw",
            )
        ]
        assert places == sorted(places)


def test_the_state_is_said_in_words_not_only_in_colour():
    step = bank.get("softmax")
    assert ": passed" in as_html(evaluate(step, step.reference))
    wrong = evaluate(step, {**step.reference, **step.mistake("axis-0").code})
    assert ": not right yet" in as_html(wrong)


def test_the_bundle_has_html_and_text():
    step = bank.get("softmax")
    report = Report(evaluate(step, step.reference))
    assert set(report._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert repr(report).startswith("✓")


def test_the_equation_is_named_and_linked_where_the_book_has_an_address(monkeypatch):
    step = bank.get("softmax")
    result = evaluate(step, {**step.reference, **step.mistake("axis-0").code})
    monkeypatch.delenv("BACKPROP_BOOK", raising=False)
    for text in (as_html(result), as_text(result)):
        assert "Read on in lesson 2 (softmax), “From scores to probabilities”." in text
        assert "href" not in text
    monkeypatch.setenv("BACKPROP_BOOK", "https://example.org/book/")
    url = "https://example.org/book/lessons/02-softmax.html#equation-eq-softmax"
    assert lesson_url("02-softmax", "eq-softmax") == url
    assert f'href="{url}"' in as_html(result)
    assert url in as_text(result)
