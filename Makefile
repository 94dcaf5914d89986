# One command each: make serve | worker | test | test-servers | chaos | differential | move-under-load | check | schema | schema-diff | graph | bench | mutate | migration | lock
# `python3` (3.11 or newer, with venv) and `make` are all that is needed.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= .seshat
WORKERS ?= logical
PLACEMENT ?= pooled

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
INSTALL := $(PIP) install --root-user-action=ignore --no-warn-script-location
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --custom-compile-command 'make lock' pyproject.toml --extra embedded --extra examples
INSTALLED := .venv/.installed
EQUIPPED := .venv/.equipped
DATABASE_TESTS := $(addprefix tests/,db files identity isolation jobs projects schema/graph)
DEDICATED_TESTS := $(addprefix tests/,health projects identity/test_companies.py identity/test_deletion.py \
    identity/test_placement.py knowledge/test_embeddings.py chat/pipeline/test_council.py db/queue/test_requests.py)
LINTER := schema/lint/node_modules/.package-lock.json
PAGES := web/node_modules/.package-lock.json
CLIENTS := tests/clients/node_modules/.package-lock.json

unexport PYTHONDONTWRITEBYTECODE # the suite starts many processes: each would compile every module

.DEFAULT_GOAL := serve
.PHONY: serve worker test test-isolation test-servers chaos differential move-under-load check schema schema-diff graph bench mutate migration lock explorer

## The API and a worker, with an embedded PostgreSQL; everything is kept in $(DATA).
serve: $(INSTALLED) explorer
	@exec $(BIN)/seshat serve --host '$(HOST)' --port '$(PORT)' --data '$(DATA)'

## A worker beside a running server: make worker queues=drawings
worker: $(INSTALLED)
	@exec $(BIN)/seshat worker --data '$(DATA)' $(if $(queues),--queues '$(queues)')

## Every test, as many at a time as there are cores: make test ARGS="-k drawings", make test WORKERS=0
# make test PLACEMENT=dedicated: every company has a database of its own. A run with pooled companies, unless
# ARGS chooses tests, ends with the part of the tests that DEDICATED_TESTS names, with such databases.
test: $(EQUIPPED) explorer
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(CLIENTS); fi
	PLACEMENT='$(PLACEMENT)' $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist worksteal $(ARGS)
	$(if $(ARGS)$(filter dedicated,$(PLACEMENT)),,PLACEMENT=dedicated \
	    $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist worksteal $(DEDICATED_TESTS))

## The isolation chaos test at its full size.
test-isolation: $(EQUIPPED)
	ISOLATION_REQUESTS=10000 $(BIN)/pytest tests/isolation $(ARGS)

## The tests near the database, on every PostgreSQL of the machine and through PgBouncer: make test-servers on=15
# on: versions, `unprepared` (without prepared statements) and `pooler` (PgBouncer in transaction mode).
test-servers: $(EQUIPPED)
	@failed=; for server in $(or $(on),$$($(BIN)/python -m tests.postgres_servers) unprepared pooler); do \
	    echo "== $$server"; option= prepared=true; \
	    case $$server in unprepared) prepared=false;; pooler) option=--pooler;; *) option="--postgres $$server";; esac; \
	    PREPARED_STATEMENTS=$$prepared $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist worksteal \
	        $$option $(DATABASE_TESTS) $(ARGS) || failed="$$failed $$server"; \
	    done; test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

## Five minutes of load while processes are killed and paused, and an independent check of what is stored.
# make chaos seed=7 seconds=60; sabotage=fencing|rls|connections switches a protection off and has to fail.
chaos: $(EQUIPPED)
	$(BIN)/python -m tests.chaos $(if $(seed),--seed '$(seed)') $(if $(seconds),--seconds '$(seconds)') \
	    $(if $(sabotage),--sabotage '$(sabotage)') $(ARGS)

## Random documents with the stock and the compiled executor: make differential seed=7 documents=5000
differential: $(EQUIPPED)
	DIFFERENTIAL_DOCUMENTS='$(or $(documents),20000)' DIFFERENTIAL_SEED='$(or $(seed),1)' \
	    $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 8 tests/schema/execution $(ARGS)

## A company with 100,000 rows moves while its users work; prints the time for which writes were refused.
move-under-load: $(EQUIPPED)
	MOVE_ROWS='$(or $(rows),100000)' $(BIN)/pytest tests/db/company_move/test_load.py $(ARGS)

## What must hold beside the tests.
check: $(EQUIPPED)
	$(BIN)/python -m pip --disable-pip-version-check check
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/python -m checks.names
	$(BIN)/python -m checks.migrations
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/seshat schema | diff schema/schema.graphql -
	$(BIN)/seshat graph | diff docs/graph.md -
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(LINTER) && cd schema && \
	    lint/node_modules/.bin/eslint --config lint/eslint.config.js --max-warnings 0 schema.graphql; \
	    else echo "npm is not installed: the style of the contract is not checked"; fi
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(PAGES) && npm run --silent --prefix web check; \
	    else echo "npm is not installed: the pages are not checked"; fi
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
	    $(BIN)/seshat migrate upgrade --data "$$data" && $(BIN)/seshat migrate check --data "$$data"

## Write the contract down: schema/schema.graphql.
schema: $(INSTALLED)
	$(BIN)/seshat schema > schema/schema.graphql.new && mv schema/schema.graphql.new schema/schema.graphql

## What the contract changes since the last release, or since a commit: make schema-diff since=HEAD~5
schema-diff: $(INSTALLED)
	@since='$(since)'; since=$${since:-$$(git describe --tags --abbrev=0 2>/dev/null)}; \
	    test -n "$$since" || { echo "there is no release yet: make schema-diff since=COMMIT"; exit 0; }; \
	    before=$$(git show "$$since:schema/schema.graphql") && \
	    printf '%s\n' "$$before" | $(BIN)/seshat schema --since -

## Draw the entity graph: docs/graph.md.
graph: $(INSTALLED)
	$(BIN)/seshat graph > docs/graph.md.new && mv docs/graph.md.new docs/graph.md

## Every measurement, as tables: make bench of=retrieval ARGS=speed
bench: $(EQUIPPED)
	@missed=0; for each in $(or $(of),drawings retrieval answers abstention conversations text_checks councils first_delta); do \
	    $(BIN)/python -m benchmarks.$$each $(ARGS) || missed=1; done; exit $$missed

## Change the code in small ways and see that tests notice: make mutate ARGS="--target grounding --all"
mutate: $(EQUIPPED)
	$(BIN)/python -m checks.mutations $(ARGS)

## Write a migration from the models: make migration plane=tenant m="Add drawing scale"
migration: $(INSTALLED)
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && $(BIN)/seshat migrate upgrade --data "$$data" && \
	    $(BIN)/seshat migrate revision --data "$$data" --plane '$(plane)' --message '$(m)'

## Lock the requirements with hashes and check their wheels: make lock ARGS="--upgrade-package numpy"
# Pins stay as they are while pyproject.toml allows them; ARGS="--upgrade" takes the newest of all.
lock: $(EQUIPPED)
	@all=$$(mktemp) && trap 'rm -f "$$all"' EXIT && cat requirements.lock requirements-dev.lock > "$$all" && \
	    echo setuptools | $(COMPILE) --extra test --extra dev $(ARGS) --output-file "$$all" - > /dev/null && \
	    echo setuptools | $(COMPILE) --constraints "$$all" --output-file requirements.lock - > /dev/null && \
	    $(COMPILE) --extra test --extra dev --constraints "$$all" --output-file requirements-dev.lock \
	        $$(grep -Fx -f "$$all" requirements.lock | sed -n 's/^\([a-z][^=]*\)==.*/--no-emit-package \1/p') > /dev/null
	@.ci/wheels

# Published clients, for tests/server/test_stock_clients.py, which are skipped without them.
$(CLIENTS): tests/clients/package-lock.json
	@npm ci --prefix tests/clients --no-audit --no-fund --loglevel error
	@touch $@

explorer: $(INSTALLED)
	@$(BIN)/python -m server.http.explorer build || true

# What the pages are built from.
$(PAGES): web/package-lock.json
	@npm ci --prefix web --no-audit --no-fund --loglevel error
	@touch $@

# What the server needs. The lock has every package with its hashes; pip refuses anything else.
$(INSTALLED): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "seshat: $(PYTHON) is not installed" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "seshat: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "seshat: $(PYTHON) has no venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# What the tests and checks need beside that.
$(EQUIPPED): $(INSTALLED) requirements-dev.lock
	@$(INSTALL) --require-hashes -r requirements.lock -r requirements-dev.lock
	@touch $@

# graphql-eslint, for the contract.
$(LINTER): schema/lint/package-lock.json
	@npm ci --prefix schema/lint --no-audit --no-fund --loglevel error
	@touch $@
