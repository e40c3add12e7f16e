"""Reading submissions defensively, and what is restored in them."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.grading import notebook as reading
from autograder.grading.notebook import Refused, load, parse, restore

from .conftest import SOFTMAX, cell_of, code, id_of, insert, text

NOT_NOTEBOOKS = {
    "nothing": b"",
    "blanks": b"  \n ",
    "words": b"hello",
    "half": b'{"cells": [{"cell_ty',
    "bytes": bytes(range(256)),
    "a list": b"[1, 2]",
    "a number": b"7",
    "no cells": b'{"metadata": {}}',
    "cells are no list": b'{"cells": {"a": 1}}',
    "no cell": b'{"cells": []}',
    "cells that are none": b'{"cells": [1, null, "x", [], {"cell_type": "video"}]}',
    "empty cells": b'{"cells": [{"cell_type": "code", "source": "", "metadata": {}}]}',
    "an old format": b'{"worksheets": [], "nbformat": 3}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "a huge number": b'{"cells": ' + b"9" * 10_000 + b"}",
    "UTF-16": '{"cells": []}'.encode("utf-16"),
    "a page": b"<html><body>Sign in</body></html>",
    "a zip": b"PK\x03\x04\x14\x00",
}


@pytest.mark.parametrize("data", NOT_NOTEBOOKS.values(), ids=NOT_NOTEBOOKS)
def test_what_is_no_notebook_is_refused_with_a_sentence(data, templates):
    with pytest.raises(Refused) as refusal:
        parse(data, templates[SOFTMAX])
    assert str(refusal.value).endswith((".", "?"))


def test_another_set_is_recognised(notebooks, templates):
    other = json.dumps(notebooks["ps07-activations"]).encode()
    with pytest.raises(Refused, match=r"not the notebook of ps02-softmax.*ps07-activations"):
        parse(other, templates[SOFTMAX])


def test_what_is_too_large_is_not_even_read(tmp_path):
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)
    with pytest.raises(Refused, match="MB is the limit"):
        load(path)


def test_only_files_are_opened(tmp_path):
    secret = tmp_path / "salt"
    secret.write_text("secret")
    link = tmp_path / "link.ipynb"
    link.symlink_to(secret)
    pipe = tmp_path / "pipe.ipynb"
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path, tmp_path / "missing.ipynb"):
        with pytest.raises(Refused):
            load(path)


def restored(notebook, template):
    return restore(parse(json.dumps(notebook).encode(), template), template)


def test_an_honest_notebook_passes_unchanged(solved, templates):
    cells, notes = restored(solved, templates[SOFTMAX])
    assert notes == []
    assert [c.source for c in cells] == [c["source"] for c in map(joined, solved["cells"])]
    assert [c.grade_id for c in cells] == [id_of(c) for c in solved["cells"]]


def joined(cell):
    return {**cell, "source": "".join(cell["source"])}


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(solved, templates):
    plain, _ = restored(solved, templates[SOFTMAX])
    for cell in solved["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    data = b"\xef\xbb\xbf" + json.dumps(solved).encode()
    cells, notes = restore(parse(data, templates[SOFTMAX]), templates[SOFTMAX])
    assert notes == []
    assert [c.source for c in cells] == [c.source for c in plain]


def test_locked_cells_come_from_the_released_notebook(solved, templates):
    for grade_id in ("softmax", "one-hot", "ps02-setup"):
        cell_of(solved, grade_id)["source"] = "points = 100"
    cells, _ = restored(solved, templates[SOFTMAX])
    for grade_id in ("softmax", "one-hot", "ps02-setup"):
        found = next(c for c in cells if c.grade_id == grade_id)
        assert found.source == templates[SOFTMAX].slots[grade_id].source


def test_nothing_of_the_students_metadata_is_left(solved, templates):
    for cell in solved["cells"]:
        cell["metadata"] |= {
            "tags": ["skip-execution", "remove-input"],
            "colab": {"base_uri": "x"},
            "vscode": {"languageId": "r"},
            "raw_mimetype": "text/html",
        }
    cell_of(solved, "softmax")["metadata"]["nbgrader"]["points"] = 1000
    cell_of(solved, "softmax")["metadata"]["nbgrader"]["solution"] = True
    solved["metadata"] = {"kernelspec": {"name": "ir"}, "widgets": {"x": 1}}
    cells, _ = restored(solved, templates[SOFTMAX])
    for cell in cells:
        slot = templates[SOFTMAX].slots.get(cell.grade_id)
        assert cell.metadata == (slot.metadata if slot else {})


def test_a_changed_cell_type_is_changed_back(solved, templates):
    answer = cell_of(solved, "softmax-answer")
    answer["cell_type"] = "markdown"
    cells, _ = restored(solved, templates[SOFTMAX])
    assert next(c for c in cells if c.grade_id == "softmax-answer").kind == "code"


def test_of_copies_the_last_counts_and_all_are_kept(solved, templates):
    answer = cell_of(solved, "softmax-answer")
    insert(solved, "softmax", copy.deepcopy(answer) | {"source": "second = 2"})
    insert(solved, "softmax-answer", copy.deepcopy(cell_of(solved, "softmax")))
    cells, notes = restored(solved, templates[SOFTMAX])
    ids = [c.grade_id for c in cells if c.grade_id]
    assert len(ids) == len(set(ids)) == len(templates[SOFTMAX].slots)
    assert next(c for c in cells if c.grade_id == "softmax-answer").source == "second = 2"
    assert len(cells) == len(solved["cells"])
    assert len(notes) == 2


def test_a_deleted_check_comes_back_below_its_answer(solved, templates):
    solved["cells"].remove(cell_of(solved, "one-hot"))
    cells, notes = restored(solved, templates[SOFTMAX])
    ids = [c.grade_id for c in cells]
    assert ids.index("one-hot") == ids.index("one-hot-answer") + 1
    assert notes == ["The cell 'one-hot' was missing and has been put back."]


def test_a_deleted_setup_comes_back_on_top_and_a_deleted_essay_as_unanswered(solved, templates):
    for grade_id in ("ps02-setup", "ps02-explain"):
        solved["cells"].remove(cell_of(solved, grade_id))
    cells, _ = restored(solved, templates[SOFTMAX])
    assert cells[0].grade_id == "ps02-setup"
    essay = next(c for c in cells if c.grade_id == "ps02-explain")
    assert not essay.answered


def test_a_renamed_cell_is_known_by_its_text(solved, templates):
    cell_of(solved, "softmax")["metadata"]["nbgrader"]["grade_id"] = "mine"
    cells, notes = restored(solved, templates[SOFTMAX])
    assert [c.grade_id for c in cells].count("softmax") == 1
    assert notes == ["The cell 'softmax' had lost its name and was recognised."]


def test_a_notebook_without_any_metadata_is_put_together_again(solved, templates):
    for cell in solved["cells"]:
        cell["metadata"] = {}
    cells, _ = restored(solved, templates[SOFTMAX])
    ids = [c.grade_id for c in cells if c.grade_id]
    assert set(ids) == set(templates[SOFTMAX].slots)
    assert len(cells) == len(solved["cells"])
    assert next(c for c in cells if c.grade_id == "ps02-explain").answered


def test_invented_grade_ids_are_the_students_own_business(solved, templates):
    forged = code("1 + 1", nbgrader={"grade": True, "grade_id": "extra", "points": 50})
    insert(solved, "softmax", forged)
    cells, _ = restored(solved, templates[SOFTMAX])
    found = next(c for c in cells if c.source == "1 + 1")
    assert (found.role, found.grade_id, found.metadata) == ("own", "", {})


def test_raw_cells_are_shown_and_never_taken_for_html(solved, templates):
    raw = {"cell_type": "raw", "metadata": {"raw_mimetype": "text/html"}, "source": "<b>x</b>"}
    solved["cells"].append(raw)
    cells, _ = restored(solved, templates[SOFTMAX])
    assert cells[-1].kind == "markdown"
    assert cells[-1].source == "```text\n<b>x</b>\n```"


def test_pictures_pasted_into_an_answer_stay(solved, templates):
    essay = cell_of(solved, "ps02-explain")
    essay["attachments"] = {
        "a.png": {"image/png": "aGVsbG8="},
        "b.svg": {"image/svg+xml": "PHN2Zz4="},
        'c".png': {"image/png": "aGVsbG8="},
        "d.png": {"image/png": '"><script>'},
    }
    cells, _ = restored(solved, templates[SOFTMAX])
    found = next(c for c in cells if c.grade_id == "ps02-explain")
    assert found.attachments == {"a.png": {"image/png": "aGVsbG8="}}


def test_lone_surrogates_can_be_written(solved, templates):
    solved["cells"].append(text("a \ud800 b"))
    cells, _ = restored(solved, templates[SOFTMAX])
    cells[-1].source.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
FIELDS = ("cell_type", "source", "metadata", "attachments", "id", "outputs")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_json_is_read_or_refused(data, notebooks, templates):
    """Fuzz single fields of a real notebook; whatever is read can be restored and written."""
    tree = copy.deepcopy(notebooks[SOFTMAX])
    for _ in range(data.draw(st.integers(1, 4))):
        cell = data.draw(st.sampled_from(tree["cells"]))
        if isinstance(cell, dict):
            where = cell
            if data.draw(st.booleans()) and isinstance(cell.get("metadata"), dict):
                where = cell["metadata"]
            where[data.draw(st.sampled_from((*FIELDS, "nbgrader")))] = data.draw(JSON)
    try:
        handed = parse(json.dumps(tree).encode(), templates[SOFTMAX])
    except Refused:
        return
    cells, _ = restore(handed, templates[SOFTMAX])
    graded = [c.grade_id for c in cells if c.role in ("check", "manual")]
    assert sorted(graded) == ["one-hot", "ps02-explain", "softmax"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300) | JSON.map(lambda tree: json.dumps(tree).encode()))
def test_any_bytes_are_refused(data, templates):
    with pytest.raises(Refused):
        parse(data, templates[SOFTMAX])


def test_the_gradebook_and_the_release_agree(templates, released: Path):
    for name, template in templates.items():
        notebook = json.loads((released / "release" / name / f"{name}.ipynb").read_text())
        locked = {id_of(c): "".join(c["source"]) for c in notebook["cells"] if id_of(c)}
        assert {s.grade_id: s.source for s in template.slots.values()} == locked
