# The verbs of this repository. `make help` lists them; each can be run again.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

OS ?= debian13
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RIG := molecule/shared/rig.sh
REPORTS := .cache/reports

# What a bare Debian 12 lacks: compilers for the two wheels without binaries, and the real services tests talk to.
PACKAGES := build-essential pkg-config libsystemd-dev python3-dev python3-venv redis-server nginx-light wordnet-base \
	prometheus prometheus-alertmanager systemd chromium openssl curl jq git
# annoy would otherwise be compiled for this machine's CPU alone.
export ANNOY_COMPILER_ARGS := -D_CRT_SECURE_NO_WARNINGS,-fpermissive,-DANNOYLIB_MULTITHREADED_BUILD,-std=c++14,-O3,-mavx2,-mfma,-mf16c
export PATH := $(CURDIR)/$(BIN):$(PATH)

say = printf '\n\033[1m== %s\033[0m\n' "$(1)"

.PHONY: help
help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: packages
packages:
	@# dpkg-query ends in failure where it has never heard of one of them, which is no failure here.
	missing=$$({ dpkg-query -W -f '$${db:Status-Abbrev} $${Package}\n' $(PACKAGES) 2>/dev/null || true; } \
		| awk '$$1 == "ii" {print $$2}' | sort -u | comm -13 - <(printf '%s\n' $(PACKAGES) | sort -u))
	if [ -n "$$missing" ]; then
		$(call say,Installing Debian packages: $$(echo $$missing))
		export DEBIAN_FRONTEND=noninteractive
		# The services are started by tests, on sockets of their own: none may start by itself here.
		policy=/usr/sbin/policy-rc.d; made=
		[ -e $$policy ] || { printf '#!/bin/sh\nexit 101\n' > $$policy; chmod 755 $$policy; made=1; }
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null
		[ -z "$$made" ] || rm -f $$policy
	fi

$(VENV)/.ready: requirements-dev.txt pyproject.toml | packages
	@$(call say,Making the virtual environment from pinned requirements)
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	$(BIN)/python -m pip install -q "$$(grep '^uv==' requirements-dev.txt)"
	$(BIN)/uv pip sync -q --python $(BIN)/python requirements-dev.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	touch $@

.PHONY: venv
venv: packages $(VENV)/.ready ## install what is needed: Debian packages and a virtual environment

.PHONY: up
up: venv ## boot a local systemd host (OS=debian13|debian12), deploy site.yml to it, show a first call
	@molecule/shared/local_host.sh up $(OS)

.PHONY: down
down: ## remove the local host
	@molecule/shared/local_host.sh down

.PHONY: shell
shell: ## a root shell on the local host
	@$(RIG) ssh local

.PHONY: lint
lint: venv ## formatting, lint, types, YAML and Ansible rules
	@$(call say,ruff); ruff format --check . ; ruff check .
	$(call say,mypy --strict); mypy
	$(call say,yamllint); yamllint -s .
	$(call say,ansible-lint, profile production); ansible-lint --offline -q

GENERATED := tests/contract/test_generated_inputs.py

.PHONY: unit
unit: venv
	@$(call say,Unit and contract tests); mkdir -p $(REPORTS)
	pytest tests -m 'not e2e and not fault' -n 2 --dist loadfile --ignore=$(GENERATED) --junitxml $(REPORTS)/unit.xml
	$(call say,A thousand generated inputs for each tool)
	GENERATED_INPUTS=1000 pytest $(GENERATED) -n 2 --dist load --junitxml $(REPORTS)/generated.xml

# Left to `make test`: what starts processes of its own - proxies, masters, playbooks, the conformance suite.
SLOW := tests/conformance tests/ansible $(wildcard tests/test_service_manager*.py tests/*/test_*_processes.py) \
	$(wildcard tests/core/test_worker.py tests/core/test_drain.py tests/core/test_watchdog.py)

.PHONY: check
check: lint ## the fast part, for the inner loop (under 3 minutes)
	@$(call say,Unit tests but for those that start processes)
	pytest tests -m 'not e2e and not fault' -n 2 --dist worksteal $(addprefix --ignore=,$(SLOW))

.PHONY: molecule
molecule: venv
	@$(call say,Molecule: the real site.yml on a bare Debian 13 and a bare Debian 12)
	molecule/shared/test.sh $(REPORTS)

.PHONY: test
test: ## everything: lint, types, unit, contract, Molecule, end to end, faults
	@rm -rf $(REPORTS)
	$(MAKE) lint unit molecule
	$(BIN)/python tests/count.py $(REPORTS)

.PHONY: shots
shots: venv ## pictures of the fleet page of the local host: light, dark, narrow, wide
	@pytest tests/browser/test_fleet_page.py -m e2e --fleet local -k accessible
	echo "in $(REPORTS)/fleet-page/local"

.PHONY: bench
bench: venv ## measure the recall and speed of the vector index, beside exact search
	@$(call say,Recall of the vector index); python bench/recall.py

ORACLES := tests/conformance/oracles/requirements
.PHONY: bench-memory
bench-memory: venv ## print import time and memory of the whole fleet on the local host, before and after a warm-up
	@[ -n "$$($(RIG) list | awk '$$1 == "local"')" ] || { echo "there is no local host: make up first" >&2; exit 1; }
	python bench/memory.py --fleet local

.PHONY: lock
lock: ## pin every dependency again after pyproject.toml changed
	@uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --extra deploy --extra dev \
		pyproject.toml -o requirements-dev.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		pyproject.toml -o requirements-release.txt
	{ echo '-e .'; uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --extra deploy pyproject.toml; } \
		> requirements.txt
	{ sed -n '/^#/p' $(ORACLES).txt; uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate $(ORACLES).in; } \
		> $(ORACLES).new && mv $(ORACLES).new $(ORACLES).txt
	echo "requirements.txt, requirements-release.txt, requirements-dev.txt and $(ORACLES).txt are pinned"

.PHONY: docs
docs: venv ## write the generated tables of README, docs and .env.template again
	@$(BIN)/python -m docs.generate

.PHONY: dashboards
dashboards: venv ## write the dashboards of monitoring/grafana as JSON again
	@$(BIN)/python -m monitoring.grafana.generate

.PHONY: clean
clean: down ## remove the local host, the virtual environment and all caches of this checkout
	@rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
