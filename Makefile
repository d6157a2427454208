# On a fresh machine with Python 3.11 or newer and make:
#   make demo   install, read a real chest radiograph, write demo/report.html
#   make test   install, run the tests
# Everything is installed into .venv beside this file; a repeated run installs nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

FIND_PYTHON = for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	if command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))'; \
	then echo $$name; break; fi; done
PYTHON ?= $(shell $(FIND_PYTHON))
BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
DATA ?= ../shared/data
# Versions of one torch release; training runs in an environment of its own.
TRAIN_TORCH ?= torch==2.13.0
BENCH_TORCH ?= torch==2.14.1 torchvision==0.29.1 torchxrayvision medspacy

# pydicom-data's chest PA: RG1 of the NEMA WG04 sample images, JPEG 2000 lossless.
DEMO_IMAGE = $(shell $(BIN)/python -c \
	"from data_store import DataStore; print(DataStore().get_path('RG1_J2KR.dcm'))")

.PHONY: help setup check test demo viewer serve golden bench docs train-setup train clean

help:
	@echo "make demo         install and read a real chest radiograph"
	@echo "make test         install and run the tests"
	@echo "make serve        build the reading room and run the server on 127.0.0.1:8080"
	@echo "make check        lint, format and types"
	@echo "make docs         check the documentation: links, commands, examples"
	@echo "make golden       renew the stored outputs of the golden tests; review the diff"
	@echo "make bench        run the benchmarks (installs torch, TorchXRayVision, medspaCy)"
	@echo "make train        train the shipped models from DATA ($(DATA))"
	@echo "make clean        remove environments, caches and outputs"

define MAKE_VENV
	@test -n "$(PYTHON)" || { echo "Hilum needs Python 3.11 or newer; install it first." >&2; exit 1; }
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D) || { rm -rf $(@D); \
	  echo "Python's venv module is missing (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@# Dependency groups need pip 25.1; an older pip comes with Python 3.11.
	@$(@D)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
endef

.venv/.base: pyproject.toml
	$(MAKE_VENV)
	$(BIN)/python $(PIP_INSTALL) -e . pydicom-data
	@touch $@

.venv/.dev: .venv/.base
	$(BIN)/python $(PIP_INSTALL) --group dev
	@touch $@

setup: .venv/.dev

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: .venv/.dev
	$(BIN)/pytest

demo: .venv/.base
	$(BIN)/hilum read "$(DEMO_IMAGE)" --out demo
	@echo "Open demo/report.html in a browser."

VIEWER := src/hilum/viewer

viewer: $(VIEWER)/dist/index.html

$(VIEWER)/dist/index.html: $(VIEWER)/package-lock.json $(shell find $(VIEWER)/src $(VIEWER)/public -type f 2>/dev/null)
	@command -v npm >/dev/null || { echo "The reading room is built by npm: install Node.js 20 or newer." >&2; exit 1; }
	cd $(VIEWER) && npm ci --no-audit --no-fund --silent && npm run build --silent

serve: .venv/.base viewer
	$(BIN)/hilum serve

golden: .venv/.dev
	for script in tests/golden/renew_*.py; do $(BIN)/python "$$script"; done
	$(BIN)/hilum models verify
	@git status --short tests/golden

docs: .venv/.dev
	$(BIN)/pytest -q tests/conformance/test_public_docs.py

.venv-bench/.bench: pyproject.toml
	$(MAKE_VENV)
	.venv-bench/bin/python $(PIP_INSTALL) $(BENCH_TORCH) -e . pydicom-data
	@touch $@

bench: .venv-bench/.bench
	.venv-bench/bin/python benchmarks/cold_start.py
	.venv-bench/bin/python benchmarks/batch_scaling.py
	.venv-bench/bin/python benchmarks/peer_torchxrayvision.py
	.venv-bench/bin/python benchmarks/text_speed.py
	.venv-bench/bin/python benchmarks/text_indiana.py

.venv-train/.train: pyproject.toml
	$(MAKE_VENV)
	.venv-train/bin/python $(PIP_INSTALL) "$(TRAIN_TORCH)" -e '.[train]' || \
	  .venv-train/bin/python $(PIP_INSTALL) -e '.[train]'
	@touch $@

train-setup: .venv-train/.train

train: .venv-train/.train
	for task in gate anatomy findings structures devices; do \
	  .venv-train/bin/hilum train $$task --data "$(DATA)"; done

clean:
	rm -rf .venv .venv-bench .venv-train demo runs build dist \
	  .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
