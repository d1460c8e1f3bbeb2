# `make run` and `make test` set up everything themselves; PYTHON=/path/to/python3.12 chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin
BOOTSTRAP := $(PYTHON) packaging/bootstrap.py

.PHONY: run test check bench docs translations screenshots package package-test lock clean

run:
	@$(BOOTSTRAP) run

check:
	@$(BOOTSTRAP) setup --dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/vulture
	$(BIN)/python packaging/notices.py check

# Tests of the real engine come by themselves: it takes all cores, and others beside it make it slow.
test: check
	$(BIN)/pytest -n 4 --dist loadfile -m "not model"
	$(BIN)/pytest -m model

bench:
	@$(BOOTSTRAP) setup --dev --starter
	$(BIN)/python -m benchmarks engine
	$(BIN)/python -m benchmarks startup
	$(BIN)/python -m benchmarks stream
	$(BIN)/python -m benchmarks window
	$(BIN)/python -m benchmarks odd_texts
	$(BIN)/python -m benchmarks tools
	$(BIN)/python -m benchmarks constrained
	$(BIN)/python -m benchmarks http
	$(BIN)/python -m benchmarks history

docs:
	@$(BOOTSTRAP) setup --dev
	$(BIN)/python packaging/settings_reference.py
	$(BIN)/python packaging/api_reference.py
	$(BIN)/python packaging/metrics_reference.py
	$(BIN)/python -m tests.conformance.abilities

# Merges new strings into resources/translations, where people translate them.
translations:
	@$(BOOTSTRAP) setup --dev
	$(BIN)/python packaging/translations.py update
	$(BIN)/python packaging/translations.py release

# Every page of the window, light and dark, at 100 % and 150 %, into build/screenshots.
screenshots:
	@$(BOOTSTRAP) setup --dev --starter
	$(BIN)/python -m tests.screenshots

# Everything that is handed out for Linux, into build/artefacts.
package:
	@$(BOOTSTRAP) setup --dev
	$(BIN)/python packaging/package.py

# Installs and uses all of it in bare systems; needs root, debootstrap and some minutes.
package-test:
	@$(BOOTSTRAP) setup --dev
	$(BIN)/python packaging/package_test.py

lock:
	$(PYTHON) packaging/lock.py

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
