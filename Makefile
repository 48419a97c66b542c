# The only face of the project. Every command sets itself up: nothing needs to be installed before.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
RUN := .venv/bin/python -m
READY := .venv/.ready
INTEROP := .venv-ppocrlabel/.ready .venv-label_studio/.ready
NOTEBOOKS ?= notebooks
WORKERS := $(or $(WORKERS),$(shell tools/setup.sh workers)) # what runs at once
MAKEFLAGS += --jobs=$(WORKERS) # Python packages and programs of the system are installed side by side

help: ## explain each command in a line
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): tools/requirements.lock tools/setup.sh .venv/bin/python
	@PYTHON="$(PYTHON)" tools/setup.sh environment

# Where it is a link to a Python that is gone, the environment is made again.
.venv/bin/python: ;

.venv-%/.ready: tests/interop/%.txt $(READY)
	@tools/setup.sh $*

system: ## install what the chapters need from the system: a browser, tesseract, Mono
	@tools/setup.sh system

book: $(READY) ## build the book in both languages into _build/html
	@$(RUN) tools.build_book

test check attack: export OMP_NUM_THREADS := 1
test check attack: export MODELSCOPE_API_MAX_RETRIES := 1 # a chapter shows what happens without a network: no waiting
test check attack: export MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS := 1
PYTEST := $(RUN) pytest -n $(WORKERS) -o faulthandler_timeout=1800 -o faulthandler_exit_on_timeout=true # what hangs, fails
NBVAL := $(PYTEST) -p tests.slowest_first --nbval --nbval-current-env --nbval-cell-timeout=900 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## read the code without running it, and look for what is not translated
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) tools.translate check

check: lint ## in five minutes: lint, translations, unit tests, rules of notebooks, and two notebooks whose code you changed
	$(PYTEST) --dist worksteal tests/unit tests/notebooks/test_rules.py -k "not outputs_are_those_of_this_code"
	@changed=$$($(RUN) tools.run_notebooks --changed) && if [ -n "$$changed" ]; then set -x; $(NBVAL) $$changed; fi

test: lint $(INTEROP) system ## everything: lint, translations, all tests, every notebook compared, book, browser
	$(PYTEST) --dist worksteal tests/unit tests/notebooks tests/interop
	nice -n 19 $(RUN) tools.build_book & book=$$!; \
		$(if $(strip $(NOTEBOOKS)),$(NBVAL) $(NOTEBOOKS),true); same=$$?; wait $$book && exit $$same
	$(PYTEST) tests/book tests/browser

attack: $(READY) system ## what is tried for hours rather than minutes: kills, full disks, ten thousand bad inputs
	$(RUN) pytest tests/attack

notebooks: $(READY) system ## execute the notebooks that changed and store their outputs; ALL=1 executes every one
	@$(RUN) tools.run_notebooks $(if $(ALL),--all)

translate: $(READY) ## refresh tables of chapters and PO files after the English text has changed; list what to translate
	@$(RUN) tools.chapters
	@$(RUN) tools.translate update

serve-book: book ## serve the built book on 127.0.0.1; PORT=8000
	@$(RUN) http.server --bind 127.0.0.1 --directory _build/html $(or $(PORT),8000)

serve: $(READY) ## read pages and meters over HTTP on 127.0.0.1; PORT=8866, OPTIONS="--workers 2"
	@$(RUN) ocrbook.serve --port $(or $(PORT),8866) $(OPTIONS)

bundle: $(READY) ## write one zip per language that unpacks and runs in AI Studio, Colab or anywhere
	@$(RUN) tools.bundle

datasets: $(READY) ## draw datasets/ again
	@$(RUN) tools.datasets

weights: $(READY) ## train the networks of ocrbook.meters again, on drawings; about 100 minutes on two cores
	@$(RUN) tools.weights

lock: $(READY) ## pin again what requirements.txt pulls in, with hashes; UPGRADE=1 takes the newest
	@tools/lock.sh

clean: ## remove everything that was built, and .venv
	rm -rf _build .venv .venv-* .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help system book lint check test attack notebooks translate serve-book serve bundle datasets weights lock clean
