# Every target works on a fresh machine: the first one makes the environment.
VENV   ?= .venv
PYTHON ?= python3
PORT   ?= 8000
BUNDLES ?= bundles
# The demo bundle is trained on baskets before this day; December is left to evaluate it.
UNTIL  ?= 2017-12-01
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Beside the environment: it holds a package of the same name as pyspark.
CLIENT := $(VENV)/pyspark-client
REQUESTS := loadtest/requests.jsonl

.DEFAULT_GOAL := help
.PHONY: help install run build evaluate memcached wrk nginx chromium java test test-spark lint format loadtest bench bench-smoke bench-train bench-shops bench-scale bench-fold-in chaos mutants screenshots audit hashes clean
# An interrupted make must not delete the current bundle.
.PRECIOUS: $(BUNDLES)/current

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --prefer-binary -c constraints.txt -e '.[dev]'
	@touch $@

install: $(STAMP) ## make the environment in .venv

# Built if it is missing, never because a source is newer: `make build` renews it.
$(BUNDLES)/current: | $(STAMP)
	$(BIN)/rtt2vec-build --out $(BUNDLES) --until $(UNTIL)

run: $(STAMP) $(BUNDLES)/current ## build the demo bundle if it is missing, then serve it with a shop
	RTT2VEC_STOREFRONT=$${RTT2VEC_STOREFRONT-on} RTT2VEC_EVENTS=$${RTT2VEC_EVENTS-events} \
		$(BIN)/rtt2vec-serve --bundle $(BUNDLES) --port $(PORT)

build: $(STAMP) ## build a new bundle from the demo data
	$(BIN)/rtt2vec-build --out $(BUNDLES) --until $(UNTIL)

evaluate: $(STAMP) $(BUNDLES)/current ## evaluate the bundle on the baskets after its cut (10 min)
	$(BIN)/rtt2vec-build evaluate --bundle $(BUNDLES)

# The tests start real servers. apt-get needs root; on other systems use brew, dnf, …
memcached: ## install memcached with apt-get if it is missing
	@command -v memcached >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends memcached; }

wrk: ## install wrk, a load generator, with apt-get if it is missing
	@command -v wrk >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends wrk; }

nginx: ## install nginx, a proxy, with apt-get if it is missing
	@(PATH=$$PATH:/usr/sbin; command -v nginx) >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light; }

chromium: ## install chromium with apt-get if there is no browser for the tests
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

java: ## install Java with apt-get if it is missing
	@command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless; }

$(CLIENT): | $(STAMP)
	$(BIN)/pip install --quiet -c constraints.txt --no-deps --target $@ pyspark-client

test-spark: $(STAMP) java $(CLIENT) ## install Spark, and test that it encodes like the other engines
	$(BIN)/pip install --quiet -c constraints.txt 'pyspark[connect]'
	$(BIN)/pytest tests/index_builder/transactions/encoding/spark*_tests.py

test: $(STAMP) memcached chromium wrk nginx ## run all checks and all tests
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest --numprocesses=logical --dist=loadfile --no-loadscope-reorder --durations=25

lint: $(STAMP) ## check style, types, imports and the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile

format: $(STAMP) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(REQUESTS): | $(STAMP) $(BUNDLES)/current
	$(BIN)/rtt2vec-build sample-requests --bundle $(BUNDLES) --requests $@

loadtest: $(STAMP) $(REQUESTS) ## load a running service with held-out baskets (30 s)
	$(BIN)/python -m loadtest --host http://127.0.0.1:$(PORT) --requests $(REQUESTS)

bench: $(STAMP) $(REQUESTS) ## measure speed, and check it against its limits (30 min)
	-$(BIN)/pip install --quiet -c constraints.txt -e '.[opponents]'
	$(BIN)/python -m bench --bundle $(BUNDLES) --requests $(REQUESTS)

bench-smoke: $(STAMP) ## check that every bench runs, on a tiny shop
	$(BIN)/pytest tests/bench

bench-train: $(STAMP) ## training speed, compared with gensim's
	$(BIN)/python bench/training_speed.py

bench-scale: $(STAMP) $(BUNDLES)/current ## measure 23 million lines, and 3.5 million users (10 min)
	$(BIN)/python -m bench.scale --bundle $(BUNDLES)

bench-fold-in: $(STAMP) $(BUNDLES)/current ## recommendations for users the model never saw (10 min)
	$(BIN)/python bench/fold_in.py --bundle $(BUNDLES)

bench-shops: $(STAMP) ## quality on five other shops, built with defaults (30 min)
	$(BIN)/python bench/shops.py

chaos: $(STAMP) $(REQUESTS) memcached ## apply faults to real processes under load (5 min)
	$(BIN)/python -m chaos --bundle $(BUNDLES) --requests $(REQUESTS)

mutants: $(STAMP) memcached ## change the code in small ways, and print what no test notices (10 min)
	$(BIN)/python -m tools.mutants

screenshots: $(STAMP) $(BUNDLES)/current chromium ## renew the pictures of the shop in docs/pictures
	$(BIN)/python -m tools.screenshots --bundle $(BUNDLES)

audit: $(STAMP) ## ask PyPI about known vulnerabilities of the packages
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

hashes: $(STAMP) ## renew the hashes of the packages that the image installs
	$(BIN)/python -m tools.hashes

clean: ## remove the environment, the bundles and the sampled requests
	rm -rf $(VENV) $(BUNDLES) $(REQUESTS)
