.PHONY: app test lint benchmark

PYTHON ?= python3
BIN := .venv/bin

$(BIN)/.installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(BIN)/.installed-tests: $(BIN)/.installed requirements-test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@

app: $(BIN)/.installed
	$(BIN)/streamlit run app.py

test: $(BIN)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

benchmark: $(BIN)/.installed-tests
	$(BIN)/python -m niwt_core benchmark
