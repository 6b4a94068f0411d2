.DEFAULT_GOAL := help
.PHONY: help install system demo site test test-postgresql check lint format docs docs-check captures pdf requirements benchmark soak audit clean

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
# Everything lives in the project's own environment, whatever the shell has active.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export NO_MKDOCS_2_WARNING := 1
# The tests start hundreds of processes: none should compile what another has compiled.
unexport PYTHONDONTWRITEBYTECODE
# Each process takes what follows what it has, so that few make a browser or a demonstration.
IN_PARALLEL := -n 3 --dist worksteal
# What a test may need beyond Python and a moment.
MORE := browser or system or postgresql or slow

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

# Dates tell nothing of a tree that was copied or unpacked: what is installed is told by its hash.
PINNED := $(firstword $(shell cat requirements.txt pyproject.toml | sha256sum))
PIP := -m pip install --quiet --disable-pip-version-check

install: ## Make .venv and install everything, pinned and hashed
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test "$$(cat $(VENV)/.installed 2>/dev/null)" = "$(PINNED)" || { set -x; \
	  $(BIN)/python $(PIP) --require-hashes -r requirements.txt && \
	  $(BIN)/python $(PIP) --no-deps --no-build-isolation -e . && \
	  echo "$(PINNED)" > $(VENV)/.installed; }
	@! test -e .git || git rev-parse --short HEAD > .commit

system: ## Debian packages for the tests and French checks (as root)
	@./docs_tools/system-packages

demo: install site ## Serve the demonstration on http://127.0.0.1:$(PORT)
	@SELFSERVICE_PUBLIC_URL=$${SELFSERVICE_PUBLIC_URL:-http://127.0.0.1:$(PORT)} selfservice demo
	@SELFSERVICE_PUBLIC_URL=$${SELFSERVICE_PUBLIC_URL:-http://127.0.0.1:$(PORT)} honcho start -p $(PORT)

# With SITE_URL, for a static host of its own, into build/aide/: PORTAL_URL is where its links to the
# portal lead, SUPPLIER whose facts it tells.
site: install ## Build the help site into site/; with SITE_URL=https://…, for a host of its own
	@python -m docs_tools.build $(if $(SITE_URL),build/aide --site-url $(SITE_URL) \
	  $(if $(PORTAL_URL),--portal-url $(PORTAL_URL)) $(if $(SUPPLIER),--supplier $(SUPPLIER)))

test: install ## The tests that need nothing but Python: no browser, no root, no Debian package
	pytest $(IN_PARALLEL) -m "not ($(MORE) or soak)"

test-postgresql: install system ## The test suite on a PostgreSQL of its own
	pytest $(IN_PARALLEL) --database postgresql

check: install system ## Everything CI checks, browser, PostgreSQL and kills included
	$(MAKE) --jobs 2 --output-sync lint docs-check
	pytest $(IN_PARALLEL)

lint: install ## Format, lint, types, imports and templates
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	djlint --check templates
	djlint --lint templates

benchmark: install ## Print the table of speeds, beside peers and limits
	@test -x benchmarks/.venv/bin/python || $(PYTHON) -m venv benchmarks/.venv
	@benchmarks/.venv/bin/python $(PIP) --require-hashes -r benchmarks/requirements.txt
	@python -m benchmarks

soak: install system ## What runs longer: hundreds of kills, long fuzzing, each contrast and desk, sign-in times, Lighthouse
	pytest $(IN_PARALLEL) -m soak --deselect tests/docs/test_lighthouse.py
	pytest -m soak tests/docs/test_lighthouse.py  # alone: what runs beside it would slow the pages

format: install ## Format Python and templates
	ruff format .
	ruff check --fix .
	djlint --reformat --quiet templates
	pybabel --quiet compile --directory selfservice/cli/locale

docs: install ## Serve the demonstration, and build its help site again at each change
	@SELFSERVICE_PUBLIC_URL=$${SELFSERVICE_PUBLIC_URL:-http://127.0.0.1:$(PORT)} selfservice demo
	@SELFSERVICE_PUBLIC_URL=$${SELFSERVICE_PUBLIC_URL:-http://127.0.0.1:$(PORT)} honcho start -f docs_tools/Procfile -p $(PORT)

docs-check: install system ## Check the help site: build, links, language
	@python -m docs_tools.check

captures: install system ## Take the screenshots again from the running demonstration
	@python -m docs_tools.captures

pdf: install system ## Print the PDF of the pages that offer one again
	@python -m docs_tools.pdf

requirements: ## Pin requirements.txt again from pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
	  --all-extras pyproject.toml --custom-compile-command "make requirements" -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
	  benchmarks/requirements.in --custom-compile-command "make requirements" -o benchmarks/requirements.txt

audit: install ## Hold the pinned components against the published faults; says which it could not ask for
	pip-audit --strict --require-hashes --disable-pip -r requirements.txt

clean: ## Remove what the build made (never the instance)
	rm -rf site .site-* build .mypy_cache .ruff_cache .pytest_cache .hypothesis
