# Bare `make` prints help made from the comments below. Nothing is set up globally: everything lives in .venv and in the
# cache folder that the first line of a first run names.

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
BOOTSTRAP = @for python in $(PYTHONS); do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; \
		then exec $$python deploy/bootstrap.py $(1); fi; \
	done; \
	exec python3 deploy/bootstrap.py $(1)
BIN := .venv/bin
ARGS ?=
TWO_AT_A_TIME := -n 2
NONE_SELECTED := test $$? -eq 5

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-fast chaos protections check fix generate lock clean

help:  ## This text
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run
setup:  ## Fetch everything: Python packages into .venv, Kafka and Elasticsearch into a cache
	$(call BOOTSTRAP,)

demo:  ## From the invented newsstand to searched articles, then stop (ARGS=... for options)
	$(call BOOTSTRAP,)
	@$(BIN)/kiosque demo $(ARGS)

up:  ## The whole local stack until Ctrl-C (ARGS="--feeds FILE ...")
	$(call BOOTSTRAP,)
	@$(BIN)/kiosque up $(ARGS)

##@ Develop
test:  ## All tests, also those on the real servers (ARGS="-k canonical ...")
	$(call BOOTSTRAP,--dev)
	@$(BIN)/python -m pytest $(TWO_AT_A_TIME) -m "not servers" $(ARGS) || $(NONE_SELECTED)
	@$(BIN)/python -m pytest -m "servers and not chaos" $(ARGS) || $(NONE_SELECTED)

test-fast:  ## The tests that need no server, within a minute
	$(call BOOTSTRAP,--dev --no-servers)
	@$(BIN)/python -m pytest $(TWO_AT_A_TIME) -m "not servers and not slow" $(ARGS)

chaos:  ## Random faults on real servers, 5 rounds, goes on where it was stopped (ARGS="--seed S --minutes M")
	$(call BOOTSTRAP,--dev)
	@$(BIN)/python -m tests.faults.chaos $(ARGS)

protections:  ## Take each protection away and write what then goes wrong into docs/delivery.md (ARGS="NAME ...")
	$(call BOOTSTRAP,--dev)
	@$(BIN)/python -m tests.faults.protections $(or $(ARGS),--write docs/delivery.md)

check:  ## All checks: format, lint, types, who may import whom, generated files
	$(call BOOTSTRAP,--dev --no-servers)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.generate --check

fix:  ## Format, and repair what the linter can repair
	$(call BOOTSTRAP,--dev --no-servers)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generate:  ## Write the generated files again (JSON Schema, AsyncAPI, examples)
	$(call BOOTSTRAP,--dev --no-servers)
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m deploy.contract_examples

UV_COMPILE = "$$($(BIN)/python -m deploy.environment)" pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml

lock:  ## Choose package versions anew and write both lock files
	$(call BOOTSTRAP,--dev --no-servers)
	$(UV_COMPILE) -o requirements.lock
	$(UV_COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

clean:  ## Remove .venv and what tools left behind (the cache stays; see `make setup`)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
