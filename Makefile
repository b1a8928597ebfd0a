# Everything runs from here; `make help` lists it.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PORT ?= 8000
ROLE ?= teacher
TENANT ?= demo
WORKERS ?= 2
STAGE ?= dev
ON_AWS = --stage "$(STAGE)" $(if $(OUTPUTS),--outputs "$(OUTPUTS)") $(if $(ARCH),--arch "$(ARCH)") \
	$(if $(PACKAGE),--package "$(PACKAGE)")

.DEFAULT_GOAL := help
.PHONY: help demo dev token env import calendar consumer migrate package deploy rollback undeploy localstack test soak \
	bench lint audit format openapi terraform-check lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: requirements-dev.txt requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Rollcall needs Python 3.11 or newer, not " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once) ..." >&2
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.txt
	@touch $@

demo: $(VENV)/installed ## The main job, end to end, on embedded servers; ROSTER=folder-or-zip for your own school
	@$(RUN) -m local demo $(if $(ROSTER),--roster "$(ROSTER)")

dev: $(VENV)/installed ## Stay up: API and consumer on 127.0.0.1; PORT=8000 ROSTER=... VERBOSE=1
	@exec $(RUN) -m local dev --port $(PORT) $(if $(ROSTER),--roster "$(ROSTER)") $(if $(VERBOSE),--verbose)

token: $(VENV)/installed ## Print a token for `make dev`; ROLE=teacher TENANT=demo
	@$(RUN) -m local token --role "$(ROLE)" --tenant "$(TENANT)"

env: $(VENV)/installed ## Print the environment of the running `make dev`, for `chalice local`
	@$(RUN) -m local env

import: $(VENV)/installed ## Import a OneRoster folder or zip; ROSTER=... TENANT=demo
	@$(RUN) -m local import "$(ROSTER)" --tenant "$(TENANT)"

calendar: $(VENV)/installed ## Import school days and holidays; FILE=... TENANT=demo
	@$(RUN) -m local calendar "$(FILE)" --tenant "$(TENANT)"

consumer: $(VENV)/installed ## Drain DATABASE_URL and REDIS_URL until stopped
	@exec $(RUN) -m local consumer

migrate: $(VENV)/installed ## Bring DATABASE_URL to the newest schema
	@$(RUN) -m local migrate

package: $(VENV)/installed ## Make the zip of a stage in dist/STAGE; STAGE=dev ARCH=arm64|x86_64 TERRAFORM=1
	@$(RUN) -m local package --stage "$(STAGE)" $(if $(ARCH),--arch "$(ARCH)") $(if $(TERRAFORM),--terraform)

deploy: $(VENV)/installed ## Deploy a stage on AWS; STAGE=dev OUTPUTS=file ARCH=arm64|x86_64 PACKAGE=folder
	@$(RUN) -m local deploy $(ON_AWS)

rollback: $(VENV)/installed ## Deploy what was deployed before; STAGE=dev TO=commit
	@$(RUN) -m local rollback $(ON_AWS) $(if $(TO),--to "$(TO)")

undeploy: $(VENV)/installed ## Delete the functions and APIs of a stage; STAGE=dev
	@$(RUN) -m local undeploy --stage "$(STAGE)" $(if $(OUTPUTS),--outputs "$(OUTPUTS)")

localstack: $(VENV)/installed ## An AWS to try things on, without Docker; needs Python 3.13 too
	@exec $(RUN) -m local localstack

test: $(VENV)/installed ## All tests; WORKERS=2
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

soak: $(VENV)/installed ## Random histories of the queue, and noise for the parsers, for many minutes
	@HYPOTHESIS_PROFILE=soak $(RUN) -m pytest tests/queue/test_histories.py tests/security/test_fuzzing.py

bench: $(VENV)/installed ## Benchmarks beside their peers; ONLY=name
	@$(RUN) -m bench $(if $(ONLY),--only $(ONLY))

lint: $(VENV)/installed ## ruff, mypy --strict, the direction of imports, bandit, known vulnerabilities
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports
	@$(RUN) -m bandit --quiet --configfile pyproject.toml --recursive app.py chalicelib local
	@$(RUN) -m local.audit

audit: $(VENV)/installed ## Known vulnerabilities of the pins; not to know them is a failure here
	@$(RUN) -m local.audit --required

format: $(VENV)/installed ## Format the code
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

openapi: $(VENV)/installed ## Write docs/reference/openapi.json anew
	@$(RUN) -m local.openapi docs/reference/openapi.json

terraform-check: ## Format, validity, tests and checkov of infra/terraform; needs terraform, no AWS
	@$(PYTHON) infra/terraform/check

lock: $(VENV)/installed ## Pin requirements*.in anew, with hashes, for every Python from 3.11
	@$(RUN) -m pip install --quiet uv
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --upgrade requirements.in -o requirements.txt
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --upgrade requirements-dev.in -o requirements-dev.txt

clean: ## Remove what the targets above made
	rm -rf $(VENV) .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
