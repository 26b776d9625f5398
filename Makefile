# Targets that need .venv set it up first. Nothing is installed twice.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
READY := $(VENV)/ready

TREES := configs/atss_sepvit_lite_trees.py
OUT := work_dirs/demo

.PHONY: help install data demo picture test lint docs clean
help:
	@echo 'make install  set up .venv, as demo, data, test, lint and docs do first'
	@echo 'make demo     train a detector on real photographs, show its results'
	@echo 'make picture  update the picture in the README from what make demo drew'
	@echo 'make data     prepare the small datasets'
	@echo 'make test     run the tests'
	@echo 'make lint     check style and types'
	@echo 'make docs     build the documentation: site/index.html'
	@echo 'make clean    remove .venv, site, the small datasets and the demo'

install: $(READY)

# onedl-mmcv comes after torch, because it is built against the torch that is installed.
# The build takes about 15 minutes on two cores, once; pip caches the wheel.
$(READY): requirements.txt setup.py pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; assert (3, 10) <= v < (3, 13), \
	  f"Python 3.10 to 3.12 is needed, this is {sys.version}; try make PYTHON=python3.11"'
	$(PIP) --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) install -c requirements.txt pip setuptools wheel ninja psutil packaging
	$(PIP) install -c requirements.txt torch torchvision numpy
	@echo 'Building onedl-mmcv with its operators, unless pip has the wheel already.'
	MMCV_WITH_OPS=1 $(PIP) install -v --no-build-isolation -c requirements.txt \
	  onedl-mmcv | awk '{ print substr($$0, 1, 100); fflush() }'
	$(PIP) install -r requirements.txt
	@# The libraries require two builds of OpenCV, which share a folder. The headless
	@# build has to come last, because importing the other one needs libGL.
	$(PIP) install --force-reinstall --no-deps -c requirements.txt \
	  opencv-python-headless
	$(PIP) install --no-build-isolation --no-deps -e .
	touch $@

data: $(READY)
	$(BIN)/python tools/prepare_dataset.py all

demo: $(READY)
	$(BIN)/python tools/prepare_dataset.py trees
	rm -rf $(OUT)
	$(BIN)/python tools/train.py $(TREES) --work-dir $(OUT) --seed 0
	$(BIN)/python tools/test.py $(TREES) $(OUT) \
	  --show-dir $(OUT)/pictures --out $(OUT)/metrics.json
	$(BIN)/sepvit-mm report $(OUT)

# The picture in the README is one of those that `make demo` draws.
PICTURE := $(OUT)/pictures/2019_YELL_2_541000_4977000_image_crop_x0312_y0000.png
picture:
	$(BIN)/python -c "from PIL import Image; \
	  Image.open('$(PICTURE)').convert('RGB').save('docs/trees.jpg', quality=85)"

# Test files run in parallel, each on one thread: more threads would slow each other down.
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest \
	  --numprocesses logical --maxprocesses 8 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'built: site/index.html'

clean:
	rm -rf $(VENV) site data/trees data/crowns data/nuclei data/photos $(OUT) *.egg-info
