.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-15s %s\n", $$1, $$2}' Makefile

setup: .venv/installed ## Make the virtual environment (costs nothing when nothing changed)

.venv/installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cardfile needs Python 3.11 or newer.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

test: setup ## Run the tests, two at a time
	$(BIN)/python -m pytest -n 2

.PHONY: help setup test
