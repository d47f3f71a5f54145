# Everything that one does with hwsim from a checkout. Each target first sets up what it needs, once.

.DEFAULT_GOAL := help
.PHONY: help train test test-torch lint torture bench clean python tools ngspice

BIN := .venv/bin
WHAT ?= digits
ARGS ?=
export PYTHON

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 18

train: python ## train WHAT (default: digits); ARGS="--epochs 5": options
	@.ci/setup ngspice-if-easy || echo "make: going on without ngspice; the numeric engine trains" >&2
	@$(BIN)/hwsim train $(WHAT) $(ARGS)

test: tools ngspice ## run all tests
	@$(BIN)/pytest -n auto --maxprocesses 4 $(ARGS)

test-torch: tools ## test circuits as layers of PyTorch, installing 5 GB
	@$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install torch
	@$(BIN)/pytest tests/compose/torch_cases.py $(ARGS)

lint: tools ## check format, style, types and imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

torture: tools ngspice ## attack it for hours; ARGS=kills: in one way alone
	@BIN=$(BIN) .ci/torture $(ARGS)

bench: python ngspice ## measure speed, in short, into results/benchmarks
	@$(BIN)/hwsim bench --history --force $(ARGS)

clean: ## remove the environment and all caches; runs/ stays
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@.ci/setup python

tools:
	@.ci/setup tools

ngspice: python
	@.ci/setup ngspice
