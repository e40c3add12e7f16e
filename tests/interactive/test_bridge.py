"""What only the batch bridge does: both forms agree, one place for 1/m, examples one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp_lib.interactive import BatchBridge


def text(figure: BatchBridge, mark: str) -> str:
    return figure.view()["marks"][mark]["text"]


def test_numbers_of_the_lesson() -> None:
    said = BatchBridge(place="none").sentence()
    assert "dW = 13, 17, 21; 18, 24, 30; db = 5, 7, 9." in said
    assert "add up to 13, 18; 17, 24; 21, 30;" in said
    assert "2 times that of the mean" in said
    assert "dW = 6.5000, 8.5000, 10.500; 9, 12, 15; db = 2.5000" in BatchBridge().sentence()


@pytest.mark.parametrize("place", ["output", "end"])
def test_the_two_forms_are_one_number(place: str) -> None:
    rng = np.random.default_rng(4)
    for m in range(1, 6):
        for to, sender in ((1, 1), (3, 2), (2, 1)):
            a, delta = rng.integers(-12, 13, 10) / 2, rng.integers(-12, 13, 15) / 2
            figure = BatchBridge(
                m=m, shown=m, place=place, to=to, sender=sender, a=a.tolist(), delta=delta.tolist()
            )
            column, row = text(figure, "says-column"), text(figure, "says-row").rstrip(".")
            assert column.rsplit(" = ", 1)[1] == row.rsplit(" = ", 1)[1]
            assert "the same numbers" in text(figure, "verdict")


def test_one_m_too_few_and_one_too_many() -> None:
    ends = {}
    for place in ("output", "none", "twice"):
        said = text(BatchBridge(m=4, shown=4, place=place), "says-row")
        ends[place] = float(said.rsplit(" = ", 1)[1].rstrip(".").replace("−", "-"))
    assert ends["none"] == 4 * ends["output"]
    assert ends["twice"] == pytest.approx(ends["output"] / 4, abs=5e-5)
    assert "the same numbers" in text(BatchBridge(m=1, place="twice"), "verdict")


def test_examples_that_are_still_to_come() -> None:
    figure = BatchBridge(m=5, shown=3)
    assert text(figure, "verdict").startswith("2 examples still to come")
    assert figure.view()["marks"]["row"]["html"].count("<rect") == 5 * 5 + 6 + 3
    assert figure.view()["marks"]["row"]["html"].count("lm-faded") == 2 * 2 * 5
    enabled = set(figure.view()["values"]) - set(figure.view()["disabled"])
    assert enabled == {"m", "shown", "to", "sender", "a.4", "a.5", "delta.6", "delta.7", "delta.8"}


@pytest.mark.browser
def test_examples_are_added_one_at_a_time(open_page: Any) -> None:
    page = open_page("bridge")
    shown, whose = page.locator("[data-lm-trait=shown]"), page.locator('[data-lm="whose"]')
    for count, example in (("0", "1"), ("1", "1"), ("2", "2")):
        page.get_by_role("button", name="add the next").click()
        page.wait_for_function(
            "(n) => document.querySelector('[data-lm-trait=shown]').value === n", arg=count
        )
        page.wait_for_function(
            "(n) => document.querySelector('[data-lm=whose]').innerText === `example ${n}`",
            arg=example,
        )
    assert shown.input_value() == "2"
    assert whose.inner_text() == "example 2"
    page.get_by_role("slider", name="a 1 of example 2").press("ArrowRight")
    page.wait_for_selector('[data-lm="says-column"]:text("(1·1 + 4·3.5000)/2 = 7.5000")')
    assert not page.locator("[aria-label='a 1 of example 1']").is_visible()


@pytest.mark.browser
def test_play_adds_all_and_stops(open_page: Any) -> None:
    page = open_page("bridge")
    page.clock.install()
    page.locator("[data-lm-trait=m]").press("End")
    page.get_by_role("button", name="play").click()
    page.clock.run_for(10_000)
    page.wait_for_function("document.querySelector('[data-lm-trait=shown]').value === '5'")
    assert page.get_by_role("button", name="play").get_attribute("aria-pressed") == "false"
