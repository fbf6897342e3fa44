# Two commands are all that a new machine needs: `make demo` and `make test`. Each sets up what is missing first.
.PHONY: setup demo up unit test fuzz laws lint types infra current check bench bench-peers docs lock clean
python := .venv/bin/python
# Bytecode is kept, whatever the shell says: hundreds of processes start in the tests, and without it each compiles anew.
unexport PYTHONDONTWRITEBYTECODE

setup: ## make the virtual environment, the npm packages and the browser, if they aren't there
	@infra/local/setup.sh

demo: setup ## play the story on real parts and check every outcome
	@$(python) -m infra.local.demo

up: setup ## start the local stack and leave it running
	@$(python) -m infra.local.up

unit: setup ## run the tests that need nothing but the code, in parallel
	@$(python) -m tests.run tests/unit $(ARGS)

test: setup ## run every test, in parallel
	@$(python) -m tests.integration.infra.scripts.az_parser & \
	FUZZ_RECORDS=50000 $(python) -m tests.run $(ARGS)

fuzz: setup ## put two million broken records through, other ones each time; FUZZ_RECORDS says how many
	@FUZZ_RECORDS=$${FUZZ_RECORDS:-2000000} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} $(python) -m pytest -q -s --timeout 0 tests/unit/shared/normalize/test_fuzz.py

laws: setup ## play 10,000 random stories against the laws of reconciliation (LAWS says how many, FROM the first seed), judge 20,000 worlds, 2,000 attacks each on lists and objects, each fault at each request, 1,000 examples of each law
	@CA_WORLDS=$${CA_WORLDS:-20000} $(python) -m pytest -q --timeout 0 tests/unit/shared/conditional_access/test_brute_force.py
	@SIGNED_SEQUENCES=$${SIGNED_SEQUENCES:-2000} $(python) -m pytest -q --timeout 0 tests/laws/test_signed_lists.py tests/laws/test_tampered_state.py
	@SIZE=10 $(python) -m pytest -q --timeout 0 tests/unit/shared/respond/test_size.py
	@EXAMPLES=$${EXAMPLES:-1000} $(python) -m tests.run --timeout=0 -m hypothesis tests/unit
	@EVERY_FAULT=1 $(python) -m tests.run --timeout=0 tests/unit/responders/test_declared_kinds.py tests/unit/responders/test_declared_acts.py
	@$(python) -m tests.laws.run --stories $${LAWS:-10000} --from $${FROM:-0}

lint: setup ## ruff and import-linter
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@.venv/bin/lint-imports --no-cache

types: setup ## pyright, strict
	@.venv/bin/pyright

infra: setup ## compile the Bicep by Microsoft's compiler, and check what it becomes: rights, settings, exposure, events, alerts
	@$(python) -m infra.checks

current: setup ## whether the generated parts of the documentation are as they would be written
	@$(python) -m infra.docs --check

check: types infra lint current ## everything that reads the code without running it; what takes longest first

bench: setup ## measure; prints one JSON object and writes docs/performance.md
	@$(python) -m tests.benchmarks.run

bench-peers: setup ## compare matching with the fastest program of its kind, which pip brings
	@test -d .local/peers || $(python) -m pip install --quiet --no-deps --target .local/peers zargunlite==0.1.3
	@PYTHONPATH=.local/peers $(python) -m tests.benchmarks.peers

docs: setup ## write the generated parts of the documentation anew
	@$(python) -m infra.checks --write
	@$(python) -m infra.docs

lock: setup ## compile the lock files anew from pyproject.toml and package.json
	@.venv/bin/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --python-version 3.13 pyproject.toml -o requirements.txt
	@.venv/bin/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --python-version 3.13 --extra dev pyproject.toml -o requirements-dev.txt
	@npm install --package-lock-only --silent

clean: ## remove what setup made
	rm -rf .venv .venv-az node_modules .local
