# make demo | test | check | bench | stack | clean | lock: each makes its own .venv first when it is missing or the lock has changed.
# Arguments go in ARGS: make stack ARGS="--port 8000 --ephemeral"

.DEFAULT_GOAL := help
.PHONY: help demo test check bench stack clean lock

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
READY := .venv/.installed-from-lock
PIP_WHEEL := $(firstword $(wildcard tools/pip-*.whl))

# `exec` everywhere: make passes SIGTERM on to the one process it started, so that process must not be a shell in between.

help:
	@sed -n '1,2s/^# //p' Makefile

demo: $(READY)
	@exec $(BIN)/python manage.py demo $(ARGS)

stack: $(READY)
	@exec $(BIN)/python -m config.stack $(ARGS)

bench: $(READY)
	@exec $(BIN)/python -m bench $(ARGS)

test: $(READY)
	@exec $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m config.stack.lend $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m config.stack.lend $(BIN)/python manage.py check

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

clean:
	rm -rf .local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage staticfiles
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

lock: $(READY)
	@command -v uv >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv
	PATH="$(CURDIR)/$(BIN):$$PATH" uv pip compile pyproject.toml --all-extras --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --output-file requirements.lock
