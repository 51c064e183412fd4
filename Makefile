# Everything runs from .venv of this checkout and needs Python 3.11 or newer and make; the rest is installed, pinned by hash.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
SUITE ?= tests

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint types imports bench docs lock clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.core ## a small archive of music this program plays itself, built and opened in your browser
	$(BIN)/phonolith demo $(ARGS)

serve: $(VENV)/.core ## the library of an archive: make serve ARCHIVE=/path ARGS=--lan
	$(BIN)/phonolith serve $(if $(ARCHIVE),--archive $(ARCHIVE)) $(ARGS)

# Files in their own order: else those of few tests come last, and the long ones in a browser are waited for alone.
test: $(VENV)/.dev ## the whole suite: make test SUITE=tests/cli runs a part of it
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(SUITE) $(ARGS)

lint: $(VENV)/.dev ## style, types and the layer contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory types imports

types: $(VENV)/.dev ## types alone
	$(BIN)/mypy

imports: $(VENV)/.dev ## the layer contract alone
	$(BIN)/lint-imports

bench: $(VENV)/.bench ## every headline figure beside a peer: make bench ARGS='--tracks 1000000'
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.core ## write the reference pages from the program
	$(BIN)/python docs/reference/generate.py

lock: $(VENV)/.dev ## write the pinned requirements again from pyproject.toml
	$(foreach set,core dev bench,$(BIN)/uv pip compile pyproject.toml $(LOCK_$(set)) --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --quiet \
	  --custom-compile-command 'make lock' -o requirements-$(set).txt &&) true

LOCK_core := --group build
LOCK_dev := --group build --group dev
LOCK_bench := --group build --group dev --group bench

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Stamps: a second run finds nothing to do. The program itself is installed in place, so that editing it needs no step.
$(VENV)/.core: requirements-core.txt pyproject.toml | $(BIN)/python
	@echo "setting up: installing pinned packages (once)" >&2
	$(PIP) -r requirements-core.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.core
	@echo "setting up: installing what tests need (once)" >&2
	$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	$(PIP) -r requirements-bench.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON): Python 3.11 or newer is needed. Install one, or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON): cannot make environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
