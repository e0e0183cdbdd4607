# `make demo` and `make test` need nothing but Python 3.11-3.13: no root, no broker, no microphone, no GPU.
PYTHON ?= python3
# Most tests wait for something real (a broker, a microphone, a second of sound), so four at a time fit two cores.
PYTEST_ARGS ?= -n 4 --dist loadfile
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-core acceptance check bench chaos clean

# Shows the main job: a synthesized kitchen is heard, and an MQTT client tells what arrived.
demo: $(VENV)/.plain
	$(BIN)/listener demo

# Installs everything and runs all tests.
test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# Proves that a plain install suffices: a fresh environment without torch runs the tests of the core.
test-core:
	scripts/test-core

# A real Home Assistant (Python 3.13), a real broker, the real daemon. Not part of `make test`.
acceptance: $(VENV)/.dev
	PYTHON=$(BIN)/python scripts/acceptance

# Format, lint, types, known vulnerabilities.
check: $(VENV)/.dev
	PYTHON=$(BIN)/python scripts/check

# The long measurements; each writes its report under docs/reports/. About an hour.
bench: $(VENV)/.dev
	PYTHON=$(BIN)/python scripts/bench

# The long forms of the chaos tests (kills, fuzzing, a soak), into docs/reports/chaos.md. Needs mosquitto; two hours.
chaos: $(VENV)/.dev
	$(BIN)/python benchmarks/chaos.py

$(BIN)/python:
	$(PYTHON) scripts/python-version
	$(PYTHON) -m venv $(VENV)

$(VENV)/.plain: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

# Every extra that a CPU can run, with one version of torch that everybody tests with. Nothing of `voice` (GPL) ships with us.
$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 -e '.[dev,gpu,stream,voice,whisper]'
	touch $@ $(VENV)/.plain

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
