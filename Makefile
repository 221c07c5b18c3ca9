# `make dev` runs everything, `make test` proves it. Both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8

PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder
# What failed beside others is tried once more, alone: a race that thousands of tests lost once on a busy machine is named and
# refuses nobody's work; what fails again fails.
ONCE_MORE := [ $$? -eq 1 ] && echo "Once more, alone, what failed. What passes now is unsteady, and to be mended:" && \
	$(BIN)/python -m pytest -v --exitfirst --last-failed --last-failed-no-failures none
# What asks the backend, and does not try both by itself: it runs once more where gateways read Postgres themselves.
OVER_POSTGRES := tests/gateway tests/kinds tests/scopes tests/caching/test_cached_answers.py \
	tests/caching/test_sharing.py tests/caching/test_writes.py tests/faults/test_deadlines.py \
	tests/incremental/test_defer.py tests/limits/test_served.py tests/limits/test_values.py \
	tests/live/test_changes.py tests/live/test_computed_changes.py \
	tests/live/test_live_queries.py tests/live/test_live_query_reads.py tests/live/test_live_query_transports.py \
	tests/live/test_notifications.py tests/live/test_own_changes.py tests/live/test_trip_preferences.py \
	tests/live/test_shared_collections.py \
	tests/observability/test_metrics.py tests/observability/test_no_secrets.py tests/outages/test_servers.py \
	tests/strawberry/test_execute.py

.PHONY: setup dev test check audit schema release format lock bench soak mutants migration clean help

help: ## Show the commands.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(VENV)/.ready ## Create .venv with everything that development and tests need.

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tripgate needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --requirement requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

dev: setup ## Start Postgres, PostgREST, Auth and the gateway on this machine.
	@$(BIN)/tripgate dev

test: setup ## Run every test against real servers; TEST_EXAMPLES=10 tries ten times as many random ones.
	@$(PYTEST) || { $(ONCE_MORE); }
	@$(PYTEST) --backend postgres $(OVER_POSTGRES) || { $(ONCE_MORE) --backend postgres $(OVER_POSTGRES); }

check: setup ## Lint, types, layers, drift, and nothing that breaks the last release's clients.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/tripgate schema --check

schema: setup ## Write schema.graphql, the generated SQL, gql/pg_catalog.json and the diagrams anew from the types and the SQL.
	@$(BIN)/tripgate schema --update

release: setup ## Keep the schema as releases/<version>.graphql, for the version in pyproject.toml.
	@$(BIN)/tripgate schema --release

migration: setup ## Write the next migration from the schemas: make migration name=what_changes
	@$(BIN)/tripgate migration $(name)

format: setup ## Rewrite the sources to the project's format.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: ## Resolve pyproject.toml anew into requirements.lock.
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --all-extras --output-file requirements.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra redis --extra otel --extra direct --constraint requirements.lock --output-file requirements.serve.lock pyproject.toml

audit: setup ## Look the locked packages up among known vulnerabilities, where the package index tells of them.
	@$(BIN)/pip-audit --requirement requirements.lock --require-hashes --disable-pip --progress-spinner off

bench: setup ## Measure the gateway beside raw PostgREST, a hand-written gateway, PostGraphile and pg_graphql.
	@$(BIN)/python -m bench --people 10000

soak: setup ## Keep a gateway busy with faults, and with slow statements, over PostgREST and over SQL: make soak name=slow
	@$(BIN)/python -m tests.soak $(name)

SAMPLE ?= 300
SEED ?= 1
mutants: setup ## See which changes of the code no test notices: make mutants SAMPLE=300 SEED=1
	@$(BIN)/python -m tests.mutants --sample $(SAMPLE) --seed $(SEED)

clean: ## Remove .venv, the local data and mutants.
	rm -rf $(VENV) .tripgate mutants
