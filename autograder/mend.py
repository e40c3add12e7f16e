"""Mend a submission before nbgrader's own executor runs it.

nbgrader's preprocessors stop at what students do to notebooks by accident: a copied cell ends the
whole run, a deleted answer together with its check ends the grading of that notebook. A course
whose nbgrader_config.py says SANDBOX = False names `Mended` in their place.
"""

from __future__ import annotations

import os
from typing import Any

from nbformat import NotebookNode, v4
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder import sets
from autograder.course import Course
from autograder.grading.notebook import Cell, Template, parse, restore


class Mended(NbGraderPreprocessor):  # type: ignore[misc]
    """Restore the cells that are not the student's to change, and drop all outputs."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook to run."""
        about = resources["nbgrader"]
        template = Template.of(Course.find(os.getcwd()), about["assignment"])
        cells, notes = restore(parse(sets.as_text(nb).encode(), template), template)
        for note in notes:
            self.log.warning("%s, %s: %s", about["assignment"], about["student"], note)
        mended = v4.new_notebook(cells=[_node(cell) for cell in cells])  # type: ignore[no-untyped-call]
        mended.metadata.update(template.metadata)
        return mended, resources


def _node(cell: Cell) -> NotebookNode:
    make = v4.new_code_cell if cell.kind == "code" else v4.new_markdown_cell
    node: NotebookNode = make(cell.source, metadata=cell.metadata)  # type: ignore[no-untyped-call]
    if cell.attachments:
        node.attachments = cell.attachments
    return node
