"""Where things lie in the pictures of the Playground, and its maps as images.

A map shows what the network, or one unit of it, answers at every point of the plane. The page
paints them on a canvas; these are the same maps, coarser, for a page without a script.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image  # what matplotlib writes images with

from mlp_lib._types import Array
from mlp_lib.interactive.drawing import Axes, coordinate, element
from mlp_lib.interactive.playground_run import inputs
from mlp_lib.network import MLP

REACH = 1.7  # the plane is shown from −REACH to REACH
PLANE = Axes(24, 26, 318, 318, (-REACH, REACH), (-REACH, REACH))
WIDTH, HEIGHT = 350, 306  # of the graph
COLOURS = ((0, 114, 200), (224, 110, 20), (0, 150, 110))
LEVELS = 8  # of opacity, so that the images stay small

Shades = npt.NDArray[np.uint8]


def side(columns: int) -> int:
    """The size of a unit in the graph."""
    return 32 if columns <= 6 else 26


def place(sizes: list[int], k: int, j: int) -> tuple[float, float]:
    """The middle of unit j of column k."""
    pitch = min(58, 296 / max(sizes))
    return WIDTH * (k + 0.5) / len(sizes), HEIGHT / 2 + (j - (sizes[k] - 1) / 2) * pitch


def _grid(cells: int) -> Array:
    """The middles of cells × cells squares of the plane, row by row from the top."""
    at = REACH * ((2 * np.arange(cells) + 1) / cells - 1)
    x, y = np.meshgrid(at, -at)
    return np.column_stack([x.ravel(), y.ravel()])


def _image(colour: npt.NDArray[np.intp], strength: Array, width: int) -> Shades:
    """Colours by number, opacity by strength from 0 to 1."""
    alpha = np.round(np.clip(strength, 0, 1) * LEVELS) / LEVELS * 170
    pixels = np.column_stack([np.array(COLOURS)[colour], alpha])
    return pixels.astype(np.uint8).reshape(-1, width, 4)


def answer(Yhat: Array, output: str, discrete: bool, width: int) -> Shades:
    """The map of the network's answer."""
    if output == "softmax":
        colour, strength = Yhat.argmax(axis=1), 1.5 * Yhat.max(axis=1) - 0.5
    elif output == "sigmoid":
        colour, strength = (Yhat[:, 0] > 0.5).astype(np.intp), np.abs(2 * Yhat[:, 0] - 1)
    else:
        colour, strength = (Yhat[:, 0] < 0).astype(np.intp), np.abs(Yhat[:, 0])
    return _image(colour, np.full(len(Yhat), 0.6) if discrete else strength, width)


def _unit(a: Array, centre: float, width: int) -> Shades:
    """The map of a unit: first colour above its centre, second below, by its own largest value."""
    v = a - centre
    largest = np.abs(v).max() or 1.0
    return _image((v < 0).astype(np.intp), np.abs(v) / largest, width)


def maps(net: MLP, features: list[bool], cells: int, discrete: bool) -> list[Shades]:
    """The answer, and then every unit from the inputs to the outputs."""
    Yhat, cache = net.forward(inputs(_grid(cells), features))
    images = [answer(Yhat, net.output, discrete, cells)]
    for k, A in enumerate(cache["a"]):
        half = 0 < k < len(net.sizes) - 1 and net.hidden == "sigmoid"
        half = half or (k == len(net.sizes) - 1 and net.output != "identity")
        images += [_unit(A[:, j], 0.5 if half else 0.0, cells) for j in range(A.shape[1])]
    return images


def _embedded(pixels: Shades) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).quantize(64, Image.Quantize.FASTOCTREE).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def still(pixels: Shades, left: float, top: float, width: float, height: float) -> str:
    """An image for the page without a script; hidden where the canvas takes its place."""
    at = {"x": left, "y": top, "width": width, "height": height}
    attributes = {"class": "lm-still", "href": _embedded(pixels), "preserveAspectRatio": "none"}
    return element("image", attributes | {key: coordinate(v) for key, v in at.items()})


def units(images: list[Shades], sizes: list[int]) -> str:
    """The maps of all units of the graph in one image, one pixel for two units of the picture."""
    size = side(len(sizes)) // 2
    whole: Shades = np.zeros((HEIGHT // 2, WIDTH // 2, 4), np.uint8)
    rest = iter(images)
    for k, n in enumerate(sizes):
        for j in range(n):
            x, y = place(sizes, k, j)
            column, row = round(x / 2 - size / 2), round(y / 2 - size / 2)
            whole[row : row + size, column : column + size] = next(rest)
    return still(whole, 0, 0, WIDTH, HEIGHT)
