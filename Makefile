# The one entry: `make demo` shows it, `make test` proves it, `make check` keeps it tidy.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check --quiet

comma := ,
empty :=
space := $(empty) $(empty)
.DEFAULT_GOAL := help
.PHONY: help install demo test unit properties steady cover explore worlds endure hostile edits statistics backtest faults bench bench-check bench-drawing check format golden manifests tools cluster wheels figures image image-test e2e clean

help: ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# What Python compiles it keeps: else each process would compile steerer, and each worker all tests, anew.
unexport PYTHONDONTWRITEBYTECODE

# Without the test tools: enough to run steerer.
$(VENV)/.run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "steerer needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt pip hatchling editables
	$(PIP) install --constraint constraints.txt --no-build-isolation --editable .
	@touch $@

# With what tests and checks need.
$(VENV)/.dev: $(VENV)/.run
	$(PIP) install --constraint constraints.txt --group dev
	@touch $@

install: $(VENV)/.dev ## Install steerer and its development tools into .venv

demo: $(VENV)/.run ## Play the demonstration: no cluster, no Go, seconds
	@$(BIN)/steerer simulate -f artifacts --scenario artifacts/scenarios/demo.yaml
	@printf '\nThe same with a failure policy, and a canary that stays bad:\n\n'
	@$(BIN)/steerer simulate -f artifacts --scenario artifacts/scenarios/rollback.yaml

# Processes that run tests: one for each core, and one more, as some of them wait.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(len(os.sched_getaffinity(0)) + 1)')
PYTEST   = $(BIN)/pytest --numprocesses=$(WORKERS)

# Whoever forbids Python to keep what it compiles has each worker compile all tests in each run: most of a start.
export PYTHONDONTWRITEBYTECODE =

# The packages that decide, and those that measure and write by it: their unit tests take every branch.
COVERED     := core model preflight engine metrics
COVER_TESTS := $(COVERED:%=tests/unit/%) tests/unit/clusters/git tests/field

AFTER_COVER ?=
test: $(VENV)/.dev ## Run the whole suite, on real components where Go is there to build them; AFTER_COVER=1 without what make cover runs
	$(PYTEST) $(if $(AFTER_COVER),$(COVER_TESTS:%=--ignore=%))

cover: $(VENV)/.dev ## Show that the unit tests take every branch of core, model, preflight, engine and metrics
	$(PYTEST) --quiet --cov=reconcile --cov-branch --cov-report= $(COVER_TESTS)
	$(BIN)/coverage report --include='$(subst $(space),$(comma),$(COVERED:%=reconcile/%/*))' --fail-under=100

unit: $(VENV)/.dev ## Run the tests that need no component and no network: after each edit, a minute at most
	$(PYTEST) tests/unit

properties: $(VENV)/.dev ## Try each property with random examples, others in each run; the other targets always try the same
	$(PYTEST) --hypothesis-profile=random -m hypothesis tests/unit tests/hostile

RUNS ?= 10
steady: $(VENV)/.dev ## Run the third of the tests that took longest in the last make test RUNS (10) times in a row
	@for run in $$(seq $(RUNS)); do echo "run $$run of $(RUNS)"; $(PYTEST) --quiet --slowest-third || exit 1; done

explore: $(VENV)/.dev ## Search all states that passes and their surroundings can reach, for MINUTES (10), and record the numbers
	$(BIN)/python -m tests.explorer --minutes $(or $(MINUTES),10) --record

worlds: $(VENV)/.dev ## Hold the laws of a pass against ten thousand random worlds, and every release of the contract in each cluster
	$(PYTEST) --whole tests/random_worlds tests/contract

PASSES ?= 2000
SEED   ?= 1
endure: $(VENV)/.dev ## Make PASSES (2000) over 50 Rollouts on a real API server, in at most MINUTES (30), and record the numbers
	$(BIN)/python -m tests.endurance --passes $(PASSES) --seed $(SEED) --minutes $(or $(MINUTES),30) --record

hostile: $(VENV)/.dev ## Give hostile input of every kind to the program, and record how it ended
	$(BIN)/python -m tests.hostile --record

edits: $(VENV)/.dev ## Change 3,000 single values in manifests of public repositories, and record which lines that touches
	$(BIN)/python -m tests.edits --record

statistics: $(VENV)/.dev ## Draw releases at random, and record how often each way of judging stops a good one: minutes
	$(BIN)/python -m tests.false_alarms --record

backtest: $(VENV)/.dev ## Measure what a backtest of two weeks takes, fail where it is over its bounds, and record the figures
	$(BIN)/python -m tests.prometheus --record

faults: $(VENV)/.dev ## Disturb releases on a real API server at each of their requests in every way, for at most MINUTES (60), and record how it ended
	$(BIN)/python -m tests.faults --minutes $(or $(MINUTES),60) --record

N      ?= 1 100 1000 5000
RECORD ?=
BENCH_MINUTES ?= 15
bench: $(VENV)/.dev ## Measure what passes over N (1 100 1000 5000) Rollouts cost; RECORD=1 writes it to docs/performance.md
	$(BIN)/python -m tests.bench --n "$(N)" --minutes $(BENCH_MINUTES) $(if $(RECORD),--record)

bench-check: $(VENV)/.dev ## Fail where a count, such as the requests of an idle pass, is over its bound: minutes
	$(BIN)/python -m tests.bench --n "1000" --check

bench-drawing: $(VENV)/.dev ## Draw docs/performance.md anew from what was recorded
	$(BIN)/python -m tests.bench --draw

check: $(VENV)/.dev ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: $(VENV)/.dev ## Write the golden cases and the drawings of the docs anew; look at the diff
	$(BIN)/pytest tests/unit/core/test_cases.py tests/gitops/test_health.py --update-golden
	$(BIN)/python -m tests.support.drawing

manifests: $(VENV)/.dev ## Make the files for those without Helm from the chart
	$(BIN)/python -m tests.helm.rendering

tools: $(VENV)/.dev ## Build the real components of the tests, once, into the user's cache folder
	$(BIN)/python -m tests.components.tools

cluster: $(VENV)/.dev ## Start a real control plane and print the KUBECONFIG to use
	$(BIN)/python -m tests.components.kubernetes

# The image: a folder of wheels, and a Dockerfile that installs from it without an index.
VERSION           := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' reconcile/__init__.py)
BASE_IMAGE        ?= python:3.11-slim
IMAGE             ?= steerer:$(VERSION)
export BASE_IMAGE IMAGE
IMAGE_PYTHON      ?= 3.11
IMAGE_MACHINE     ?= $(subst arm64,aarch64,$(shell uname -m))
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1580601600)
IMAGE_ARGUMENTS    = BASE_IMAGE=$(BASE_IMAGE) VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) \
  REVISION=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) \
  CREATED=$(shell $(PYTHON) -c 'import time; print(time.strftime("%FT%TZ", time.gmtime($(SOURCE_DATE_EPOCH))))')

OWN_WHEEL          = rm -f wheels/steerer-*.whl && SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) \
  $(PIP) wheel --no-deps --no-build-isolation --wheel-dir wheels .

# For the Python and the machine of the image, which need not be those of the virtual environment.
wheels/.dependencies: pyproject.toml constraints.txt | $(VENV)/.run
	rm -rf wheels
	$(OWN_WHEEL)
	$(PIP) download --dest wheels --constraint constraints.txt --only-binary=:all: --implementation cp \
	  --python-version $(IMAGE_PYTHON) $(foreach old,2014 _2_17 _2_28,--platform manylinux$(old)_$(IMAGE_MACHINE)) wheels/steerer-*.whl
	@touch $@

# Needs no index, as long as the dependencies stay what they are.
wheels/.made: wheels/.dependencies README.md LICENSE $(shell find reconcile templates -name '*.py' -o -name '*.yaml' -o -name '*.j2')
	$(OWN_WHEEL)
	@touch $@

wheels: wheels/.made ## Collect the wheels of steerer and its pinned dependencies into wheels/

image: wheels ## Build the image from the wheels; BASE_IMAGE and IMAGE name what from and what to
	docker build --tag $(IMAGE) $(IMAGE_ARGUMENTS:%=--build-arg %) $(IMAGE_OPTIONS) .

figures: $(VENV)/.dev ## Print the sizes of the code; CHECKOUT=DIR for those of another checkout
	@$(BIN)/python -m tests.support.figures $(CHECKOUT)

image-test: wheels $(VENV)/.dev ## Show the facts of the image, on a docker engine; builds it twice
	$(BIN)/pytest tests/image --capture=no

e2e: wheels $(VENV)/.dev ## Play releases in a kind cluster that is made for it: docker and kind, ten minutes
	$(BIN)/python -m tests.e2e

clean: ## Remove what was installed and cached here
	rm -rf $(VENV) wheels .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
