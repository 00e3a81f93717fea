# Everything lives in .venv; no target needs anything else to be typed first.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## make .venv with the pinned dependencies and this project

$(STAMP): constraints.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "expected: $(PYTHON) on the PATH; next: apt-get install python3.11 python3.11-venv, or make install PYTHON=python3"; exit 69; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement constraints.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: install ## a million trades into Iceberg exactly once, across a kill -9; no Docker, under a minute
	$(BIN)/offload demo

check: install ## format, lint, types, import contracts, unit and simulation tests: a minute, no server
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q -n 2 tests/unit tests/harness

test: install ## all tests
	$(BIN)/pytest -n 2

bench: install ## measure rates, memory and import times; prints a table, writes reports/bench.json
	$(BIN)/python bench/run.py

lock: ## pin every dependency anew, with hashes (needs uv on the PATH)
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --all-extras pyproject.toml -o constraints.txt

clean: ## remove what the targets made
	rm -rf .venv reports build
