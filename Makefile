# The commands of the project. All of them build what they need; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
PORT ?= 8080
# Further arguments for pytest: make test ARGS='-k holds'
ARGS ?=

# A file is one worker's. Files begin in the order of collection, which ends with the short ones of tests/unit: left to
# itself xdist begins with those of many tests, and the slow ones, which have few, come last.
TWO_WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

# Tests that start Airflow's daemons mostly wait for it: two workers, so never more than two Airflows at once, each with
# a home, databases and ports of its own. tests/acceptance/conftest.py says which modules go first.
AIRFLOW_TESTS := tests/acceptance tests/integration/test_compose.py
QUICK := tests $(addprefix --ignore=,$(AIRFLOW_TESTS)) --ignore=tests/benchmarks --ignore=tests/chaos

.PHONY: help setup check format test test-quick test-airflow chaos demo bench lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.setup ## Build .venv from the lock; does nothing when it is up to date

.venv/.setup: requirements.lock pyproject.toml .ci/setup
	@.ci/setup
	@touch $@

check: setup ## Lint, types, import contracts, unit tests: under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q $(TWO_WORKERS) tests/architecture tests/unit $(ARGS)

format: setup ## Let ruff write what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: test-quick test-airflow ## Every test; Postgres and Chromium are used when they are there

test-quick: setup ## Tests without Airflow's daemons
	$(BIN)/pytest -q $(TWO_WORKERS) $(QUICK) $(ARGS)

test-airflow: setup ## Tests against a whole running Airflow and in the browser
	$(BIN)/pytest -q $(TWO_WORKERS) $(AIRFLOW_TESTS) $(ARGS)

chaos: setup ## Kill everything at random, see that each date is done once: SEEDS=1..3 DATES=60 DB=postgres
	$(BIN)/python -m tests.chaos --seeds $(or $(SEEDS),1) --dates $(or $(DATES),60) --db $(or $(DB),sqlite) \
	  $(if $(TALLY),--tally $(TALLY))

pages: setup ## Build the pages of the web UI from airflow_backfill_provider/plugins/www; commit what it makes
	@.ci/pages build

pages-fresh: setup ## Test the pages' logic, and that what is committed is what their source builds
	@.ci/pages fresh

demo: setup ## A simulator, an Airflow and ten pipelines; ONCE=1 checks itself and ends; PORT=8090
	$(BIN)/python -m airflow_backfill_provider.demo --port $(PORT) $(if $(ONCE),--once) $(if $(FALSIFY),--falsify $(FALSIFY))

bench: setup ## The benchmarks: medians, spread, ratios
	@shopt -s nullglob; files=(tests/benchmarks/[!_]*.py); \
	[ $${#files[@]} -gt 0 ] || { echo "tests/benchmarks has none" >&2; exit 1; }; \
	for file in "$${files[@]}"; do echo "== $$file"; $(BIN)/python "$$file" || exit; done

lock: setup ## Resolve the dependencies anew; commit requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --upgrade -o requirements.lock

clean: ## Remove everything that was built
	rm -rf .venv .demo .artifacts .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
