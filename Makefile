# Every target works on a fresh machine: the first one makes the environment.
VENV   ?= .venv
PYTHON ?= python3
PORT   ?= 8000
BUNDLES ?= bundles
# The demo bundle knows nothing later, so that December is left to judge it by.
UNTIL  ?= 2017-12-01
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
REQUESTS := loadtest/requests.jsonl

.DEFAULT_GOAL := help
.PHONY: help install run build evaluate memcached test lint format loadtest bench bench-smoke bench-train bench-shops bench-fold-in chaos audit clean
# An interrupted make must not take the current bundle away.
.PRECIOUS: $(BUNDLES)/current

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --prefer-binary -c constraints.txt -e '.[dev]'
	@touch $@

install: $(STAMP) ## make the environment in .venv

# Made if it is missing, and never because something else is newer: `make build` renews it.
$(BUNDLES)/current: | $(STAMP)
	$(BIN)/rtt2vec-build --out $(BUNDLES) --until $(UNTIL)

run: $(STAMP) $(BUNDLES)/current ## build the demo bundle if it is missing, then serve it
	$(BIN)/rtt2vec-serve --bundle $(BUNDLES) --port $(PORT)

build: $(STAMP) ## build a new bundle from the demo data
	$(BIN)/rtt2vec-build --out $(BUNDLES) --until $(UNTIL)

evaluate: $(STAMP) $(BUNDLES)/current ## judge the bundle by the baskets after its cut
	$(BIN)/rtt2vec-build evaluate --bundle $(BUNDLES)

# The tests start real servers. It is one of Debian's packages, which takes root; elsewhere: brew, dnf …
memcached: ## install memcached, if it is not there yet
	@command -v memcached >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends memcached; }

test: $(STAMP) memcached ## run every check and every test
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

$(REQUESTS): | $(STAMP) $(BUNDLES)/current
	$(BIN)/rtt2vec-build sample-requests --bundle $(BUNDLES) --requests $@

loadtest: $(STAMP) $(REQUESTS) ## 30 s of held-out baskets against a running service
	$(BIN)/python -m loadtest --host http://127.0.0.1:$(PORT) --requests $(REQUESTS)

bench: $(STAMP) $(REQUESTS) ## all promises of speed, measured and judged (20 min)
	$(BIN)/python -m bench --bundle $(BUNDLES) --requests $(REQUESTS)

bench-smoke: $(STAMP) ## prove that every bench runs, on a tiny shop, judging no times
	$(BIN)/pytest tests/bench

bench-train: $(STAMP) ## training speed, beside gensim's
	$(BIN)/python bench/training_speed.py

bench-fold-in: $(STAMP) $(BUNDLES)/current ## households the model never saw, folded in (10 min)
	$(BIN)/python bench/fold_in.py --bundle $(BUNDLES)

bench-shops: $(STAMP) ## quality on five other shops, each built with defaults (half an hour)
	$(BIN)/python bench/shops.py

chaos: $(STAMP) $(REQUESTS) memcached ## faults under load, on real processes (5 min)
	$(BIN)/python -m chaos --bundle $(BUNDLES) --requests $(REQUESTS)

audit: $(STAMP) ## ask PyPI about known weaknesses of the pinned packages
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

clean: ## remove the environment, the bundles and the sampled requests
	rm -rf $(VENV) $(BUNDLES) $(REQUESTS)
