# Every target works on a fresh machine: the first one makes the environment.
VENV   ?= .venv
PYTHON ?= python3
PORT   ?= 8000
BUNDLES ?= bundles
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run build test lint format loadtest clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --prefer-binary -c constraints.txt -e '.[dev]'
	@touch $@

install: $(STAMP) ## make the environment in .venv

$(BUNDLES)/current: | $(STAMP)
	$(BIN)/rtt2vec-build --out $(BUNDLES)

build: $(STAMP) ## build a new bundle from the demo data
	$(BIN)/rtt2vec-build --out $(BUNDLES)

run: $(STAMP) $(BUNDLES)/current ## build the demo bundle if it is missing, then serve it
	$(BIN)/rtt2vec-serve --bundle $(BUNDLES) --port $(PORT)

test: $(STAMP) ## run every check and every test
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest

lint: $(STAMP) ## ruff, mypy strict, the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile

format: $(STAMP) ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

loadtest: $(STAMP) ## 30 s of held-out baskets against a running service
	$(BIN)/python -m loadtest --host http://127.0.0.1:$(PORT)

clean: ## remove the environment and the bundles
	rm -rf $(VENV) $(BUNDLES)
