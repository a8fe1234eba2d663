# `make` alone lists what there is. Works with GNU make 3.81 (macOS) and newer, and any POSIX shell.

# The interpreter that makes the environment: `make up PYTHON=python3.13`.
PYTHON ?= python3
# The local cloud's port: `make up PORT=5000`. Without it 4566, or a free one where that is taken.
PORT ?=

# CDK's bridge to Node.js ends every run with a box of exclamation marks about a Node.js that is old and still works.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION := 20,22
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help up down reset verify test setup openapi lock

help:
	@echo "make up      start the local cloud, deploy Laurel to it and replay a year of purchases (first time a few minutes)"
	@echo "make down    stop the local cloud; what it holds is kept for the next make up"
	@echo "make reset   stop the local cloud and throw away what it holds"
	@echo "make verify  prove the books of the local cloud: no point lost, doubled or unexplained"
	@echo "make test    all that CI runs"
	@echo "make setup   only install what the others need"
	@echo "make openapi write the API's document anew, after a route or a model changed"
	@echo "make lock    pin the packages anew, after pyproject.toml changed"
	@echo "Options: PYTHON=python3.13 names the interpreter, PORT=5000 the local cloud's port."

up: setup
	@.venv/bin/python -m infra.local_cloud up $(if $(PORT),--port $(PORT))

# Whoever never ran `make up` has nothing to stop, and nothing is installed to find that out.
down:
	@if [ -x .venv/bin/python ]; then .venv/bin/python -m infra.local_cloud down; else echo "The local cloud is not running."; fi

reset:
	@if [ -x .venv/bin/python ]; then .venv/bin/python -m infra.local_cloud reset; else echo "There is nothing to reset."; fi

verify: setup
	@.venv/bin/python -m infra.local_cloud verify

test: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m pytest -m "not e2e" --numprocesses 2 --dist loadfile
	.venv/bin/python -m pytest -m e2e

openapi: setup
	.venv/bin/python -m infra.openapi

# Full closures with hashes and without addresses. What runs is a part of what is tested, hence the constraint.
# The data set's package asks for pandas; its files are read with DuckDB.
COMPILE = .venv/bin/uv pip compile -q pyproject.toml --universal --generate-hashes --no-annotate --no-header --python-version 3.11
lock: setup
	$(COMPILE) --group dev --no-emit-package pandas --no-emit-package pyarrow --no-emit-package numpy -o requirements-dev.txt
	$(COMPILE) -c requirements-dev.txt -o requirements.txt

# The environment in .venv and node_modules, from the pinned requirements; a moment where nothing changed.
setup:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "laurel: $(PYTHON) is missing or older than 3.11: install Python 3.11 or newer, or name yours: make up PYTHON=python3.13" >&2; \
	  exit 1; }
	@"$(PYTHON)" infra/local_cloud/environment.py
