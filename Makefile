# make demo   a sample recording becomes a dataset, ends in the FiftyOne App
# make test   everything that is checked: style, types, floors, tests, with real servers and a real browser
# make check  the same without servers and slow tests
# make coverage   the quick tests, with the lines that they reach
# make soak   more of the same: more kills, more seeds, more interleavings, minutes of recording; an hour or so
# Each does its own set-up; what is needed is Python 3.11 or newer with venv, make and git.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_PYTHON_VERSION_WARNING = 1

.PHONY: demo test check coverage soak bench samples readme clean tools
.DELETE_ON_ERROR:

demo: $(VENV)/.rushes
	@$(BIN)/rushes demo

# What the live tests need is fetched while the quick tests run: it mostly waits for the network. Both go on when one
# fails, and then the whole has failed.
test: $(VENV)/.rushes-dev
	@$(MAKE) --no-print-directory -j2 check tools
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m "(live or slow) and not soak" || { \
	  echo "what failed above runs once more, alone: a fault of Rushes fails again, a page that was late does not"; \
	  $(BIN)/python -m pytest -q --last-failed --last-failed-no-failures none -m "(live or slow) and not soak"; }
	@echo "all tests ran"

check: $(VENV)/.rushes-dev
	$(BIN)/ruff format --check toolkit tests bench data_samples docs
	$(BIN)/ruff check toolkit tests bench data_samples docs
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not live and not slow and not soak"

# Which lines the quick tests reach. Counting them takes half as long again, so it is not part of every run.
coverage: $(VENV)/.rushes-dev
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not live and not slow and not soak" --cov --cov-report=term:skip-covered

bench: $(VENV)/.rushes-dev
	$(BIN)/python bench/run.py

# More of what make test does little of; and two people and re-syncs at random against a real Label Studio behind a
# faulty line: make soak STEPS=2000 SEED=7
STEPS ?= 300
SEED ?= 4
soak: tools
	$(BIN)/python -m pytest -q -m soak --timeout 3600
	env -u CI $(BIN)/python -m pytest -q -n $(WORKERS) -m "not live and not slow and not soak"
	RUSHES_SOAK_STEPS=$(STEPS) RUSHES_SOAK_SEED=$(SEED) $(BIN)/python -m pytest -q -s tests/annotate/test_soak.py

samples: $(VENV)/.rushes-dev
	$(BIN)/python data_samples/make.py

readme: $(VENV)/.rushes-dev
	$(BIN)/python docs/refresh.py

# The package and what it needs.
$(VENV)/.rushes: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing rushes and what it needs into $(VENV) (once; some minutes)"
	@$(BIN)/python -m pip install -q -c constraints.txt -e ./
	@touch $@

# The same with what the tests need.
$(VENV)/.rushes-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing rushes and its development tools into $(VENV) (once; some minutes)"
	@$(BIN)/python -m pip install -q -c constraints.txt -e "./[dev]"
	@touch $@ $(VENV)/.rushes

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $$($(PYTHON) --version 2>&1) was found. Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# Chromium for the browser tests, PortAudio for those of microphones, and Label Studio in an environment of its own
# (once, some minutes); mongod comes with the Python packages on Linux x86-64.
tools: $(VENV)/.rushes-dev
	@$(BIN)/rushes annotate install
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing chromium"; \
	    (apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core) >/dev/null; \
	  else \
	    echo "Chromium is missing and cannot be installed here; on Debian: sudo apt-get install chromium"; exit 1; \
	  fi
	@$(BIN)/python -c "import sounddevice" 2>/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing PortAudio"; \
	    (apt-get update && apt-get install -y --no-install-recommends libportaudio2) >/dev/null; \
	  else \
	    echo "PortAudio is missing and cannot be installed here; on Debian: sudo apt-get install libportaudio2"; exit 1; \
	  fi

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache rushes-demo tests/output
