# Everything a person runs here. `make help` lists it.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python $(if $(COVERAGE),-m slipcover) -m pytest $(if $(COVERAGE),-p tests.covering)

.PHONY: help run demo test test-long test-browsers test-clients bench bench-peers load load-lab look pictures settings check lint format lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 12

run: .venv/site  ## start the site on http://localhost:8000; with TLS=1 on https://localhost:8000
	@exec $(BIN)/python app.py

demo: .venv/site  ## start the site and two relying parties, each in its own process and under its own host
	@exec $(BIN)/python -m app.relying_party.demo

test: .venv/dev .venv/browser .venv/node .venv/redis .venv/pgbouncer  ## run every test, with round counts for every day
	$(PYTEST) -n 4 --dist worksteal $(TESTS)

test-long: .venv/dev .venv/browser .venv/node .venv/redis .venv/pgbouncer  ## run every test with the full round counts
	LONG=1 $(PYTEST) -n 4 --dist worksteal $(TESTS)

test-browsers: .venv/dev .venv/engines  ## take the walk in Firefox, WebKit and Chromium, with and without JavaScript
	$(PYTEST) -n 2 --dist worksteal $(or $(TESTS),tests/engines)

test-clients: .venv/dev .venv/node .venv/apache .venv/clients  ## sign in and out by each client of docs/apps.md, one of them under a real Apache
	CLIENTS=all $(PYTEST) $(or $(TESTS),tests/clients)

bench: .venv/dev .venv/browser .venv/redis  ## measure, as ratios in one run
	@$(BIN)/python -m tests.bench

bench-peers: .venv/dev .venv/redis .venv/peers  ## measure the site beside what others build on, as ratios in one run
	@$(BIN)/python -m tests.bench.peers

load: .venv/dev  ## let 200 browsers use the site for two minutes
	@$(BIN)/python tests/load.py

load-lab: .venv/dev  ## let a workshop of 100 attendees run the experiment
	@$(BIN)/python tests/load_lab.py

look: .venv/dev .venv/browser .venv/look  ## look at every page as pa11y and Lighthouse do
	@$(BIN)/python -m tests.look

pictures: .venv/dev .venv/browser  ## take the pictures of the README anew
	@$(BIN)/python tests/pictures.py

settings: .venv/dev  ## write the README's table of settings from app/config.py
	@$(BIN)/python -m tests.readme

check: lint  ## check what can be checked within a minute: lint, the tests that need no site, and test files that were changed
	$(PYTEST) -n 2 --dist worksteal --quick

lint: .venv/dev  ## check style, types, layers and templates
	.ci/run lint

format: .venv/dev  ## bring code and templates into shape
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet templates app/relying_party/templates || true

lock: .venv/dev  ## compile the requirement files anew
	.ci/lock

clean:  ## remove the environment and caches, never the instance folder
	rm -rf .venv tests/node/node_modules tests/clients/node/node_modules tests/look/node/node_modules .coverage.json .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

.venv/site: requirements.txt | .venv/made
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

# By uv, which is far quicker than pip; by pip where the packages come from a place that only pip is told of.
.venv/dev: requirements-dev.txt | .venv/made
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt >.venv/uv.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt || \
		$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/site

.venv/browser: | .venv/dev
	.ci/browser
	@touch $@

.venv/engines:
	.ci/engines
	@touch $@

.venv/apache:
	.ci/apache
	@touch $@

.venv/clients: tests/clients/requirements.txt tests/clients/node/package-lock.json | .venv/node
	.ci/clients
	@touch $@

.venv/look: tests/look/node/package-lock.json | .venv/node
	npm ci --prefix tests/look/node --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.venv/peers: tests/bench/peers/requirements.txt tests/bench/peers/node/package-lock.json | .venv/node
	.ci/peers
	@touch $@

.venv/redis:
	.ci/redis
	@touch $@

.venv/pgbouncer:
	.ci/pgbouncer
	@touch $@

.venv/node: tests/node/package-lock.json | .venv/made
	.ci/node
	@touch $@

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: set PYTHON to one.")'
	$(PYTHON) -m venv .venv
	@touch $@
