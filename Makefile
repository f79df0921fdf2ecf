# Rollcall's tasks. `make` lists them.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# Names the checkout that the environment was made for: its scripts hold absolute paths, so a moved checkout recreates it.
STAMP := $(VENV)/.made-for
# Groups of dependencies that some platforms have no wheels for.
PARTS := embedded export pictures browser

.DEFAULT_GOAL := help
.PHONY: help env run test matrix check pictures bench chaos lock FORCE

help: ## list these tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

env: $(STAMP) ## create the environment in .venv, as pinned in requirements*.lock

run: $(STAMP) ## create the environment, then run Postgres, migrations and all processes in the foreground; Ctrl-C stops all
	@$(BIN)/rollcall run

test: $(STAMP) ## run the whole test suite on the embedded Postgres
	$(BIN)/python -m pytest --numprocesses 4

matrix: ## run the test suite on a newer Debian (SUITE=trixie) in a separate root file system; see docs/platforms.md
	@bash .ci/matrix

check: $(STAMP) ## check format, lint, types and the direction of imports
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

pictures: $(STAMP) ## make the README's pictures, in a browser (chromium)
	@$(BIN)/python -m tests.console.browser.pictures

bench: $(STAMP) ## run the benchmarks; each result is a JSON line
	@$(BIN)/python -m benchmarks

chaos: $(STAMP) ## kill and starve every part under load and count what is lost
	@$(BIN)/python -m benchmarks.chaos

lock: ## pin the newest versions of all dependencies in requirements*.lock
	@$(find_python); \
	tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	"$$python" -m venv "$$tools" && "$$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv && \
	$(compile) --group dev --output-file requirements.lock pyproject.toml && \
	for part in $(PARTS); do \
		$(compile) --group $$part --constraints requirements.lock --output-file requirements.$$part.lock || exit; \
	done

compile = "$$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-annotate --upgrade

pip = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

# Building from source would need a compiler and half an hour, so a part without wheels is skipped with a message.
define install_parts
for part in $(PARTS); do \
	said=$$($(pip) --require-hashes --only-binary :all: -r requirements.$$part.lock 2>&1) && continue; \
	case "$$said" in \
	*Retrying*|*onnection*) echo "$$said" >&2; exit 1;; \
	*"No matching distribution"*) echo "This platform has no wheels for the part '$$part', so it is not installed (README: Platforms).";; \
	*) echo "$$said" >&2; exit 1;; \
	esac; \
done
endef

# Sets $$python to the first interpreter that is new enough and can make an environment. It is run, not just looked for:
# a version manager's stand-in can be on the PATH without the version behind it.
define find_python
python=; without_venv=; \
for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	if "$$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	without_venv=$$candidate; \
done; \
if [ -z "$$python" ] && [ -n "$$without_venv" ]; then \
	echo "$$without_venv lacks the venv module: install it (Debian and Ubuntu: python3-venv), then run make again." >&2; exit 1; \
elif [ -z "$$python" ]; then \
	echo "No Python 3.11 or newer is on the PATH: install one, or name one with make PYTHON=/path/to/python3." >&2; exit 1; \
fi
endef

$(STAMP): requirements.lock $(PARTS:%=requirements.%.lock) pyproject.toml $(shell [ "$$(cat $(STAMP) 2>/dev/null)" = "$(CURDIR)" ] || echo FORCE)
	@if [ "$$(cat $(STAMP) 2>/dev/null || echo "$(CURDIR)")" != "$(CURDIR)" ] || ! $(BIN)/python -c '' 2>/dev/null; then \
		$(find_python); \
		echo "Creating the environment in $(VENV) with $$("$$python" --version) (once, a minute or two) ..."; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@$(pip) --require-hashes -r requirements.lock
	@$(install_parts)
	@$(pip) --no-deps --editable .
	@echo "$(CURDIR)" > $(STAMP)
