"""Printed numbers that no single case of the bank shows: long runs, and ratios of any size."""

import numpy as np
import pytest

import mlp_lib
from autograder.bank.l12_training import fit_1d, fit_xor, outputs_of
from autograder.bank.l13_deep import layer_grad_norms

HALF = [0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("mistake", "act", "outputs"),
    [
        ("identity-hidden", "identity", HALF),
        ("zero-start", "tanh", HALF),
        ("tiny-start", "tanh", HALF),
        ("stuck-seed", "tanh", [0.0009, 0.9994, 0.4993, 0.5006]),
    ],
)
def test_wrong_ways_to_learn_xor_end_at_the_printed_outputs(mistake, act, outputs):
    params, _ = fit_xor.mistake(mistake).code["fit_xor"]()
    np.testing.assert_allclose(outputs_of(params, act), outputs, atol=5.1e-5)


def test_xor_is_learned_after_2000_epochs_and_not_yet_after_50():
    params, _ = mlp_lib.fit_xor()
    np.testing.assert_allclose(outputs_of(params), [0.0001, 0.9987, 0.9987, 0.002], atol=5.1e-5)
    params, _ = mlp_lib.fit_xor(epochs=49)  # printed are the outputs met in epoch 50
    np.testing.assert_allclose(outputs_of(params), [0.0511, 0.8549, 0.892, 0.1751], atol=5.1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mistake", "errors"),
    [
        ("identity", [0.1027, 0.0006, 0.0859, 0.0611]),
        ("no-hidden-biases", [0.1026, 1.282e-06, 0.0858, 0.0062]),
        ("sigmoid-output", [0.0017, 0.1279, 0.0024, 0.0017]),
        ("one-unit", [0.1031, 1.173e-06, 0.086, 0.0074]),
        ("plus", [0.1027, 0.0554, 0.0859, 0.0734]),
        ("large-steps", [np.inf] * 4),
        ("zero-start", [0.1032, 0.2734, 0.086, 0.2436]),
    ],
)
def test_wrong_ways_to_fit_four_functions_end_at_the_printed_errors(mistake, errors):
    code = fit_1d.mistake(mistake).code["fit_1d"]
    found = [code(f)[1] for f in mlp_lib.FUNCTIONS_1D.values()]
    np.testing.assert_allclose(found, errors, atol=5.1e-5)


@pytest.mark.parametrize(
    ("mistake", "act", "ratio"),
    [
        ("no-slope", "sigmoid", 0.8937),
        ("g-for-slope", "sigmoid", 0.0027),
        ("slope-at-a", "sigmoid", 1.793e-06),
        ("reversed", "sigmoid", 6.494e05),
        ("tiny-weights", "tanh", 0.8861),
    ],
)
def test_wrong_norms_have_the_printed_ratio(mistake, act, ratio):
    norms = layer_grad_norms.mistake(mistake).code["layer_grad_norms"](act)
    assert norms[0] / norms[-1] == pytest.approx(ratio, rel=0.02 if ratio == 0.0027 else 3e-4)


def test_the_exploding_chain_ends_at_the_printed_gradient():
    chain = layer_grad_norms.mistake("exploding-chain").code["layer_grad_norms"]("relu")
    assert chain[0] == 130816
