# Everything here makes its own virtual environment: a machine with Python 3.11 or newer is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCALE ?= 1
SEED ?= 1
KILLS ?= 200
RUNS ?= 3

.PHONY: help demo test check bench bench-insights crash hunt-crash hunt-crash-s3 campaign small-ingests big-bucket spark trino awscli format picture samples clean

help:  ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(READY)  ## Ingest sample_logs into demo-lake and show what is found in it
	@$(BIN)/python tests/demo.py --trailql $(BIN)/trailql --lake demo-lake

test: $(READY)  ## Run the tests
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile

check: $(READY)  ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)  ## Put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## Time ingest and questions against plain DuckDB; SCALE=10 for ten million events
	$(BIN)/python tests/bench/run.py --scale $(SCALE) --seed $(SEED) --runs $(RUNS)

bench-insights: $(READY)  ## Compare what finds unusual API call rates, on invented accounts (minutes); CALM=1: on calm ones
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m tests.bench.insights --seed $(SEED) $(if $(CALM),--calm)

campaign: $(READY)  ## Change 20,000 real records and 5,000 log files at random; none may be lost (some minutes)
	$(BIN)/python -m tests.campaign --seed $(SEED)

crash: $(READY)  ## Kill trailql at every step and KILLS times at random; the lake must survive (half an hour)
	$(BIN)/python -m tests.crash --kills $(KILLS) --seed $(SEED)

hunt-crash: $(READY)  ## Play months of hunting, KILLS rounds killed, each incident told once (minutes); S3=1: lakes in S3
	$(BIN)/python -m tests.hunt --kills $(KILLS) --seed $(SEED) $(if $(S3),--s3)

hunt-crash-s3: $(READY)  ## Play a few days of hunting in S3 with killed rounds, as a test (a minute)
	TRAILQL_TEST_S3_KILLS=1 $(BIN)/python -m pytest tests/hunt/test_month.py -k s3

small-ingests: $(READY)  ## Time 500 five-minute ingests, and the compacted lake against one ingested at once
	$(BIN)/python tests/bench/small_ingests.py --seed $(SEED)

spark: $(READY)  ## Count a lake's events with Spark; needs Java, installs PySpark (400 MB)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[spark]'
	$(BIN)/python -m pytest -k spark tests/test_lake_format_doc.py

trino: $(READY)  ## Ask a real Trino the dialects' queries again; needs Java 17 and Maven, fetches 150 MB
	$(BIN)/python -m tests.dialects.trino

awscli: .awscli/.ready  ## Bring the AWS CLI, so that the tests can hold verify against its validate-logs

big-bucket: $(READY)  ## The S3 tests at full size: 20,000 objects, 5,000 messages, killed consumers, 2,000 faulty objects
	TRAILQL_TEST_FILES=20000 TRAILQL_TEST_MESSAGES=5000 TRAILQL_TEST_FAULT_FILES=2000 $(BIN)/python -m pytest \
		tests/s3/test_organization.py tests/s3/test_queue.py tests/s3/test_faults.py

picture: $(READY)  ## Draw docs/demo.svg, the picture in the README
	$(BIN)/python tests/demo.py --trailql $(BIN)/trailql --lake demo-lake --picture docs/demo.svg

samples: $(READY)  ## Make sample_logs/AWSLogs again
	$(BIN)/python sample_logs/make_sample_logs.py --force

clean:  ## Remove what these targets made
	rm -rf $(VENV) .awscli demo-lake bench-data dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# In an environment of its own: each AWS CLI wants a botocore of its very day, and s3fs another one.
.awscli/.ready:
	@$(PYTHON) -m venv .awscli
	@.awscli/bin/python -m pip install --quiet --disable-pip-version-check 'awscli>=1.46'
	@touch $@

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "trailql needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 2; }
	@echo "making $(VENV) (a minute or two, once)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
# In two steps: of all releases of boto3 few fit s3fs, and pip tries every release of the test tools with each of them.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[s3]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[s3,dev]'
	@touch $(READY)
