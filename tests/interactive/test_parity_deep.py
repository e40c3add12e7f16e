"""The figures of lessons 12 to 14 agree with mlp_lib, in both languages, and say what they show."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlp_lib import (
    FUNCTIONS_1D,
    Value,
    dropout_forward,
    fit_1d,
    layer_grad_norms,
    numerical_gradient,
)
from mlp_lib.interactive import approximation, dropout, vanishing
from mlp_lib.interactive.approximation import Approximation
from mlp_lib.interactive.dropout import Dropout
from mlp_lib.interactive.expression import FUNCTIONS, evaluate, read, reverse
from mlp_lib.interactive.graph import EXAMPLES, Graph
from mlp_lib.interactive.vanishing import Vanishing

Node = Callable[[str, str, Any], Any]
NUMBER = re.compile(r"-?\d+\.?\d*")


def same_picture(node: Node, states: list[Any]) -> None:
    """The page's view of each state has the marks, texts and sentence that Python's has."""
    views = node(states[0].name, "return data.map(figure.view);", [s.state() for s in states])
    for state, got in zip(states, views, strict=True):
        expected = state.view()
        for key in ("sentence", "values", "disabled"):
            assert got[key] == expected[key], state.state()
        limits = {key: list(value) for key, value in expected.get("limits", {}).items()}
        assert got.get("limits", {}) == limits
        assert got["marks"].keys() == expected["marks"].keys()
        for name, attributes in expected["marks"].items():
            there = got["marks"][name]
            assert there.keys() == attributes.keys(), name
            for key, value in attributes.items():
                if key not in ("d", "x", "y"):
                    assert there[key] == value, (name, state.state())
                    continue
                assert NUMBER.sub("#", there[key]) == NUMBER.sub("#", value), name
                places = [[float(v) for v in NUMBER.findall(text)] for text in (there[key], value)]
                assert places[0] == pytest.approx(places[1], abs=0.11), (name, state.state())


def vanishings() -> list[Vanishing]:
    rng = np.random.default_rng(1)
    made = [Vanishing(), Vanishing(compare="none"), Vanishing(depth=2, compare="sigmoid")]
    for _ in range(80):
        made.append(
            Vanishing(
                activation=str(rng.choice(list(vanishing.LABELS))),
                compare=str(rng.choice(["none", *vanishing.LABELS])),
                depth=int(rng.integers(2, 21)),
                scheme=str(rng.choice(list(vanishing.SCHEMES))),
                scale=float(rng.integers(1, 201) / 100),
                seed=int(rng.integers(0, 51)),
            )
        )
    return made


def test_vanishing_draws_the_same_picture(node: Node) -> None:
    same_picture(node, vanishings())


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("scale", [0.01, 0.25, 2.0])
def test_norms_are_those_of_the_lesson(node: Node, activation: str, scale: float) -> None:
    """In both languages, from the same seed, which draws the same numbers."""
    body = """
        const { PLAIN, backward, drawn } = figure.maths;
        const settings = { depth: 10, scheme: "normal", scale: data.scale, seed: data.seed };
        return backward(drawn(settings), PLAIN[data.activation]).norms;
    """
    for seed in (0, 3):
        expected = layer_grad_norms(activation, scale=scale, seed=seed)
        made = Vanishing(activation=activation, scale=scale, seed=seed)
        np.testing.assert_allclose(made.runs()["a"][1].norms, expected, rtol=1e-12)
        sent = {"activation": activation, "scale": scale, "seed": seed}
        np.testing.assert_allclose(node("vanishing", body, sent), expected, rtol=1e-10)


def test_vanishing_says_what_is_the_matter() -> None:
    said = Vanishing().sentence()
    assert "ratio 1.54×10⁻⁶: it vanishes." in said
    assert "ratio 1.2612: it reaches every layer." in said
    assert (
        "every gradient is tiny"
        in Vanishing(activation="tanh", compare="none", scale=0.01).sentence()
    )
    assert "it explodes." in Vanishing(activation="relu", compare="none", scale=2.0).sentence()
    zeros = Vanishing(scheme="zeros").sentence()
    assert "nothing arrives in layer 1" in zeros
    assert "no layer gets a gradient" in zeros


def test_slopes_times_weights_are_what_is_measured() -> None:
    for run in Vanishing(activation="relu", compare="tanh", depth=20, scheme="he").runs().values():
        expected = vanishing._typical(run[1].slopes) * vanishing._typical(run[1].gains[1:])
        assert vanishing._typical(run[1].factors()) == pytest.approx(expected, rel=0.2)


def dropouts() -> list[Dropout]:
    rng = np.random.default_rng(2)
    return [Dropout()] + [
        Dropout(
            p=float(rng.integers(1, 19) / 20),
            draws=int(rng.choice([1, 2, 3, 10, 37, 500, 2000])),
            way=str(rng.choice(list(dropout.WAYS))),
            unit=int(rng.integers(1, 7)),
        )
        for _ in range(80)
    ]


def test_dropout_draws_the_same_picture(node: Node) -> None:
    same_picture(node, dropouts())


def test_masks_are_those_of_mlp_lib(node: Node) -> None:
    """dropout_forward with numpy's generator draws the masks that the page draws."""
    rng = np.random.default_rng(6)
    A = dropout.activations()
    expected = [dropout_forward(A, 0.3, rng=rng)[1].tolist() for _ in range(50)]
    body = "return figure.maths.masks(0.3, 50, 'inverted');"
    assert node("dropout", body, None) == expected
    assert node("dropout", "return figure.maths.activations();", None) == A.tolist()
    assert dropout.masks(0.3, 50, "inverted").tolist() == expected


def test_only_the_right_division_keeps_the_mean() -> None:
    shares = {}
    for way in dropout.WAYS:
        out = dropout.dropped(0.2, dropout.masks(0.2, 2000, way), way)
        shares[way] = float(out.mean() / dropout.activations().mean())
    assert shares["inverted"] == pytest.approx(1, abs=0.01)
    assert shares["one_row"] == pytest.approx(1, abs=0.02)
    assert shares["unscaled"] == pytest.approx(0.8, abs=0.01)
    assert shares["by_p"] == pytest.approx(4, abs=0.04)
    assert "The four examples share one row." in Dropout(way="one_row").sentence()


def approximations() -> list[Approximation]:
    rng = np.random.default_rng(3)
    made = [Approximation(), Approximation(units=8, steps=500)]
    for _ in range(50):
        # rates for which training is not chaotic: there the last digit decides on the next ones
        made.append(
            Approximation(
                target=str(rng.choice(list(approximation.TARGETS))),
                activation=str(rng.choice(list(approximation.LABELS))),
                units=int(rng.integers(1, 5)),
                rate=float(rng.choice([0.01, 0.05, 0.1])),
                seed=int(rng.choice([0, 1, 7, 50])),
                steps=int(rng.choice([0, 1, 2, 30, 400, 3000])),
            )
        )
    return made


def test_approximation_draws_the_same_picture(node: Node) -> None:
    same_picture(node, approximations())


@pytest.mark.parametrize("target", list(approximation.TARGETS))
def test_training_is_that_of_fit_1d(node: Node, target: str) -> None:
    body = """
        const { PLAIN, TARGETS, loss, start, update } = figure.maths;
        const { x, ...net } = start(data.units, data.seed);
        const y = x.map(TARGETS[data.target]);
        for (let t = 0; t < data.steps; t += 1) update(net, PLAIN.tanh, x, y, 0.1);
        return loss(net, PLAIN.tanh.f, x, y);
    """
    for units, seed, steps in ((3, 0, 20_000), (2, 5, 3000)):
        f = FUNCTIONS_1D[target]
        _, expected = fit_1d(f, hidden=units, lr=0.1, epochs=steps, seed=seed)
        sent = {"target": target, "units": units, "seed": seed, "steps": steps}
        assert node("approximation", body, sent) == pytest.approx(expected, rel=1e-6)
        _, losses = approximation.trained(target, "tanh", units, 0.1, seed, steps)
        assert losses[-1] == pytest.approx(expected, rel=1e-9)


def test_going_back_and_forth_in_the_steps_changes_nothing(node: Node) -> None:
    steps = [1000, 20000, 0, 1, 999, 1000, 251, 20000, 5000, 1000]
    states = [Approximation(steps=t).state() for t in steps]
    body = "return data.map((state) => figure.view(state).sentence);"
    said = node("approximation", body, states)
    assert said[0] == said[5] == said[9] == Approximation(steps=1000).sentence()
    assert said[1] == said[7] == Approximation(steps=20000).sentence()
    assert "loss 6.20×10⁻⁴" in said[1]


def test_training_that_diverges_ends(node: Node) -> None:
    figure = Approximation(activation="identity", units=8, rate=0.5, steps=20_000)
    assert "training diverges" in figure.sentence()
    _, losses = approximation.trained("absolute", "identity", 8, 0.5, 0, 20_000)
    assert len(losses) < 20_000
    assert not losses[-1] <= approximation.FAR
    assert all(loss <= approximation.FAR for loss in losses[:-1])
    there = node("approximation", "return figure.view(data).sentence;", figure.state())
    assert "training diverges" in there


@pytest.mark.browser
def test_training_is_live_and_stops_on_request(open_page: Any) -> None:
    page = open_page("approximation")
    page.clock.install()
    steps = page.locator("[data-lm-trait=steps]")
    page.clock.run_for(3000)
    assert steps.input_value() == "2000"  # nothing moves by itself
    train = page.get_by_role("button", name="train")
    train.click()
    page.clock.run_for(400)
    page.wait_for_function("document.querySelector('[data-lm-trait=steps]').value > 2300")
    train.click()
    page.clock.run_for(100)  # what was under way is drawn
    now = steps.input_value()
    page.clock.run_for(3000)
    assert steps.input_value() == now
    page.select_option("[data-lm-trait=target]", "sine")
    page.clock.run_for(100)
    page.wait_for_function("document.querySelector('[data-lm-trait=steps]').value === '0'")
    train.click()
    page.clock.run_for(30_000)
    page.wait_for_function("document.querySelector('[data-lm-trait=steps]').value === '20000'")
    assert train.get_attribute("aria-pressed") == "false"
    assert "loss 5.1" in page.locator("[data-lm=loss]").text_content()


@pytest.mark.browser
def test_every_draw_has_its_own_mask(open_page: Any) -> None:
    page = open_page("dropout")
    draw, seen = page.get_by_role("button", name="draw again"), set()
    for count in range(11, 17):
        draw.click()
        page.wait_for_selector(f'[data-lm="draw-title"]:text("draw {count}:")')
        seen.add(page.locator('[data-lm="draw"]').inner_html())
    assert len(seen) == 6


# -- the graph of an expression

# text → the place and the reason, or None
UNREADABLE = {
    "": (0, "expected a number, a name or “(”, found the end"),
    "a +": (3, "expected a number, a name or “(”, found the end"),
    "a + * b": (4, "expected a number, a name or “(”, found “*”"),
    "(a + b": (6, "expected “)”, found the end"),
    "a b": (2, "expected an operator, found “b”"),
    "1.5.2": (3, "expected an operator, found “.2”"),
    "a $ b": (2, "“$” is no part of an expression"),
    "a ^ 2": (2, "“^” is no part of an expression"),
    "é": (0, "“é” is no part of an expression"),
    "a - 𝛼": (4, "“𝛼” is no part of an expression"),
    "exp a": (4, "expected “(” after exp, found “a”"),
    "foo(a)": (0, f"“foo” is none of the functions {', '.join(FUNCTIONS)}"),
    "u = a*b; u = 2": (9, "“u” has a meaning already"),
    "tanh = 2": (0, "“tanh” has a meaning already"),
    "a; b": (0, "only the last part may be without a name, as in u = a*b; u + 1"),
    "a*b*c*d*e*f*g": (12, "more than 6 variables"),
    "+".join("a" * 42): (80, "more than 40 steps"),
    "a" * 121: (120, "more than 120 characters"),
}
READABLE = [
    *EXAMPLES,
    "a",
    "3",
    "-a**2",
    "2**a",
    "a**b",
    "a**-2",
    "a**0.5",
    "(-a)**3",
    "--a",
    "1e3*a",
    "u = 2; a*u",
    "y = tanh(a); y*y + sin(y)",
    "a*(b + c)*(b + c)/(a - b)",
    "sin(a) + cos(b)*relu(c)",
    "log(a)",
    "1/(a - a)",
    "exp(200*a)*exp(200*a)",
    "t = a*a; t*t*t*t",
    "(" * 55 + "a" + ")" * 55,
    "a - b - c / d / e",
]


def graphs() -> list[Graph]:
    rng = np.random.default_rng(4)
    made = [Graph()]
    for text in [*READABLE, *UNREADABLE]:
        for step in (0, int(rng.integers(1, 12)), 99):
            values = [float(v) / 10 for v in rng.integers(-50, 51, 6)]
            made.append(Graph(text, values=values, step=step))
    made += [Graph(text, engine=engine) for engine in (Value, Own, Assigns) for text in EXAMPLES]
    moved = Graph(engine=Own)
    moved.own = moved.own | {"at": ["a*b", *moved.values]}  # as on a page without a kernel
    return [*made, moved, *(Graph(make()) for make in OWN.values())]


def lesson(engine: Any = Value) -> Any:
    a, b = engine(2.0), engine(-3.0)
    u = a * b
    y = u * u + u + a
    y.backward()
    return y


class Own:
    """An engine as in problem set 14."""

    def __init__(self, data: float, parents: Any = (), slopes: Any = ()) -> None:
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def __add__(self, other: Own) -> Own:
        return type(self)(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Own) -> Own:
        return type(self)(self.data * other.data, (self, other), (other.data, self.data))

    def order(self) -> list[Own]:
        found: list[Own] = []

        def visit(node: Own) -> None:
            if node not in found:
                for parent in node.parents:
                    visit(parent)
                found.append(node)

        visit(self)
        return found

    def backward(self) -> None:
        self.grad = 1.0
        for node in reversed(self.order()):
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad += slope * node.grad


class Assigns(Own):
    def backward(self) -> None:
        self.grad = 1.0
        for node in reversed(self.order()):
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad = slope * node.grad


class Unseeded(Own):
    def backward(self) -> None:
        for node in reversed(self.order()):
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad += slope * node.grad


class Twice(Own):
    def backward(self) -> None:
        super().backward()
        if self.parents:
            super().backward()


def wrong_slope() -> Any:
    a = Own(0.5)
    t = Own(math.tanh(0.5), (a,), (1 + math.tanh(0.5) ** 2,))
    t.backward()
    return t


OWN: dict[str, Callable[[], Any]] = {
    "Your gradients are the reference's.": lambda: lesson(Own),
    "∂y/∂v₁ = −6, expected −11. That is one share of 3: was it = where += belongs?": (
        lambda: lesson(Assigns)
    ),
    "The result's own gradient has to be set to 1.": lambda: lesson(Unseeded),
    "Your slope of y by 0.5000 is 1.2136, expected 0.7864.": wrong_slope,
    "used 3 times": lesson,
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_cannot_be_read_is_said_with_its_place(node: Node, text: str) -> None:
    at, why = UNREADABLE[text]
    problem = read(text).problem
    assert problem is not None
    assert (problem.at, str(problem)) == (at, why)
    there = node("graph", "return figure.maths.read(data).problem;", text)
    assert there == {"at": at, "why": why}
    assert f"Character {at + 1}: {why}." in Graph(text).sentence()


@pytest.mark.parametrize("text", READABLE)
def test_values_and_gradients_are_those_of_the_library(node: Node, text: str) -> None:
    """Value computes the same as Python's own reading of the text, and as central differences."""
    rng = np.random.default_rng(5)
    made = read(text)
    assert made.problem is None
    for _ in range(5):
        values = rng.uniform(0.2, 3, 6).round(2).tolist()
        nodes = evaluate(made, values)
        body = """
            const nodes = figure.maths.evaluate(figure.maths.read(data.text), data.values);
            const { grads } = figure.maths.reverse(nodes);
            return { data: nodes.map((n) => n.data), slopes: nodes.map((n) => n.slopes), grads };
        """
        if any(n.data is None for n in nodes):
            assert text in ("1/(a - a)", "exp(200*a)*exp(200*a)")
            continue
        got = node("graph", body, {"text": text, "values": values})
        np.testing.assert_allclose(got["data"], [n.data for n in nodes], rtol=1e-13)
        grads, _ = reverse(nodes)
        np.testing.assert_allclose(got["grads"], grads, rtol=1e-12, atol=1e-13)
        f = _python(text, made.variables)
        assert nodes[-1].data == pytest.approx(f(np.array(values)), rel=1e-12)
        measured = numerical_gradient(f, np.array(values))
        for i, n in enumerate(nodes):
            if n.op == "variable":
                expected = measured[made.variables.index(n.name)]
                assert grads[i] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def _python(text: str, variables: list[str]) -> Callable[[Any], float]:
    known = {name: getattr(math, name) for name in ("exp", "log", "sin", "cos", "tanh")}
    known |= {"relu": lambda z: max(z, 0.0), "sigmoid": lambda z: 1 / (1 + math.exp(-z))}

    def f(values: Any) -> float:
        names = known | dict(zip(variables, map(float, values), strict=False))
        *parts, last = (part.strip() for part in text.split(";"))
        for part in parts:
            exec(part, names)
        return float(eval(last.split("=")[-1], names))

    return f


def test_nothing_typed_is_executed() -> None:
    for text in ("__import__('os')", "a.b", "[1]", "lambda: 1", "a if b", '"x"', "a\n"):
        assert read(text).problem is not None


def test_graph_draws_the_same_picture(node: Node) -> None:
    same_picture(node, graphs())


@pytest.mark.parametrize("said", OWN)
def test_own_engine_beside_the_reference(said: str) -> None:
    figure = Graph(OWN[said]())
    assert said in figure.sentence()
    assert "Your own object." in figure.sentence()
    html = figure.view()["marks"]["graph"]["html"]
    painted = "reference" not in said and "used" not in said
    assert ("lm-first" in html) == painted


class Scalar:
    """An engine with closures, as many write it: no slopes, and no names of ours but two."""

    def __init__(self, data: float, behind: Any = ()) -> None:
        self.data, self.grad, self.behind, self.push = float(data), 0.0, behind, lambda: None

    def __add__(self, other: Scalar) -> Scalar:
        out = Scalar(self.data + other.data, (self, other))

        def push() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out.push = push
        return out

    def __mul__(self, other: Scalar) -> Scalar:
        out = Scalar(self.data * other.data, (self, other))

        def push() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.push = push
        return out

    def tanh(self) -> Scalar:
        t = math.tanh(self.data)
        out = Scalar(t, (self,))

        def push() -> None:
            self.grad += (1 - t * t) * out.grad

        out.push = push
        return out

    def backward(self) -> None:
        order: list[Scalar] = []

        def visit(value: Scalar) -> None:
            if value not in order:
                for other in value.behind:
                    visit(other)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            value.push()


class Halves(Own):
    def __mul__(self, other: Own) -> Own:
        return Halves(self.data * other.data / 2, (self, other), (other.data, self.data))


class Tilted(Own):
    def tanh(self) -> Own:
        t = math.tanh(self.data)
        return Tilted(t, (self,), (1 + t * t,))


RIGHT = "Your gradients are the reference's."


@pytest.mark.parametrize(
    ("engine", "expression", "said"),
    [
        (Own, "u = a*b; u*u + u + a", RIGHT),
        (Own, "-(a - b*c)", RIGHT),  # which has neither − nor a sign
        (Scalar, "tanh(w*x + b)", RIGHT),
        (Assigns, "u = a*b; u*u + u + a", "∂y/∂u = −6, expected −11. That is one share of 3"),
        (Halves, "a*b + a", "Your first wrong value: v₁ = −3, expected −6."),
        (Tilted, "tanh(w*x + b)", "Your slope of y by v₂ is 1.9999, expected 6.68×10⁻⁵."),
        (Own, "exp(a)", "Your class raised AttributeError: 'Own' object has no attribute 'exp'."),
    ],
)
def test_own_class_computes_the_expression(engine: Any, expression: str, said: str) -> None:
    figure = Graph(expression, engine=engine)
    assert said in figure.sentence()
    assert "expression" not in figure.view()["disabled"]


def test_own_class_is_run_again_after_every_change() -> None:
    made: list[float] = []

    class Counted(Own):
        def __init__(self, data: float, parents: Any = (), slopes: Any = ()) -> None:
            super().__init__(data, parents, slopes)
            made.append(data)

    figure = Graph("a*b", engine=Counted)
    assert made[:3] == [2.0, -3.0, -6.0]
    figure.values = [1.5, *figure.values[1:]]
    assert made[3:] == [1.5, -3.0, -4.5]
    figure.expression = "a + b"
    assert made[6:] == [1.5, -3.0, -1.5]
    assert "Your gradients are the reference's." in figure.sentence()
    figure.expression = "1/(a - a)"
    assert "Your" not in figure.sentence()
    with pytest.raises(TypeError, match="engine: expected an expression with it, got Own"):
        Graph(lesson(Own), engine=Own)


def test_numbers_that_stay_say_so() -> None:
    assert "belong to the inputs they were computed at" in Graph(lesson(Own)).sentence()
    assert "belong" not in Graph(engine=Own).sentence()


def test_own_values_have_names_and_two_is_twice() -> None:
    a, b = Twice(2.0), Twice(-3.0)
    u = a * b
    y = u + a
    y.backward()
    said = Graph(y, names={"a": a, "b": b, "u": u}).sentence()
    assert "With a = 2, b = −3: y = −4." in said
    assert "expected" in said


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="data, grad and parents, got float without data"):
        Graph(3.0)
    deep = Own(1.0)
    for _ in range(2000):
        deep = deep + deep
    with pytest.raises(ValueError, match="at most 40 values"):
        Graph(deep)


def test_gradient_of_a_reused_value_grows_share_by_share() -> None:
    shown = [Graph(step=step).view()["marks"]["sums"]["html"] for step in (5, 7, 8, 9)]
    assert "∂y/∂u = · + · + ·" in shown[0]
    assert "∂y/∂u = 1 + · + ·" in shown[1]
    assert "∂y/∂u = 1 + (−6) + (−6) = −11" in shown[2]
    assert "∂y/∂a = 1 + 33 = 34" in shown[3]


@pytest.mark.browser
def test_typing_draws_and_says_where_it_stops(open_page: Any) -> None:
    page = open_page("graph")
    field = page.get_by_role("textbox")
    field.fill("exp(q) * (")
    page.wait_for_selector('[data-lm="problem"]:text("Character 11: expected a number")')
    assert field.get_attribute("aria-invalid") == "true"
    field.fill("exp(q) * q")
    page.wait_for_selector('[data-lm="sums"] p:text("∂y/∂q")')
    assert field.get_attribute("aria-invalid") == "false"
    assert page.get_by_label("q", exact=True).is_visible()
    assert page.locator("input[data-lm-trait=values]:visible").count() == 1
    page.get_by_label("q", exact=True).press("ArrowRight")
    page.wait_for_function("document.querySelector('.lm-sentence').innerText.includes('q = 2.1')")


@pytest.mark.browser
def test_steps_go_on_and_back(open_page: Any) -> None:
    page = open_page("graph")
    step, title = page.locator("[data-lm-trait=step]"), page.locator('[data-lm="stage"]')
    page.get_by_role("button", name="next").click()
    page.wait_for_selector('[data-lm="stage"]:text("the leaves of the graph")')
    assert step.input_value() == "0"
    page.get_by_role("button", name="back").click()
    page.wait_for_selector('[data-lm="stage"]:text("backward: u")')
    page.get_by_role("button", name="back").click()
    page.wait_for_selector('[data-lm="stage"]:text("backward: v₁")')
    assert title.inner_text() == "backward: v₁ hands on ∂y/∂v₁ = 1"
