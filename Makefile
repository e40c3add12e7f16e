# Two commands do all the set-up by themselves: `make book` and `make test`.
# Each target says in one line what it does; `make help` prints them.

PY := .venv/bin/python
ARGS ?=
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup book strict test cluster serve lab check format bench pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo "  PYTHON=/path/to/python3 chooses the Python that .venv is made from (3.11 or newer)."

setup: ## make .venv from requirements.txt (the other targets do this by themselves)
	@py="$$(scripts/python.sh)" && "$$py" scripts/setup.py

book: setup ## build the book and print where it is
	@$(PY) scripts/book.py $(ARGS)

strict: setup ## build the book from nothing, every warning an error, as CI does
	@$(PY) scripts/book.py --strict $(ARGS)

test: setup ## run the tests (ARGS="tests/mlp_lib -x": some of them)
	@$(PY) -m pytest $(ARGS)

cluster: setup ## run the tests of grading on a Dask cluster, which share a process with no others
	@$(PY) -m pytest -m cluster tests/autograder/grading/test_cluster.py

serve: book ## build the book and serve it on http://localhost:8000
	@echo "Serving on http://localhost:8000 (Ctrl-C stops)" && $(PY) -m http.server --bind 127.0.0.1 --directory _build/html 8000

lab: setup ## open the problem sets in JupyterLab, in a folder work/ of your own
	@$(PY) -m autograder.cli work work && $(PY) -m jupyterlab work $(ARGS)

check: setup ## lint, format and type check, changing nothing
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: setup ## let ruff format the code and mend what it safely can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: setup ## measure the library against its peers (a few minutes)
	@$(PY) benchmarks/mlp.py $(ARGS)

pins: setup ## resolve requirements.txt anew from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --upgrade --custom-compile-command "make pins" \
		--quiet --output-file requirements.txt $(ARGS)

clean: ## remove what was built (.venv stays)
	@rm -rf _build dist .pytest_cache .mypy_cache .ruff_cache
