# A few verbs. Each sets up what it needs before it starts; once set up, that takes no time.
VENV ?= .venv
BIN := $(VENV)/bin
export VENV
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help setup demo test test-faults test-kubernetes unit fuzz lint docs bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 14

setup: $(VENV)/.tests ## everything that the other verbs need, into .venv

demo: $(VENV)/.demo ## the sample application's pipelines, played from a push to 100 % of the traffic
	.ci/demo

test: lint unit ## lint, then every test
	pytest -m "service and not faults and not kubernetes"

test-faults: $(VENV)/.tests ## whole matrices of faults: kill -9 at every write, lost clusters, races
	pytest -m faults

test-kubernetes: $(VENV)/.tests ## the contract of the lab's cluster API, against a real kube-apiserver
	pytest -m kubernetes

unit: $(VENV)/.tests ## the tests that need nothing but Python
	pytest -n 2 --dist loadfile -m "not service and not faults and not kubernetes"

fuzz: $(VENV)/.tests ## the unit tests with new random examples
	MCCI_FUZZ=1 pytest -m "not service and not faults and not kubernetes"

lint: $(VENV)/.tests ## ruff, mypy and the import contracts
	ruff check
	ruff format --check --quiet
	.ci/types
	lint-imports --no-cache

docs: $(VENV)/.tests ## write the generated reference pages, and check every page
	python docs/reference/make.py
	pytest tests/docs

bench: $(VENV)/.peers ## every benchmark, one after the other
	for file in $$(grep -l __main__ bench/*.py); do echo "== $$file"; python $$file || exit 1; done

clean: ## what the other verbs made
	rm -rf $(VENV) generated build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.peers: $(VENV)/.tests
	.ci/setup peers
	@touch $@

$(VENV)/.core: setup.cfg pyproject.toml .ci/setup
	.ci/setup core
	@touch $@

$(VENV)/.demo: $(VENV)/.core .ci/packages.txt tests/tools/helm.py
	.ci/setup demo
	@touch $@

$(VENV)/.tests: $(VENV)/.core .ci/packages.txt $(wildcard tests/tools/helm.py sample-app/*/pyproject.toml)
	.ci/setup tests
	@touch $@
