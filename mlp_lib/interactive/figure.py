"""The base of every figure: a widget in Jupyter, a static picture that comes alive in the book.

Where there is a kernel, the traits of a figure and its picture are in sync both ways. The rich
display also carries ``text/html``: the picture as Python draws it, a sentence that says what it
shows, and the state as JSON, from which the page continues without a kernel.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any, ClassVar, NotRequired, TypedDict, cast

import anywidget
import traitlets

from mlp_lib.interactive import bundle
from mlp_lib.interactive.drawing import Marks


class View(TypedDict):
    """What a state looks like; the same keys as in `figure.js`."""

    marks: Marks
    values: dict[str, str]
    disabled: list[str]
    limits: NotRequired[dict[str, tuple[float, float, float]]]
    sentence: str


class Figure(anywidget.AnyWidget):
    """A figure `name` made of ``name.py``, ``name.js`` and ``name.css`` in this folder.

    A subclass sets `name` and `title`, has one synced trait per thing the reader can change, and
    implements `view` (what the state looks like) and `body` (the markup around it).
    """

    name: ClassVar[str]
    title: ClassVar[str]

    _markup = traitlets.Unicode().tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:  # not for the subclasses that add_traits makes of instances
            cls._esm = bundle.widget_module(cls.name)
            cls._css = bundle.style_sheet(cls.name)

    def view(self) -> View:
        """The marks, values and sentence of the present state; the twin of view() in the module."""
        raise NotImplementedError

    def body(self, view: View) -> str:
        """Pictures and controls as markup, with the marks of `view` in place."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """The traits a reader can change, by name."""
        inherited = set(Figure.class_trait_names())
        names = [
            name
            for name in self.trait_names(sync=True)
            if name not in inherited and not name.startswith("_")
        ]
        return {name: getattr(self, name) for name in sorted(names)}

    def sentence(self) -> str:
        """What the picture shows, in words."""
        return self.view()["sentence"]

    def html(self) -> str:
        """The static figure: picture, sentence, state, and controls that wait for a script."""
        view = self.view()
        state = json.dumps(self.state(), ensure_ascii=False, separators=(",", ":"))
        state = state.replace("<", "\\u003c")
        return (
            f'<div class="lm-figure lm-{self.name}" data-lm-figure="{self.name}" '
            f'data-lm-version="{bundle.version(self.name)}" role="group" aria-label="{self.title}">'
            f'<fieldset disabled><div class="lm-body">{self.body(view)}</div></fieldset>'
            f'<p class="lm-sentence" aria-live="polite">{escape(view["sentence"], quote=False)}</p>'
            f'<script type="application/json">{state}</script></div>'
        )

    @traitlets.default("_markup")
    def _draw_markup(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.sentence()}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        displayed = super()._repr_mimebundle_(**kwargs)
        if displayed is None:
            return None
        data, metadata = cast("tuple[dict[str, Any], dict[str, Any]]", displayed)
        return data | {"text/html": self.html(), "text/plain": repr(self)}, metadata
