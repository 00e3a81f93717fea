# Everything lives in .venv; no target needs anything else to be typed first.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
RESULTS ?= reports/allure-results

.DEFAULT_GOAL := help
.PHONY: help install demo images test check fuzz report bench bench-stack baselines lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

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
	$(BIN)/pytest -q -n 2 --alluredir=reports/allure-results --clean-alluredir tests/unit

images: install ## the servers' images: present, pulled or built; as root on Debian also the Docker engine
	$(BIN)/python -m harness.stack images

test: install images ## all tests
	$(BIN)/pytest -n 2 --alluredir=reports/allure-results --clean-alluredir

fuzz: install ## N=500 random sequences of runs, inserts, redeliveries, merges, compactions and crashes; embedded
	TIDEMARK_FUZZ_EXAMPLES=$(or $(N),500) $(BIN)/pytest -q -n 2 tests/integration/embedded/test_fuzz.py

report: fixtures/report/node_modules/.package-lock.json ## the last tests as one page, reports/allure/index.html: steps, timelines, logs (needs Node.js)
	@ls $(RESULTS)/*-result.json >/dev/null 2>&1 || { echo "expected: results of a test run in $(RESULTS); found: none; next: make test"; exit 69; }
	cd fixtures/report && npm exec -- allure generate --config allurerc.mjs --output $(CURDIR)/reports/allure $(abspath $(RESULTS)) >/dev/null
	@echo "reports/allure/index.html"

fixtures/report/node_modules/.package-lock.json: fixtures/report/package-lock.json
	@command -v npm >/dev/null || { echo "expected: Node.js for the report; found: no npm on the PATH; next: apt-get install nodejs npm"; exit 69; }
	cd fixtures/report && npm ci --silent --ignore-scripts
	@touch $@

bench: install ## measure rates, memory and import times; prints a table, writes reports/bench.json
	$(BIN)/python bench/run.py

bench-stack: install baselines ## measure beside Spark and dlt on the servers of the stack; ARGS="--rows 100000 --repeats 1" for a trial
	$(BIN)/python bench/stack.py $(ARGS)

baselines: .venv-bench/.installed ## make .venv-bench with what the two baselines stand on (needs Java and Maven)

.venv-bench/.installed: bench/baselines/constraints.txt bench/baselines/jars.txt
	@command -v mvn >/dev/null || { echo "expected: Java and Maven for the baselines; found: no mvn on the PATH; next: apt-get install maven openjdk-17-jdk-headless"; exit 69; }
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/pip install --quiet --require-hashes --requirement bench/baselines/constraints.txt
	while read -r jar; do mvn -q -B dependency:copy -Dartifact="$$jar" -DoutputDirectory="$(CURDIR)/.venv-bench/jars" || exit 1; done < bench/baselines/jars.txt
	@touch $@

lock: ## pin every dependency anew, with hashes (needs uv on the PATH)
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --all-extras pyproject.toml -o constraints.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 bench/baselines/requirements.in -o bench/baselines/constraints.txt

clean: ## remove what the targets made
	rm -rf .venv .venv-bench fixtures/report/node_modules reports build
