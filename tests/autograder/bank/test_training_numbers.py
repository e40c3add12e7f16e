"""The long runs of lesson 12: what the wrong codes of the bank end at, as the course prints it."""

import numpy as np
import pytest

import mlp_lib
from autograder.bank.l12_training import fit_1d, fit_xor, outputs_of

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
