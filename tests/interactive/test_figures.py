"""What a figure is in Python: traits, the static picture, the display, the bundle."""

from __future__ import annotations

import gzip
import json
import math
import re
from html import escape
from html.parser import HTMLParser
from typing import Any

import ipywidgets
import numpy as np
import pytest
from traitlets import TraitError

from mlp_lib import activations, interactive
from mlp_lib.interactive import Activations, Softmax, bundle
from mlp_lib.interactive.drawing import number, path, short

FIGURES = [getattr(interactive, name) for name in interactive.__all__]
every_figure = pytest.mark.parametrize("figure", FIGURES, ids=interactive.__all__)
LIMITS = {"default": 15_000, "playground": 40_000}


class Outline(HTMLParser):
    """Checks that elements are closed in order and keeps what the tests ask about."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@every_figure
def test_static_picture_is_whole(figure: Any) -> None:
    made = figure()
    outline = Outline(made.html())
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("svg") >= 1
    for tag, attributes in outline.tags:
        if tag == "svg" and "viewBox" in attributes:
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
        if tag in ("input", "select", "button"):
            assert attributes["data-lm-suppress-shortcuts"] == "true"
            known = attributes.get("data-lm-trait") in made.state()
            assert known or attributes.get("data-lm-act") or attributes.get("data-lm-field")
        if tag == "input":
            assert attributes.get("aria-valuetext") or attributes["type"] in (
                "checkbox",
                "number",
                "text",
            )
            assert attributes["aria-label"]
        assert "id" not in attributes  # two copies of a figure on one page must not clash
    assert escape(made.sentence(), quote=False) in made.html()
    state = re.search(r'<script type="application/json">(.*?)</script>', made.html())
    assert state is not None
    assert json.loads(state[1]) == made.state()


@every_figure
def test_display_has_widget_picture_and_words(figure: Any) -> None:
    made = figure()
    data, _ = made._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert data["text/html"] == made.html()
    assert data["text/plain"] == f"{figure.__name__}: {made.sentence()}"


@every_figure
def test_display_is_the_same_in_every_build(figure: Any) -> None:
    assert figure().html() == figure().html()


@every_figure
def test_no_address_outside_in_what_is_shipped(figure: Any) -> None:
    name = figure.name
    shipped = bundle.page_script(name) + bundle.style_sheet(name) + figure().html()
    assert not re.findall(r"(?:https?:)?//[a-z]+\.", shipped)


@every_figure
def test_weight(figure: Any) -> None:
    parts = [bundle.page_script(figure.name), bundle.style_sheet(figure.name), figure().html()]
    weight = sum(len(gzip.compress(part.encode(), 9)) for part in parts)
    assert weight <= LIMITS.get(figure.name, LIMITS["default"])


def test_traits_can_be_observed_and_linked() -> None:
    figure, box = Activations(), ipywidgets.FloatSlider(min=-6, max=6)
    ipywidgets.link((figure, "z"), (box, "value"))
    box.value = -2.5
    assert figure.z == -2.5
    assert "At z = −2.5" in figure.sentence()
    assert ipywidgets.HBox([figure, box]).children[0] is figure


def test_sentence_of_the_lesson() -> None:
    said = Activations("sigmoid", "none", z=0).sentence()
    assert "sigmoid gives f = 0.5000 with slope f′ = 0.2500" in said
    assert "z\u00a0<\u00a0−4.585 or z\u00a0>\u00a04.585" in said
    said = Softmax().sentence()
    assert "0.7311, 0.9526, 0.0180, sum 1.7016" in said
    assert "0.1191, 0.8801, 8.03×10⁻⁴, sum 1" in said
    assert "nan, nan, nan" in Softmax(shift=1000).sentence()
    assert "0/0 is nan" in Softmax(shift=-1000).sentence()


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(TraitError):
        Activations("sigmoidal")
    with pytest.raises(TraitError):
        Activations(z=7.0)
    with pytest.raises(TraitError):
        Activations(compare="own")
    with pytest.raises(TraitError):
        Softmax(scores=[1.0, 2.0])


def test_own_functions_are_compared_with_the_reference() -> None:
    right = Activations("tanh", own=(np.tanh, activations.d_tanh))
    assert "Yours agrees with tanh" in right.sentence()
    wrong = Activations("tanh", own=(np.tanh, lambda z: 1 + np.tanh(z) ** 2))
    assert "Yours first leaves tanh at z = −6: f′ = 2.0000" in wrong.sentence()
    assert wrong.view()["marks"]["wrong-df"]["d"]
    assert not wrong.view()["marks"]["wrong-f"]["d"]
    assert '<option value="own" selected="">yours</option>' in wrong.html()
    with pytest.raises(ValueError, match="own df: expected shape"):
        Activations(own=(np.tanh, lambda z: 1.0))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.25, "0.2500"),
        (-12.345678, "−12.346"),
        (3.0, "3"),
        (1.5e-9, "1.50×10⁻⁹"),
        (9.999e-7, "1.00×10⁻⁶"),
        (123456.7, "1.23×10⁵"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "nan"),
    ],
)
def test_numbers_as_text(value: float, text: str) -> None:
    assert number(value) == text


def test_short_numbers_and_paths() -> None:
    assert [short(v) for v in (1.5, -0.25, 0.0, -0.0001, 100.0)] == [
        "1.5",
        "−0.25",
        "0",
        "0",
        "100",
    ]
    assert path([(0, 0), (1, 2), None, (3, 4)]) == "M0.0 0.0L1.0 2.0M3.0 4.0"


def test_numbers_as_text_agree_with_the_page(node: Any) -> None:
    rng = np.random.default_rng(10)
    values = (rng.normal(0, 1, 2000) * 10 ** rng.uniform(-12, 12, 2000)).tolist()
    values += [0.0, 1e5, 99999.96, 1e-3, 0.00099999, 0.125, 2.5, 1.125e-5, 1e300, 5e-324, 0.99995]
    values += rng.integers(-4000, 4000, 500).astype(float).tolist()
    body = "return data.map(figure.format.number);"
    assert node("activations", body, values) == [number(v) for v in values]
    sizes = [v for v in values if abs(v) < 1e6]
    body = "return data.map(figure.format.short);"
    assert node("activations", body, sizes) == [short(v) for v in sizes]


def test_bundle_refuses_what_it_does_not_know(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "odd.js").write_text('import * as all from "./x.js";\nexport default 1;\n')
    monkeypatch.setattr(bundle, "HERE", tmp_path)
    with pytest.raises(ValueError, match=r"odd\.js: expected a form bundle\.py knows"):
        bundle._modules("odd")


def test_bundle_keeps_each_module_once_and_in_order(node: Any) -> None:
    source = bundle.page_script("softmax")
    assert source.count("const _maths_plain=") == 1
    assert source.index("const _maths_plain") < source.index("const _softmax=")
    assert "import" not in re.sub(r"[`\"'].*?[`\"']", "", source)
    assert source.startswith("(() => {")


SOURCES = [
    "const a = 1 - -1 + +2 - b++ - 1;\n",
    "const t = `a = ${b ? `x ${c} = y` : { d: \"( }\" }.d} ( ; )`;\nconst u = 'a = b';\n",
    'const r = s.replace(/ = (a|b), /, "x = y");\n',
    "if (a) {\n  b = [1, 2]\n  c = `}`;\n}\n",
]
SQUEEZED = [
    "const a=1 - -1 + +2-b++-1;",
    "const t=`a = ${b?`x ${c} = y`:{d:\"( }\"}.d} ( ; )`;const u='a = b';",
    'const r=s.replace(/ = (a|b), /,"x = y");',
    "if(a){b=[1,2]\n  c=`}`;}\n",
]


@pytest.mark.parametrize(("source", "expected"), list(zip(SOURCES, SQUEEZED, strict=True)))
def test_only_blanks_that_a_reader_needs_are_left_out(source: str, expected: str) -> None:
    assert bundle.squeeze(source) == expected


def test_a_style_sheet_takes_in_what_it_imports() -> None:
    sheet = bundle.style_sheet("softmax")
    assert "@import" not in sheet
    assert ".lm-grid path{stroke:var(--lm-rule)" in sheet
    assert ".lm-grid" not in bundle.style_sheet("backprop")


@every_figure
def test_a_rule_of_a_figure_that_names_it_means_the_scope(figure: Any) -> None:
    """Inside @scope (.lm-x), a selector ".lm-x p" would look for a second figure in the first."""
    own = bundle.style_sheet(figure.name).split(f"@scope (.lm-{figure.name})")[1]
    assert f".lm-{figure.name} " not in own
    assert ".lm-figure" not in own


def test_importing_one_figure_loads_one() -> None:
    import subprocess
    import sys

    code = (
        "import sys, mlp_lib; assert 'anywidget' not in sys.modules;"
        "from mlp_lib.interactive import Softmax;"
        "assert 'mlp_lib.interactive.activations' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
