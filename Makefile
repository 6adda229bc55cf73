# What a contributor types. `make` alone lists the targets.
#
# Needs Python 3.11 or newer, make and pip. A set-up that is done is known by a stamp in .venv.
#   PYTHON=python3.13   the interpreter that .venv is made with
#   UV=1                install with uv, torch aside: pip gets torch, because pip's settings on a
#                       machine may point it to a CPU build, and uv reads none of them

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
NEEDS := pyproject.toml constraints.txt

ifeq ($(UV),1)
install = $(PIP) install -c constraints.txt torch uv && \
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt --editable '$(1)'
else
install = $(PIP) install -c constraints.txt --editable '$(1)'
endif

# A Python without ensurepip (Debian splits it off) still makes an environment; its pip fills it.
define environment
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'Python 3.11 or newer is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.13'; exit 1; }
@$(PIP) --version >/dev/null 2>&1 || \
	{ echo "Creating $(VENV) with $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || \
	  { $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	    $(PYTHON) -m pip --quiet --python $(BIN)/python install pip; }; }
endef

# A program that pip can't install: $(call debian,PACKAGE,PROGRAM)
debian = command -v $(2) >/dev/null || { \
	echo "Installing Debian's $(1)"; apt-get -qq update && apt-get -qq install -y $(1) >/dev/null; }

.PHONY: help demo test test-servers test-web docs format train clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.package ## set up .venv and run the main job on the embedded model: a table and a picture
	@$(BIN)/python -m carrychain demo

test: $(VENV)/.contributor ## everything that must stay green: ruff, types, tests, the built wheel
	@echo "Lint (ruff check)"
	@$(BIN)/ruff check --quiet
	@echo "Format (ruff format --check)"
	@$(BIN)/ruff format --check --quiet || { echo "Files above are not formatted: make format"; exit 1; }
	@echo "Types (basedpyright, strict)"
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	@echo "Tests and docstring examples (pytest)"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile
	@echo "The wheel, in a fresh environment outside the checkout"
	@$(BIN)/python tests/check_wheel.py

test-servers: $(VENV)/.servers ## what needs downloads: smollm2, and real servers (compiles llama.cpp once, minutes)
	@$(call debian,postgresql,pg_createcluster)
	@$(BIN)/python -m carrychain models fetch smollm2
	@$(BIN)/python -m pytest -m servers tests/servers

test-web: $(VENV)/.web ## what looks at pages in headless Chromium (apt brings Chromium where it is missing)
	@$(call debian,chromium,chromium)
	@$(BIN)/python -m pytest -m web tests/assignment tests/web

docs: $(VENV)/.docs ## write the documentation to build/docs; its notebooks are run
	@$(BIN)/python -m sphinx -q -W -b html docs build/docs
	@echo "build/docs/index.html"

format: $(VENV)/.contributor ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix || true
	@$(BIN)/ruff format

train: $(VENV)/.package ## train the embedded model into runs/mini: hours; an interrupted run is resumed
	@$(BIN)/python -m carrychain.mini.train --out runs/mini

clean: ## remove caches and build output; .venv and runs stay
	@rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.package: $(NEEDS)
	$(environment)
	@echo "Installing carrychain and what it needs (the first time a minute or two: torch is large)"
	@$(call install,.)
	@touch $@

$(VENV)/.contributor: $(NEEDS)
	$(environment)
	@echo "Installing carrychain with all extras (the first time a minute or two: torch is large)"
	@$(call install,.[dev])
	@touch $(VENV)/.package $@

$(VENV)/.servers: $(NEEDS) $(VENV)/.contributor
	@echo "Installing the servers that are tested against (llama-cpp-python is compiled: some minutes)"
	@$(call install,.[servers])
	@touch $@

$(VENV)/.web: $(NEEDS) $(VENV)/.contributor
	@echo "Installing what drives a browser"
	@$(call install,.[web-tests])
	@touch $@

$(VENV)/.docs: $(NEEDS) $(VENV)/.contributor
	@echo "Installing what the documentation is written with"
	@$(call install,.[docs])
	@touch $@
