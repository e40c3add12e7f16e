"""What the tests of mlp_lib share: `numeric` is importable, PyTorch is a fixture."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def torch():
    """PyTorch in float64 on one thread; where it is missing the test says so, in CI it fails."""
    if os.environ.get("COURSE_CI"):
        import torch
    else:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed here")
    torch.set_num_threads(1)
    return torch
