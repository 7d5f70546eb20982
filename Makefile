# `make serve` and `make test` set everything up on a fresh clone; file targets and stamps make the next call quick.
# Needs Linux, Python 3.11 or newer and make; as root on Debian it installs what else is missing.

PYTHON ?= python3
HOST   ?= 127.0.0.1
PORT   ?= 8000
# How much goes on at once in `make test`.
JOBS   ?= $(shell nproc)

SHELL  := /bin/sh
VENV   := .venv
BIN    := $(VENV)/bin
ASSETS := backend/trapscope/assets
WIRE   := frontend/src/wire
COPY   := frontend/src/copy/copy.gen.ts
GENERATED := $(WIRE)/wire.schema.json $(WIRE)/wire.gen.ts $(COPY)
PHASE  := @.ci/phase
# Node and npm are looked for in the virtual environment first: see .ci/node.
NPM    := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix frontend

RECORDER := $(ASSETS)/recorder/recorder.x86_64.so
GUEST_SOURCES := $(shell find backend/guest -type f -not -name '*.pyc' 2>/dev/null)
UI_SOURCES    := $(shell find frontend -path frontend/node_modules -prune -o -path frontend/tests -prune -o -type f -print 2>/dev/null)

.PHONY: serve test check generate guest recorder ui lock wheel bench clean system
.PHONY: matrix check-python check-format check-types check-imports check-generated check-ui check-page check-page-tests
.DELETE_ON_ERROR:

serve: $(VENV)/.editable $(ASSETS)/guest/guest.elf $(RECORDER) $(ASSETS)/ui/index.html
	@exec $(BIN)/trapscope serve --host $(HOST) --port $(PORT)

# What can, side by side, each with its output in one piece; what measures time, alone. The runner's summary is the last line.
test: system $(VENV)/.editable $(ASSETS)/guest/guest.elf $(RECORDER) $(ASSETS)/ui/index.html
	@$(MAKE) --no-print-directory --jobs=$(JOBS) --output-sync=target check matrix
	$(PHASE) "tests that measure time" $(BIN)/pytest -m alone
	$(PHASE) "tests" $(BIN)/pytest -m "not alone" --numprocesses=$(JOBS) --dist=loadgroup --durations=20

matrix: $(VENV)/.editable $(ASSETS)/guest/guest.elf $(RECORDER)
	$(PHASE) "matrix" $(BIN)/trapscope check --all

check: check-python check-generated check-ui

check-python: check-format check-types check-imports

check-format: $(VENV)/.editable
	$(PHASE) "ruff format" $(BIN)/ruff format --check --quiet .
	$(PHASE) "ruff" $(BIN)/ruff check --quiet .

check-types: $(VENV)/.editable
	$(PHASE) "mypy" $(BIN)/mypy

check-imports: $(VENV)/.editable
	$(PHASE) "import contracts" $(BIN)/lint-imports

# Makes them anew; fails if that changed them.
check-generated: $(VENV)/.editable $(ASSETS)/guest/guest.elf $(RECORDER) frontend/node_modules/.package-lock.json
	@before=$$(cat $(GENERATED) | sha256sum); $(MAKE) --no-print-directory generate; \
	 [ "$$before" = "$$(cat $(GENERATED) | sha256sum)" ] || { echo "generated files were stale and are new now: $(GENERATED)"; exit 1; }

check-ui: check-page check-page-tests

# Both read what check-generated writes.
check-page: frontend/node_modules/.package-lock.json | check-generated
	$(PHASE) "front end: svelte-check, eslint, prettier" env $(NPM) run --silent check

check-page-tests: frontend/node_modules/.package-lock.json | check-generated
	$(PHASE) "front end: vitest" env $(NPM) run --silent test

guest: $(ASSETS)/guest/guest.elf
recorder: $(RECORDER)
ui: $(ASSETS)/ui/index.html

# Everything that is generated and committed.
generate: $(VENV)/.editable frontend/node_modules/.package-lock.json
	@$(BIN)/python -m trapscope.wire.schema --out $(WIRE)/wire.schema.json
	@$(BIN)/python -m trapscope.copy --out $(COPY)
	@$(NPM) run --silent gen

# The locks: hashes and no hosts, so that any mirror serves them. What is locked stays as it is, unless pyproject.toml
# forbids it; UPGRADE=--upgrade takes the newest versions that it allows.
lock: $(VENV)/.packages
	@for lock in "dev pyproject.toml --group dev" "build pyproject.toml --group build -c requirements/dev.txt" \
	   "run pyproject.toml -c requirements/dev.txt" "node --group node"; do \
	   set -- $$lock; file=requirements/$$1.txt; shift; \
	   $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	     $(UPGRADE) "$$@" -o $$file >/dev/null || exit 1; done

# Every figure next to its peer, in one run.
bench: $(VENV)/.editable $(ASSETS)/guest/guest.elf $(RECORDER)
	@.ci/system qemu-system-x86_64="qemu-system-x86 seabios"
	@$(BIN)/trapscope bench

wheel: $(VENV)/.editable
	$(BIN)/python -m hatchling build -t sdist
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m hatchling build -t wheel

clean:
	rm -rf $(VENV) $(ASSETS) dist frontend/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find backend tests -type d -name __pycache__ -prune -exec rm -rf {} +

# ── what the targets above stand on ──────────────────────────────────────────────────────────────────────────────────

system:
	@.ci/system chromium="chromium fonts-dejavu-core" qemu-system-x86_64="qemu-system-x86 seabios" redis-server=redis-server gdb=gdb

$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/system ensurepip=python3-venv
	$(PHASE) "virtual environment" $(PYTHON) -m venv $(VENV)

$(VENV)/.packages: requirements/dev.txt | $(VENV)/bin/python
	$(PHASE) "Python packages" $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.editable: pyproject.toml $(VENV)/.packages
	$(PHASE) "trapscope, editable" $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.node: requirements/node.txt .ci/node | $(VENV)/bin/python
	$(PHASE) "Node and npm" .ci/node $(VENV)
	@touch $@

frontend/node_modules/.package-lock.json: frontend/package-lock.json | $(VENV)/.node
	$(PHASE) "npm packages" env $(NPM) ci --silent
	@touch $@

$(ASSETS)/guest/guest.elf: $(GUEST_SOURCES) | $(VENV)/.packages
	$(PHASE) "guest" $(BIN)/python backend/guest/build.py --out $(ASSETS)/guest
	@touch $@

$(RECORDER): backend/recorder/recorder.c backend/recorder/build.py | $(VENV)/.packages
	$(PHASE) "recorder" $(BIN)/python backend/recorder/build.py --out $(@D)
	@touch $@

$(ASSETS)/ui/index.html: $(UI_SOURCES) frontend/node_modules/.package-lock.json
	$(PHASE) "front end" env $(NPM) run --silent build
	@touch $@
