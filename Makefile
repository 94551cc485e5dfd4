# Each target makes its own .venv first when it is missing or the lock has changed.
# Arguments go in ARGS: make stack ARGS="--port 8000 --ephemeral"

.DEFAULT_GOAL := help
.PHONY: help demo seed stack shell test again quick one tour cover mutants check fix map icons fonts screenshots bench doctor clean lock migrations

PYTHON ?= python3
JOBS ?= 3
T ?= tests/tour
BIN := .venv/bin
READY := .venv/.installed-from-lock
PIP_WHEEL := $(firstword $(wildcard tools/pip-*.whl))
FLOORS := config adminpanel lovense tips ledger ground

# Children of the tests would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

# `exec` everywhere: make passes SIGTERM on to the one process it started, so that process must not be a shell in between.

help:
	@sed -n '1,2s/^# //p' Makefile
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## everything on this machine, and a show of signed tips; ARGS=--once ends after it
	@exec $(BIN)/python manage.py demo $(ARGS)

seed: $(READY) ## three performers and a month of tips in .local/, and stays up; ARGS="--state busy": an evening on air
	@exec $(BIN)/python manage.py demo --keep $(ARGS)

stack: $(READY) ## the whole system in the foreground on one port; data stays in .local/
	@exec $(BIN)/python -m config.stack $(ARGS)

shell: $(READY) ## Python with the models, on the running stack
	@exec $(BIN)/python manage.py shell $(ARGS)

bench: $(READY) ## throughput and latency of this machine
	@exec $(BIN)/python -m bench $(ARGS)

# In the order of the folders: by the number of tests, as by default, long files with few tests come last, on one core alone.
# One process runs a whole file, and one all files that take minutes (`tests/conftest.py`).
test: $(READY) ## the whole test suite
	@exec $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

again: $(READY) ## after it: of a few failures, which are there also with nothing beside them?
	@exec $(BIN)/python -m tools.again $(ARGS)

quick: $(READY) ## what a change needs, in two minutes: checks, and the tests that concern it
	@exec $(BIN)/python -m tools.quick

one: $(READY) ## one test: make one T=tests/tips/test_queue.py
	@exec $(BIN)/python -m pytest $(T) $(ARGS)

tour: $(READY) ## the six chapters of docs/tour.md, each fact once, repeated, and killed; T=… is one of them
	@exec $(BIN)/python -m pytest -vv -p tools.chapters $(T) $(ARGS)

cover: $(READY) ## the whole test suite with coverage, as pages in .local/coverage
	@exec $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(addprefix --cov=,$(FLOORS)) \
		--cov-report=term:skip-covered --cov-report=html:.local/coverage $(ARGS)

mutants: $(READY) ## changes small things in a copy of the code: which does no test notice? ARGS="tips/queue"
	@exec $(BIN)/python -m tools.mutants $(ARGS)

map: $(READY) ## docs/map.md: every module's first sentence
	@exec $(BIN)/python -m tools.map

icons: $(READY) ## static/img/icons.svg: the icons named in tools/icons.txt (needs npm)
	@exec $(BIN)/python -m tools.icons

fonts: $(READY) ## static/fonts: Figtree, latin and latin-ext, with its licence (needs npm)
	@exec $(BIN)/python -m tools.fonts

screenshots: $(READY) ## pictures of every page in every state, with contact sheets; ARGS="OUT --only live"
	@exec $(BIN)/python -m tests.browser.screenshots $(ARGS)

doctor: $(READY) ## what this machine has, and what it lacks
	@exec $(BIN)/python -m tools.doctor

fix: $(READY) ## format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(READY) ## format, lint, types, floors, migrations, system checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m config.stack.lend $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m config.stack.lend $(BIN)/python manage.py check

migrations: $(READY) ## the migration that the models lack: make migrations NAME=what_it_says
	@exec $(BIN)/python -m config.stack.lend $(BIN)/python manage.py makemigrations $(addprefix --name=,$(NAME)) $(ARGS)

# Debian's python3 has no ensurepip, so pip may have to come from tools/. Where uv is installed it is much faster.
$(READY): requirements.lock
	@rm -f $@
	@echo "Making .venv from requirements.lock (once; under a minute)"
	@if command -v uv >/dev/null 2>&1; then $(MAKE) -s .install-with-uv; else $(MAKE) -s .install-with-pip; fi
	@touch $@

.PHONY: .install-with-uv .install-with-pip
.install-with-uv:
	@test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) .venv
	uv pip install --python $(BIN)/python -r requirements.lock

.install-with-pip:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv >/dev/null 2>&1 || { rm -rf .venv; $(PYTHON) -m venv --without-pip .venv; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python $(PIP_WHEEL)/pip install --quiet --no-index $(PIP_WHEEL)
	$(BIN)/python -m pip install --progress-bar on --disable-pip-version-check -r requirements.lock

clean: ## what can be made again
	rm -rf .local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage staticfiles
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

lock: $(READY) ## requirements.lock, anew from pyproject.toml
	@command -v uv >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv
	PATH="$(CURDIR)/$(BIN):$$PATH" uv pip compile pyproject.toml --all-extras --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --output-file requirements.lock
