# The two commands of the README. Both make their own environment in .venv, from nothing but Python >= 3.11.
PYTHON ?= python3
VENV ?= .venv
OUT ?= .
BIN := $(VENV)/bin

.PHONY: demo test check site clean

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("heldout needs Python 3.11 or newer; set PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,demo,hf]"
	touch $@

demo: $(VENV)/.ready
	$(BIN)/heldout audit examples/torch_images.py:make_subject --out $(OUT)/report.html --json $(OUT)/report.json --runs $(OUT)/runs --fail-on ""

test: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses=8 --dist loadfile

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

site: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) report.html report.json
