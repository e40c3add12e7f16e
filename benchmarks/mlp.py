"""Measure `mlp_lib` against PyTorch, scikit-learn and bare matrix products, as ratios.

    python benchmarks/mlp.py                 the whole table, some minutes
    python benchmarks/mlp.py --quick         a smoke run, seconds; its numbers mean little
    python benchmarks/mlp.py --markdown OUT  write the tables to OUT as well

How it is measured and what is compared with what: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from mlp_lib import Value, numerical_gradient, one_hot
from mlp_lib.data import digits, moons
from mlp_lib.network import MLP
from mlp_lib.optimisers import SGD, Adam

Run = Callable[[int], Any]  # trains for so many epochs
LR = 1e-3


@dataclass(frozen=True)
class Case:
    """One network on one data set with one optimiser, and what issue and machine allow."""

    name: str
    sizes: tuple[int, ...]
    m: int
    b: int
    optimiser: str
    target: tuple[float, float, float | None]  # ÷ PyTorch, ÷ scikit-learn, ÷ GEMM floor

    def data(self, dtype: Any = np.float64) -> tuple[Any, Any]:
        """Examples (m, n₀) and class numbers (m,): moons, digits, or random numbers."""
        rng = np.random.default_rng(0)
        if self.sizes[0] == 2:
            X, labels = moons(self.m, rng)
        elif self.sizes[0] == 64:
            X, labels = digits()
            X, labels = X[: self.m], labels[: self.m]
        else:
            X = rng.standard_normal((self.m, self.sizes[0]), dtype=np.float32)
            labels = rng.integers(0, self.sizes[-1], self.m)
        return X.astype(dtype), labels

    @property
    def steps(self) -> int:
        """Updates an epoch."""
        return -(-self.m // self.b)


def cases(m_large: int) -> list[Case]:
    """Return the six cases of the table."""
    tiny, small, large = (2, 16, 16, 2), (64, 128, 10), (784, 256, 128, 10)
    return [
        Case("2-16-16-2, b 32, SGD", tiny, 1000, 32, "sgd", (0.15, 0.22, None)),
        Case("2-16-16-2, b 32, Adam", tiny, 1000, 32, "adam", (0.11, 0.22, None)),
        Case("64-128-10, b 64, SGD", small, 1797, 64, "sgd", (0.28, 0.36, 2.0)),
        Case("64-128-10, b 1, SGD", small, 1797, 1, "sgd", (0.14, 0.22, 1.9)),
        Case("784-256-128-10, b 128, SGD", large, m_large, 128, "sgd", (0.82, 0.81, 1.15)),
        Case("784-256-128-10, b 128, Adam", large, m_large, 128, "adam", (0.70, 0.86, 1.5)),
    ]


# ---------------------------------------------------------------- what is compared


def ours(case: Case, dtype: Any) -> Run:
    X, labels = case.data(dtype)
    Y = one_hot(labels, case.sizes[-1]).astype(dtype)
    net = MLP(case.sizes, "relu", "softmax", rng=np.random.default_rng(1), dtype=dtype)
    optimiser, rng = {"sgd": SGD, "adam": Adam}[case.optimiser](LR), np.random.default_rng(2)
    return lambda epochs: net.fit(
        X, Y, epochs=epochs, batch_size=case.b, optimiser=optimiser, rng=rng
    )


def readable(case: Case, dtype: Any) -> Run:
    """The same training by the functions the lessons teach: forward, backward, update."""
    from mlp_lib import iterate_minibatches

    X, labels = case.data(dtype)
    Y = one_hot(labels, case.sizes[-1]).astype(dtype)
    net = MLP(case.sizes, "relu", "softmax", rng=np.random.default_rng(1), dtype=dtype)
    optimiser, rng = {"sgd": SGD, "adam": Adam}[case.optimiser](LR), np.random.default_rng(2)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for Xb, Yb in iterate_minibatches(X, Y, case.b, rng):
                _, cache = net.forward(Xb)
                net.backward(cache, Yb)
                optimiser.update(net.theta, net.gradient)

    return run


def pytorch(case: Case, dtype: Any, fused: bool | None = None) -> Run:
    """`nn.Sequential`, the plain loop of the manual; one shuffle an epoch, then slices."""
    import torch

    kind = torch.float32 if dtype == np.float32 else torch.float64
    torch.manual_seed(0)
    layers: list[Any] = []
    for n_in, n_out in pairwise(case.sizes):
        layers += [torch.nn.Linear(n_in, n_out, dtype=kind), torch.nn.ReLU()]
    net, loss_of = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[case.optimiser]
    optimiser = make(net.parameters(), lr=LR, fused=fused)
    X, labels = (torch.from_numpy(x) for x in case.data(dtype))

    def run(epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(case.m)
            X_now, labels_now = X[order], labels[order]
            for i in range(0, case.m, case.b):
                optimiser.zero_grad()
                loss = loss_of(net(X_now[i : i + case.b]), labels_now[i : i + case.b])
                loss.backward()
                optimiser.step()

    return run


def scikit_learn(case: Case, dtype: Any) -> Run:
    """`MLPClassifier.fit` for exactly so many epochs: no penalty, no momentum, no early stop."""
    from sklearn.neural_network import MLPClassifier

    X, labels = case.data(dtype)

    def run(epochs: int) -> None:
        MLPClassifier(
            hidden_layer_sizes=case.sizes[1:-1],
            solver=case.optimiser,
            batch_size=case.b,
            learning_rate_init=LR,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            tol=0,
            alpha=0,
            momentum=0,
            nesterovs_momentum=False,
            shuffle=True,
            random_state=0,
        ).fit(X, labels)

    return run


def gemm_floor(case: Case, dtype: Any, product: Any = np.dot) -> Run:
    """The matrix products of forward and backward pass alone, into buffers, data in the cache."""
    rng = np.random.default_rng(1)
    W = [rng.standard_normal(shape).astype(dtype) for shape in pairwise(case.sizes)]
    dW = [np.empty_like(w) for w in W]

    def operands(m: int) -> list[tuple[Any, Any, Any]]:
        A = [rng.standard_normal((m, n)).astype(dtype) for n in case.sizes]
        todo = [(A[k], w, A[k + 1].copy()) for k, w in enumerate(W)]
        for k in reversed(range(len(W))):
            todo.append((A[k].T, A[k + 1], dW[k]))
            if k:
                todo.append((A[k + 1], W[k].T, A[k].copy()))
        return todo

    products = {m: operands(m) for m in {case.b, case.m % case.b} - {0}}
    epoch = [products[min(case.b, case.m - i)] for i in range(0, case.m, case.b)]

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for step in epoch:
                for left, right, out in step:
                    product(left, right, out)

    return run


def jax_parts(case: Case, dtype: Any) -> dict[str, Run]:
    """The same training in JAX: one compiled step, and one compiled epoch (`lax.scan`)."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    data, labels = case.data(dtype)
    X, Y = jnp.asarray(data), jnp.asarray(one_hot(labels, case.sizes[-1]).astype(dtype))
    rng = np.random.default_rng(1)
    start = [
        (jnp.asarray((rng.standard_normal(s) * (2 / s[0]) ** 0.5).astype(dtype)), jnp.zeros(s[1]))
        for s in pairwise(case.sizes)
    ]
    whole = case.m // case.b * case.b

    def loss(params: Any, x: Any, y: Any) -> Any:
        for W, b in params[:-1]:
            x = jax.nn.relu(x @ W + b)
        W, b = params[-1]
        return -(y * jax.nn.log_softmax(x @ W + b)).sum() / len(y)

    def update(params: Any, x: Any, y: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, x, y)
        return jax.tree_util.tree_map(lambda p, g: p - LR * g, params, grads), value

    step = jax.jit(update)

    @jax.jit
    def compiled_epoch(params: Any, order: Any) -> Any:
        x = X[order][:whole].reshape(-1, case.b, X.shape[1])
        y = Y[order][:whole].reshape(-1, case.b, Y.shape[1])
        params, values = jax.lax.scan(lambda p, xy: update(p, *xy), params, (x, y))
        if whole < case.m:
            params, _ = update(params, X[order][whole:], Y[order][whole:])
        return params, values

    def by_steps(epochs: int) -> None:
        params = start
        for _ in range(epochs):
            order = rng.permutation(case.m)
            X_now, Y_now = X[order], Y[order]
            for i in range(0, case.m, case.b):
                params, _ = step(params, X_now[i : i + case.b], Y_now[i : i + case.b])
        jax.block_until_ready(params)

    def by_epochs(epochs: int) -> None:
        params = start
        for _ in range(epochs):
            params, _ = compiled_epoch(params, rng.permutation(case.m))
        jax.block_until_ready(params)

    return {"JAX, step compiled": by_steps, "JAX, epoch compiled": by_epochs}


# ---------------------------------------------------------------- how it is measured


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = CLOCKS["wall"]


def seconds(run: Run, epochs: int) -> float:
    start = clock()
    run(epochs)
    return clock() - start


def interleave(
    runs: dict[str, Run], enough: float, rounds: int, alone: str = ""
) -> dict[str, list[float]]:
    """Time the runs in turn, `rounds` times: seconds an epoch, one list a run.

    All train for the same number of epochs, at least two and so many that the quickest works
    `enough` seconds; only the run called `alone`, too slow for that, chooses for itself.
    """
    epochs = {name: 1 if name == alone else 2 for name in runs}
    for run in runs.values():
        run(1)  # warm: caches, lazy imports, compilers
    for slow in (False, True):
        group = [name for name in runs if (name == alone) == slow]
        while group:
            quickest = min(seconds(runs[name], epochs[name]) for name in group)
            if quickest > enough / 2:
                break
            n = epochs[group[0]]
            n = min(10 * n, max(n + 1, round(n * enough / quickest)))
            epochs.update(dict.fromkeys(group, n))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run, epochs[name]) / epochs[name])
    return times


def ratio(times: dict[str, list[float]], peer: str, us: str = "ours") -> float:
    """Median over the rounds of our time ÷ the peer's time in the same round."""
    pairs = zip(times[us], times[peer], strict=True)
    return statistics.median(mine / theirs for mine, theirs in pairs)


class Threads:
    """So many threads for every BLAS in the process and for PyTorch."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __enter__(self) -> None:
        import sklearn.neural_network  # noqa: F401  its BLAS must be loaded before it is limited
        import torch

        torch.set_num_threads(self.n)
        self.limits = threadpool_limits(self.n)

    def __exit__(self, *_: Any) -> None:
        self.limits.restore_original_limits()


# ---------------------------------------------------------------- the tables


class Report:
    """Lines to the screen as they come, and to a Markdown file at the end."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, *lines: str) -> None:
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)

    def head(self, *cells: str) -> None:
        self.row(*cells)
        self.row(*("---" for _ in cells))

    def row(self, *cells: str) -> None:
        self.say("| " + " | ".join(cells) + " |")


def against_peers(report: Report, todo: list[Case], threads: int, dtype: Any, args: Any) -> None:
    kind = np.dtype(dtype).name
    plural = "s" if threads > 1 else ""
    report.say("", f"### {kind}, {threads} thread{plural}", "")
    peers = ("÷ PyTorch", "÷ scikit-learn", "÷ floor (dot)", "÷ floor (matmul)", "÷ readable")
    report.head("case", "µs a step", *peers)
    with_targets = threads == 1 and dtype == np.float64
    for case in todo:
        runs = {
            "ours": ours(case, dtype),
            "PyTorch": pytorch(case, dtype),
            "scikit-learn": scikit_learn(case, dtype),
            "floor (dot)": gemm_floor(case, dtype),
            "floor (matmul)": gemm_floor(case, dtype, np.matmul),
            "readable": readable(case, dtype),
        }
        with Threads(threads):
            times = interleave(runs, args.enough, args.rounds, alone="readable")
        cells = [f"{statistics.median(times['ours']) / case.steps * 1e6:.1f}"]
        for peer, target in zip(list(runs)[1:], (*case.target, None, None), strict=True):
            r = ratio(times, peer)
            cells.append(f"{r:.2f}")
            if with_targets and target is not None:
                cells[-1] += f" (≤ {target:.2f}{'' if round(r, 2) <= target else ', missed'})"
        report.row(case.name, *cells)


def other_engines(report: Report, todo: list[Case], args: Any) -> None:
    """PyTorch's fused optimisers and JAX, where they are to be had."""
    report.say("", "### Other engines, float64, 1 thread", "")
    report.head("case", "engine", "its µs a step", "ours ÷ it")
    for case in todo:
        runs: dict[str, Run] = {"ours": ours(case, np.float64)}
        if case.b > 1:
            runs["PyTorch, fused optimiser"] = pytorch(case, np.float64, fused=True)
        if importlib.util.find_spec("jax") and case.optimiser == "sgd" and case.b > 1:
            runs |= jax_parts(case, np.float64)
        if len(runs) == 1:
            continue
        with Threads(1):
            times = interleave(runs, args.enough, args.rounds)
        for name in list(runs)[1:]:
            each = statistics.median(times[name]) / case.steps * 1e6
            report.row(case.name, name, f"{each:.1f}", f"{ratio(times, name):.2f}")
    if not importlib.util.find_spec("jax"):
        report.say("", "JAX is not installed here, so it was not measured.")


def scalar_engine(report: Report, args: Any) -> None:
    """One gradient of a batch, a number at a time (`Value`), against one by matrices."""
    sizes, m = (2, 16, 16, 2), 32
    X, labels = moons(m, np.random.default_rng(0))
    Y = one_hot(labels, 2)
    net = MLP(sizes, rng=np.random.default_rng(1))

    def by_values(epochs: int) -> Any:
        for _ in range(epochs):
            params = [
                ([[Value(w) for w in row] for row in W], [*map(Value, b[0])]) for W, b in net.params
            ]
            J = Value(0.0)
            for x, y in zip(X, Y, strict=True):
                a: list[Any] = list(map(float, x))
                for k, (W, b) in enumerate(params):
                    z = [
                        sum((a_i * W[i][j] for i, a_i in enumerate(a)), b[j]) for j in range(len(b))
                    ]
                    a = z if k == len(params) - 1 else [z_j.relu() for z_j in z]
                total = sum((z_j.exp() for z_j in a), Value(0.0))
                J = J + (total.log() - a[int(y.argmax())]) / m
            J.backward()
        return [w.grad for W, _ in params for row in W for w in row]

    steps = np.concatenate([dW.ravel() for dW, _ in net.backward(net.forward(X)[1], Y)])
    if not np.allclose(steps, by_values(1), rtol=1e-10, atol=1e-14):
        raise AssertionError("the scalar engine and backpropagation disagree")
    case = Case("", sizes, 32 * m, m, "sgd", (0, 0, None))
    with Threads(1):
        runs = {"ours": ours(case, np.float64), "scalar": by_values}
        times = interleave(runs, args.enough / 4, min(args.rounds, 5), alone="scalar")
    one = statistics.median(times["scalar"])
    report.say(
        "",
        "### A number at a time",
        "",
        f"One step of 2-16-16-2 with 32 examples by `Value`: {one * 1e3:.0f} ms, "
        f"{case.steps / ratio(times, 'scalar'):,.0f} times as long as one step of `MLP.fit`.",
    )


def finite_differences(report: Report, args: Any) -> None:
    """The time for all N slopes by central differences and by backpropagation, for growing N."""
    widths = (64, 128) if args.quick else (64, 128, 256, 512, 1024)
    X, labels = digits()
    X, Y = X[:512], one_hot(labels[:512], 10)
    rows = []
    with Threads(1):
        for width in widths:
            net = MLP((64, width, 10), "tanh", rng=np.random.default_rng(0))
            some = np.random.default_rng(1).choice(net.theta.size, 5, replace=False)

            def loss_at(part: Any, net: MLP = net, some: Any = some) -> float:
                kept = net.theta[some]
                net.theta[some] = part
                value = net.loss(X, Y)
                net.theta[some] = kept
                return value

            def by_differences(n: int, net: MLP = net, some: Any = some, f: Any = loss_at) -> None:
                for _ in range(n):
                    numerical_gradient(f, net.theta[some].copy())

            def by_backprop(n: int, net: MLP = net) -> None:
                for _ in range(n):
                    net.backward(net.forward(X)[1], Y)

            runs = {"differences": by_differences, "backprop": by_backprop}
            times = interleave(runs, args.enough / 4, args.rounds)
            N = net.theta.size
            all_of_them = statistics.median(times["differences"]) * N / len(some)
            rows.append((N, all_of_them, statistics.median(times["backprop"])))
    report.say("", "### Finite differences against backpropagation (64-n-10, 512 digits)", "")
    report.head("parameters N", "differences, s", "backprop, s", "ratio", "ratio ÷ N")
    for N, slow, quick in rows:
        r = slow / quick
        report.row(f"{N:,}", f"{slow:.1f}", f"{quick:.5f}", f"{r:,.0f}", f"{r / N:.2f}")
    N, slow, quick = np.log(np.array(rows)).T
    report.say(
        "",
        f"Fitted: differences ~ N^{np.polyfit(N, slow, 1)[0]:.2f}, "
        f"backprop ~ N^{np.polyfit(N, quick, 1)[0]:.2f} (all examples in one batch; the time of "
        f"the differences is that of 5 parameters times N/5).",
    )


def machine() -> list[str]:
    """What the numbers depend on."""
    packages = ["numpy", "torch", "scikit-learn"]
    if importlib.util.find_spec("jax"):
        packages.append("jax")
    blas = {
        f"{b['internal_api']} {b['version']} ({b.get('architecture', '?')} kernels)"
        for b in threadpool_info()
        if b["user_api"] == "blas"
    }
    return [
        f"Python {platform.python_version()}, " + ", ".join(f"{p} {version(p)}" for p in packages),
        f"BLAS: {', '.join(sorted(blas))}; {os.cpu_count()} processors, {processor()}",
    ]


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run in seconds")
    parser.add_argument("--markdown", type=Path, metavar="OUT", help="also write the tables there")
    parser.add_argument(
        "--large-rows",
        type=int,
        default=12_800,
        metavar="M",
        help="examples of the 784-256-128-10 case (default %(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds per case")
    parser.add_argument(
        "--enough", type=float, default=0.05, help="seconds the quickest contender works in a round"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only cases with this in the name"
    )
    parser.add_argument(
        "--parts",
        default="peers,float32,threads,engines,scalar,differences",
        help="which tables (default: %(default)s)",
    )
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="cpu: count processor time, for one thread on a machine that has other work too",
    )
    args = parser.parse_args()
    global clock
    clock = CLOCKS[args.clock]
    if args.quick:
        args.large_rows, args.rounds, args.enough = 512, 2, 0.002
    parts = args.parts.split(",")
    todo = [case for case in cases(args.large_rows) if args.only in case.name]
    warnings.filterwarnings("ignore", category=UserWarning)  # scikit-learn: it did not converge

    report = Report()
    report.say(*machine())
    report.say(
        f"Large case: m = {args.large_rows:,}. Median of {args.rounds} interleaved rounds, "
        f"{args.clock} clock."
    )
    if "peers" in parts:
        against_peers(report, todo, 1, np.float64, args)
    if "float32" in parts:
        against_peers(report, todo, 1, np.float32, args)
    if "threads" in parts:
        against_peers(report, todo, 2, np.float64, args)
    if "engines" in parts:
        other_engines(report, todo, args)
    if "scalar" in parts:
        scalar_engine(report, args)
    if "differences" in parts:
        finite_differences(report, args)
    if args.markdown:
        args.markdown.write_text("\n".join(report.lines) + "\n", encoding="utf-8")
        print(f"written: {args.markdown}", file=sys.stderr)


if __name__ == "__main__":
    main()
