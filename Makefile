.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
AXE := 4.14.1
DUCKDB = $(shell sed -n 's/^duckdb==//p' requirements-emulator.txt)
export PORT ?= 8000

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

run: setup ## Serve Cardfile on PORT (8000), with its database and worker; Ctrl-C ends it all
	@exec $(BIN)/python -m crm.run

setup: .venv/installed ## Make the virtual environment (costs nothing when nothing changed)

.venv/installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Cardfile needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup-browser: setup ## Install Chromium and axe for the browser tests (Debian, Ubuntu; axe by npm)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || { \
	  echo "Chromium could not be installed from here. As root on Debian: apt-get install chromium."; \
	  echo "Without it the browser tests are skipped."; exit 1; }
	@grep -qs '"version": "$(AXE)"' .venv/node_modules/axe-core/package.json || \
	  npm install --prefix .venv --no-save --ignore-scripts --no-audit --no-fund --silent axe-core@$(AXE) || { \
	  echo "axe could not be installed from here: it takes npm, which comes with Node.js."; \
	  echo "Without it the tests for accessibility are skipped."; exit 1; }

setup-bigquery: .venv/bigquery-installed .venv-bigquery/installed ## Install what speaks to BigQuery, and an emulator of it for the tests (400 MB)

.venv/bigquery-installed: .venv/installed requirements-bigquery.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-bigquery.txt
	@touch $@

.venv-bigquery/installed: requirements-emulator.txt | .venv/installed
	@rm -rf .venv-bigquery && mkdir -p .venv-bigquery/home/.duckdb/extensions/v$(DUCKDB)/linux_amd64 && \
	TMPDIR="$(CURDIR)/.venv-bigquery" $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --no-compile --target .venv-bigquery/packages -r requirements-emulator.txt && \
	mv .venv-bigquery/packages/duckdb_extension_spatial/extensions/v$(DUCKDB)/spatial.duckdb_extension \
	  .venv-bigquery/home/.duckdb/extensions/v$(DUCKDB)/linux_amd64/ || { \
	  echo "The emulator of BigQuery could not be installed from here. Without it its tests are skipped."; exit 1; }
	@touch $@

test: setup ## Run the tests, two at a time
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: format-check lint types walls test ## Everything that must hold before a commit

format: setup ## Put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

format-check: setup
	@$(BIN)/ruff format --check .

lint: setup ## Look for mistakes
	@$(BIN)/ruff check .

types: setup ## Check the types
	@$(BIN)/mypy

walls: setup ## Check who imports whom
	@$(BIN)/lint-imports

pictures: setup ## Take the pictures of docs/ anew
	@PICTURES_INTO=docs/images $(BIN)/python -m pytest -q -k "person or pictures or dashboard or first_day or brought_back or taken_back or form_is_made or words_of_the_mail or export_is_watched or warehouse_is_added" \
	  tests/contacts/admin/test_import_in_a_browser.py tests/contacts/admin/test_actions_in_a_browser.py tests/contacts/admin/test_settings_in_a_browser.py \
	  tests/contacts/admin/test_sheet_pictures.py tests/segments/builder/test_pictures.py \
	  tests/crm/test_dashboard_in_a_browser.py tests/contacts/admin/test_merging_in_a_browser.py tests/crm/login/test_in_a_browser.py \
	  tests/contacts/admin/test_identifiers_in_a_browser.py tests/contacts/admin/test_list_in_a_browser.py \
	  tests/contacts/tracking/web/test_installing_in_a_browser.py tests/contacts/admin/test_forms_in_a_browser.py \
	  tests/contacts/exports/test_in_a_browser.py tests/contacts/exports/warehouse/test_pages_in_a_browser.py

script: setup ## Write the web tracking's script as it is served, after a change of static/tracking/cardfile.js
	@$(BIN)/python -m rjsmin <static/tracking/cardfile.js >static/tracking/cardfile.min.js

bench: setup ## Measure the write path (ROWS=200000)
	@$(BIN)/python -m benchmarks.resolve --rows $${ROWS:-200000}

fuzz: setup ## Call the API in every way for MINUTES (20) and compare with its description
	@$(BIN)/python -m benchmarks.fuzz --minutes $${MINUTES:-20}

.PHONY: help run setup setup-browser setup-bigquery test check format format-check lint types walls pictures script bench fuzz
