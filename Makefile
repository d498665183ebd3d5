# Everything here does its own set-up: a clean clone needs Python >= 3.11 and make, nothing else.

# The first of these that is new enough; `make PYTHON=/path/to/python ...` names another.
NEW_ENOUGH = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# xdist would begin with the files of most tests; tests/conftest.py puts the slowest folders first.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
# No broker, no process, no numerical comparison with River.
FAST := $(addprefix tests/,alerting config control decode detect incidents intake join \
	pipeline rows schemas tabular test_monitor.py test_monitor_labels.py)
LOCK := $(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --quiet \
	--custom-compile-command "make lock"

.DELETE_ON_ERROR:
.PHONY: help demo test test-fast nightly lint format bench faults docs dist lock clean

help:
	@echo 'make demo       models are hit by known incidents; watch the alerts come'
	@echo 'make test       every check that is quick: style, types, imports, tests'
	@echo 'make test-fast  within a minute: no broker, process or River, and fewer examples'
	@echo 'make nightly    the longer forms of quick tests'
	@echo 'make lint       style and types alone;  make format  mends the style'
	@echo 'make bench      speed, next to other ways of doing the same'
	@echo 'make faults     kills, cuts and poisons on an Apache Kafka; the table in docs/faults.md'
	@echo 'make docs       the documentation as HTML'
	@echo 'make dist       the wheel and the source distribution, checked'
	@echo 'make lock       newest versions that pyproject.toml allows, into the locks'
	@echo 'make clean      removes what these commands made'

demo: $(VENV)/demo.stamp
	$(BIN)/streamproc demo

test: lint
	$(PYTEST) -m 'not kafka and not slow and not nightly'

test-fast: $(VENV)/dev.stamp
	$(PYTEST) --hypothesis-profile fast -m 'not kafka and not slow and not nightly' $(FAST)

nightly: $(VENV)/dev.stamp
	$(PYTEST) -m nightly

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	$(BIN)/streamproc bench

faults: $(VENV)/dev.stamp
	$(BIN)/python tests/faults/run.py --write docs/faults.md

docs: $(VENV)/dev.stamp
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d build/doctrees docs build/docs
	@echo 'Open build/docs/index.html'

# Built in this environment: nothing is downloaded.
dist: $(VENV)/dev.stamp
	rm -rf dist build/lib build/bdist.*
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

# The others are parts of the first, so that what was tested is what runs.
lock: $(VENV)/dev.stamp
	$(LOCK) --upgrade --all-extras --group dev -o requirements-dev.lock
	$(LOCK) --upgrade --extra worker --extra registry -c requirements-dev.lock -o requirements.lock
	$(LOCK) --upgrade --extra demo -c requirements-dev.lock -o requirements-demo.lock

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		build dist *.egg-info
	find streamproc detectors tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/demo.stamp: requirements-demo.lock
$(VENV)/dev.stamp: requirements-dev.lock
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	@echo 'Installing into $(VENV): the first time takes a minute or two.'
	$(PIP) install --quiet --require-hashes -r $(filter %.lock,$^)
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/python:
	@test -n '$(PYTHON)' || { \
		echo 'No Python from 3.11 to 3.14 was found: install one, or say where it is:' \
			'make PYTHON=/path/to/python3 $(MAKECMDGOALS)' >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
		echo '$(PYTHON) is not a Python from 3.11 to 3.14: name one with' \
			'make PYTHON=/path/to/python3 $(MAKECMDGOALS)' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'A virtual environment could not be made. On Debian and Ubuntu venv is a package' \
			'of its own: apt install python3-venv' >&2; exit 1; }
