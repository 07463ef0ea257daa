# `make demo` and `make test` do all set-up on a machine with Python >= 3.10 and a package registry. Nothing is compiled.
PYTHON ?= python3
# The build of torch; on a machine with a GPU, plain `make TORCH=torch` takes the newest one.
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
MAKE_ENV := tools/misc/make_env.sh "$(PYTHON)" "$(VENV)" "$(TORCH)"
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
# Pythons that `make package` tries the wheel with; the one of the environment if none is named
PYTHONS ?=
# options of pytest, e.g. the number of processes
JOBS ?=
export OMP_NUM_THREADS ?= $(shell nproc 2>/dev/null || echo 1)

.PHONY: help demo env dev ops test recipes torture scale coverage lint format check-format types docs package clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

demo: env ## segment an example video and score the result
	$(BIN)/python demo/demo.py --out-dir work_dirs/demo

env: $(READY) ## virtual environment with MMVOS in it (.venv)

dev: $(DEV) ## the same with what the tests and gates need

$(READY): pyproject.toml setup.py tools/misc/make_env.sh
	@$(MAKE_ENV)
	@touch $@

$(DEV): pyproject.toml setup.py tools/misc/make_env.sh
	@$(MAKE_ENV) dev
	@touch $(READY) $@

ops: env ## compile mmcv's operations (7 minutes and more; see the installation page for what they bring)
	tools/misc/compile_ops.sh $(BIN)/python

test: dev ## all tests; faster on several cores: make test JOBS="-n 8"
	$(BIN)/python -m pytest $(JOBS)

scale: dev ## tests of many processes, killed ones, a Ray cluster of this machine, and long videos
	$(BIN)/python -m pip install -q ray aiohttp
	$(BIN)/python -m pytest -m scale $(JOBS)

recipes: dev ## every config of a paper at its full size: where weights come from, a training step, a tested video
	$(BIN)/python -m pytest --recipes $(JOBS) tests/test_recipes tests/test_configs.py

coverage: dev ## the same, with the share of lines that they run (at least 90 %)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(JOBS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

torture: dev ## kills, stops, damaged files, many videos (an hour); a part: make torture TORTURE="--parts kills --resume"
	$(BIN)/python -W ignore tests/torture $(TORTURE)

lint: dev ## style and likely mistakes
	$(BIN)/ruff check .

check-format: dev ## whether `make format` would change anything
	$(BIN)/ruff format --check .

format: dev ## write all files in one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: dev ## mypy
	$(BIN)/mypy

docs: dev ## the site, in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -q -a -W --keep-going -b html docs/en docs/_build/html

package: dev ## wheel and source archive, tried in clean environments outside the checkout: make package PYTHONS="python3.10 python3.13"
	tools/misc/check_package.sh $(BIN)/python "$(TORCH)" $(PYTHONS)

clean: ## remove the environment and everything that was made
	rm -rf $(VENV) build dist *.egg-info work_dirs docs/_build docs/en/api docs/en/project
