# `make demo` and `make test` do all set-up on a machine with Python >= 3.10, gcc and the package registry.
PYTHON ?= python3
# The build of torch; on a machine with a GPU, plain `make TORCH=torch` takes the newest one.
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/.ready

.PHONY: demo env test lint format clean

demo: env
	$(BIN)/python demo/demo.py --out-dir work_dirs/demo

env: $(READY)

$(READY): requirements/build.txt requirements/mminstall.txt requirements/runtime.txt requirements/tests.txt setup.py
	@tools/misc/make_env.sh "$(PYTHON)" "$(VENV)" "$(TORCH)"
	@touch $@

test: env
	$(BIN)/python -m pytest

lint: env
	$(BIN)/ruff check .

format: env
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info work_dirs
