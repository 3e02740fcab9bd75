# Everything a newcomer needs. `make help` lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CONFIG ?= etc/ctportd.toml
SPEED   ?= 25

.DEFAULT_GOAL := help
.PHONY: help run call check test soak fuzz lint format clean prompts reference

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# A stamp a set of packages: the environment is made once, and again when pyproject.toml changes.
$(VENV)/installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing ctportd into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/installed-fuzz: $(VENV)/installed-dev
	@echo "Installing what fuzzing needs ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

run: $(VENV)/installed ## run the daemon in the foreground, with four virtual lines
	@exec $(BIN)/ctportd --config $(CONFIG)

call: $(VENV)/installed ## ring port 1 of the running daemon from a virtual telephone
	@exec $(BIN)/ctportd --config $(CONFIG) phone 1 --number 5550100 --name "Ada Lovelace"

check: $(VENV)/installed ## check the configuration and its plugins without running them
	@exec $(BIN)/ctportd --config $(CONFIG) check

test: $(VENV)/installed-dev ## all tests, in parallel
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

soak: SECONDS ?= 1260
soak: $(VENV)/installed-dev ## calls and faults for 21 minutes, then a balance: SECONDS=, SEED=, SPEED=, ARGS="--only kill-daemon"
	@PYTHONPATH=tests $(BIN)/python -m soak --seconds $(SECONDS) --speed $(SPEED) $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz: SECONDS ?= 600
fuzz: $(VENV)/installed-fuzz ## look for input that breaks what strangers can reach: SECONDS= in all
	@$(BIN)/python tests/fuzz/run.py $(SECONDS)

lint: $(VENV)/installed-dev ## style, types and the import contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/installed-dev ## format the sources
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

prompts: $(VENV)/installed ## speak the prompts anew (needs Debian's flite)
	@$(BIN)/python scripts/make_prompts.py

reference: $(VENV)/installed-dev ## write docs/reference anew from the code
	@$(BIN)/python scripts/make_reference.py

clean: ## remove what make and the daemon made here (the calls and messages in state/ too)
	rm -rf $(VENV) build dist state .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
