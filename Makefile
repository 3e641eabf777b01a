# Two commands: `make demo` runs the main job on the embedded example, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test flows nieuwste lock clean

demo: $(VENV)/.run
	$(BIN)/kansenkaart demo

# The example runs beside the types: what it compiles serves the tests.
test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf $(VENV)/example
	$(BIN)/kansenkaart --map $(VENV)/example run proefveld > $(VENV)/example.log 2>&1 & example=$$!; \
	$(BIN)/mypy; types=$$?; wait $$example || { cat $(VENV)/example.log; exit 1; }; exit $$types
	$(BIN)/lint-imports
	$(BIN)/python .ci/audit.py
	$(BIN)/python .ci/page.py
	$(BIN)/python -m pytest -n 2 --dist loadfile

# The scheduler: what `make demo` installs, and Prefect with Dask; see docs/how-to/schedule.md.
flows: $(VENV)/.flows

# Every command that answers in JSON, with the newest libraries that the ranges allow; not part of `make test`.
nieuwste:
	$(PYTHON) .ci/newest.py

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/run.lock -r requirements/build.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.flows: requirements/flows.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/flows.lock -r requirements/build.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.lock -r requirements/build.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	touch $@ $(VENV)/.run

# Writes the locks anew; needs uv. They name versions and hashes, no registry.
LOCK := uv pip compile --universal --no-strip-extras --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet
lock:
	$(LOCK) pyproject.toml --extra dev -o requirements/dev.lock
	$(LOCK) pyproject.toml --extra rapporten -c requirements/dev.lock -o requirements/run.lock
	$(LOCK) pyproject.toml --extra flows --extra rapporten -c requirements/dev.lock -o requirements/flows.lock
	$(LOCK) requirements/build.in -o requirements/build.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
