"""Optimisers: their equations, PyTorch's trajectories, and what they leave alone."""

import tracemalloc

import numpy as np
import pytest

from mlp_lib._fast import PIECE
from mlp_lib.optimisers import OPTIMISERS, SGD, Adam, Momentum, Nesterov, Optimiser, RMSProp

MAKERS = {
    "sgd": lambda: SGD(0.05),
    "momentum": lambda: Momentum(0.05, mu=0.8),
    "nesterov": lambda: Nesterov(0.05, mu=0.8),
    "rmsprop": lambda: RMSProp(0.05, rho=0.95, eps=1e-6),
    "adam": lambda: Adam(0.05, beta1=0.85, beta2=0.98, eps=1e-6),
}


def by_the_equation(name, theta, gradients):
    """The docstrings' equations, written out for one number at a time."""
    path = []
    a = b = 0.0
    for t, g in enumerate(gradients, start=1):
        if name == "sgd":
            theta = theta - 0.05 * g
        elif name == "momentum":
            a = 0.8 * a + g
            theta = theta - 0.05 * a
        elif name == "nesterov":
            a = 0.8 * a + g
            theta = theta - 0.05 * (g + 0.8 * a)
        elif name == "rmsprop":
            a = 0.95 * a + 0.05 * g**2
            theta = theta - 0.05 * g / (a**0.5 + 1e-6)
        else:
            a, b = 0.85 * a + 0.15 * g, 0.98 * b + 0.02 * g**2
            theta = theta - 0.05 * (a / (1 - 0.85**t)) / ((b / (1 - 0.98**t)) ** 0.5 + 1e-6)
        path.append(theta)
    return path


def walk(optimiser, theta, gradients):
    theta, g, path = theta.copy(), np.empty_like(theta), []
    for slope in gradients:
        g[...] = slope
        optimiser.update(theta, g)
        path.append(theta.copy())
    return np.array(path)


@pytest.mark.parametrize("name", MAKERS)
def test_update_follows_the_equation_in_the_docstring(name):
    rng = np.random.default_rng(1)
    theta, gradients = rng.normal(size=3), rng.normal(size=(25, 3))
    expected = np.transpose([by_the_equation(name, theta[i], gradients[:, i]) for i in range(3)])
    np.testing.assert_allclose(
        walk(MAKERS[name](), theta, gradients), expected, rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize("name", MAKERS)
def test_the_formula_that_is_read_gives_the_numbers_of_the_quick_form(name):
    rng = np.random.default_rng(5)
    theta, gradients = rng.normal(size=50), rng.normal(size=(25, 50))
    optimiser, state = MAKERS[name](), [np.zeros(50)] * MAKERS[name]().n_states
    expected, new = walk(MAKERS[name](), theta, gradients), theta
    for optimiser.t, (g, quick) in enumerate(zip(gradients, expected, strict=True), start=1):
        new, *state = optimiser.step(new, g, *state)
        np.testing.assert_allclose(new, quick, rtol=1e-12, atol=1e-15)


def test_a_rule_of_ones_own_needs_its_formula_only():
    class Slower(Momentum):
        def step(self, theta, g, v):
            return theta - self.lr * (v + g) / 2, v + g

    class Signs(Optimiser):
        def step(self, theta, g):
            return (theta - self.lr * np.sign(g),)

    gradients = np.array([[1.0, -3.0], [1.0, 2.0]])
    assert walk(Slower(1.0), np.zeros(2), gradients).tolist() == [[-0.5, 1.5], [-1.5, 2.0]]
    assert walk(Signs(1.0), np.zeros(2), gradients).tolist() == [[-1.0, 1.0], [-2.0, 0.0]]


@pytest.mark.peer
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("size", [1.0, 1e-8], ids=["gradients near 1", "gradients near eps"])
def test_same_trajectory_as_pytorch(torch, name, size):
    make = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8),
        "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.95, eps=1e-6),
        "adam": lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.85, 0.98), eps=1e-6),
    }[name]
    rng = np.random.default_rng(2)
    theta, gradients = rng.normal(size=7), size * rng.normal(size=(50, 7))
    theirs = torch.tensor(theta, requires_grad=True)
    optimiser, expected = make([theirs]), []
    for slope in gradients:
        theirs.grad = torch.tensor(slope)
        optimiser.step()
        expected.append(theirs.detach().numpy().copy())
    np.testing.assert_allclose(
        walk(MAKERS[name](), theta, gradients), expected, rtol=1e-12, atol=1e-15
    )


def test_adam_adds_eps_beside_the_corrected_root():
    """With |g| = eps the first step is lr/2; eps under the root or before the correction is not."""
    eps, theta = 1e-8, np.zeros(1)
    Adam(0.1, eps=eps).update(theta, np.array([eps]))
    assert theta[0] == pytest.approx(-0.05, rel=1e-12)
    root_of_v = np.sqrt(0.001) * eps
    misplaced = {
        "under the root": 0.1 * eps / np.sqrt(eps**2 + eps),
        "beside the uncorrected root": 0.1 * np.sqrt(0.001) * eps / (root_of_v + eps),
    }
    for step in misplaced.values():
        assert abs(theta[0] + step) > 0.01


@pytest.mark.parametrize("name", MAKERS)
def test_gradient_is_only_read_and_theta_changes_in_place(name):
    theta, g = np.ones(4), np.array([1.0, -2.0, 0.5, 0.0])
    before = g.copy()
    assert MAKERS[name]().update(theta, g) is None
    np.testing.assert_array_equal(g, before)
    assert (theta[:3] != 1).all()
    assert theta[3] == 1


@pytest.mark.parametrize("name", MAKERS)
def test_pieces_make_no_difference(name, monkeypatch):
    rng = np.random.default_rng(3)
    theta, gradients = rng.normal(size=100), rng.normal(size=(4, 100))
    whole = walk(MAKERS[name](), theta, gradients)
    monkeypatch.setattr("mlp_lib._fast.PIECE", 7)
    np.testing.assert_array_equal(walk(MAKERS[name](), theta, gradients), whole)


@pytest.mark.parametrize("name", MAKERS)
def test_float32_stays_float32(name):
    optimiser, theta = MAKERS[name](), np.ones(5, np.float32)
    for _ in range(3):
        optimiser.update(theta, np.full(5, 0.5, np.float32))
    assert theta.dtype == np.float32
    assert all(s.dtype == np.float32 for s in optimiser.state)
    exact = walk(MAKERS[name](), np.ones(5), np.full((3, 5), 0.5))[-1]
    np.testing.assert_allclose(theta, exact, rtol=1e-6)


@pytest.mark.parametrize("name", MAKERS)
def test_state_survives_other_arrays_and_reset_forgets_it(name):
    rng = np.random.default_rng(4)
    theta, gradients = rng.normal(size=6), rng.normal(size=(6, 6))
    expected = walk(MAKERS[name](), theta, gradients)
    optimiser = MAKERS[name]()
    half = walk(optimiser, theta, gradients[:3])
    np.testing.assert_array_equal(walk(optimiser, half[-1], gradients[3:]), expected[3:])
    optimiser.reset()
    np.testing.assert_array_equal(walk(optimiser, theta, gradients), expected)


def test_learning_rate_may_change_on_the_way():
    optimiser, theta, g = SGD(0.5), np.zeros(1), np.ones(1)
    optimiser.update(theta, g)
    optimiser.lr = 0.25
    optimiser.update(theta, g)
    assert theta[0] == -0.75


def test_a_step_allocates_nothing_of_the_size_of_theta():
    theta, g = np.ones(4 * PIECE), np.ones(4 * PIECE)
    optimiser = Adam()
    optimiser.update(theta, g)
    tracemalloc.start()
    for _ in range(5):
        optimiser.update(theta, g)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000


def test_table_names_every_optimiser():
    assert set(OPTIMISERS) == set(MAKERS)
    assert all(isinstance(MAKERS[name](), kind) for name, kind in OPTIMISERS.items())


@pytest.mark.parametrize(
    ("theta", "g", "error", "message"),
    [
        (np.ones(3), np.ones(2), ValueError, r"gradient: expected .*\(3,\).*got \(2,\)"),
        (np.ones((3, 1)), np.ones((3, 1)), ValueError, r"theta: expected shape \(n,\)"),
        (np.ones(3, int), np.ones(3), TypeError, "theta: expected an array of floats, got dtype"),
        ([1.0], np.ones(1), TypeError, "theta: expected an array of floats, got list"),
        (np.ones(3, np.float32), np.ones(3), TypeError, "gradient: expected dtype float32"),
    ],
)
def test_update_refuses(theta, g, error, message):
    with pytest.raises(error, match=message):
        SGD(0.1).update(theta, g)


def test_state_belongs_to_one_number_of_parameters():
    optimiser = Momentum(0.1)
    optimiser.update(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match=r"theta: expected the 3 parameters .* got 4"):
        optimiser.update(np.ones(4), np.ones(4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "lr: expected a finite number from 0"),
        (lambda: Momentum(0.1, mu=1.0), "mu: expected 0 ≤ mu < 1, got 1.0"),
        (lambda: RMSProp(rho=-0.5), "rho: expected"),
        (lambda: Adam(beta2=1.5), "beta2: expected 0 ≤ beta2 < 1"),
        (lambda: Adam(eps=float("nan")), "eps: expected a finite number"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()
