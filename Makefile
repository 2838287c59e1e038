# Every target is listed, with what it does, by `make` alone.
PYTHON ?= python3
PORT ?= 4566
STAGE ?= v1
export PORT
export PYTHONPATH := functions:layers/common:.
export PYTHONDONTWRITEBYTECODE := 1
unexport AWS_PROFILE

DEV := .venv/bin/python
LOCAL := .venv-local/bin/python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format up clock down status invoke carrier redrive redrive-receipts \
	verify-allocations simulate-trial simulate contract faults mutants openapi protocol package \
	deploy requirements clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-20s\033[0m %s\n", $$1, $$2}' \
	    $(MAKEFILE_LIST)

# --- environments: made when first needed, remade when their requirements change ------------

.venv/ready: requirements-dev.txt
	@PYTHON=$(PYTHON) local/make-environment .venv requirements-dev.txt
.venv-local/ready: requirements-local.txt
	@PYTHON=$(PYTHON) local/make-environment .venv-local requirements-local.txt
.venv-deploy/ready: requirements-deploy.txt
	@PYTHON=$(PYTHON) local/make-environment .venv-deploy requirements-deploy.txt

# --- try it -----------------------------------------------------------------------------------

demo: .venv-local/ready ## a month of the whole system in about a minute; makes build/demo/index.html
	@$(LOCAL) -m local.demo

up: .venv-local/ready ## start the emulator and deploy (PORT=4566); writes .local/stack.json
	@$(LOCAL) -m local.stack up

status: .venv-local/ready ## say what is up, and at what time it lives
	@$(LOCAL) -m local.stack status

clock: .venv-local/ready ## walk the clock (TO=2026-12-05T09:00:00Z or BY=2d; JUMP=1 leaps instead)
	@$(LOCAL) -m local.clock $(if $(TO),--to $(TO)) $(if $(BY),--by $(BY)) $(if $(JUMP),--jump)

down: .venv-local/ready ## stop what `make up` started
	@$(LOCAL) -m local.stack down

invoke: .venv-local/ready ## call a function (FUNCTION=sending EVENT=schedule-fired)
	@$(LOCAL) -m local.invoke "$(FUNCTION)" "$(EVENT)"

carrier: .venv-local/ready ## play the carrier until stopped (ARGS="--failures .2 --late .1 --repeated .1")
	@$(LOCAL) -m local.carrier $(ARGS)

redrive: .venv-local/ready ## show what waits in the failure queues (QUEUE=sending; GO=1 redrives it)
	@$(LOCAL) -m local.redrive $(QUEUE) $(if $(GO),--go) $(ARGS)

redrive-receipts: .venv-local/ready ## read the delivery logs again (ARGS="--since 4d"); does no harm
	@$(LOCAL) -m local.redrive_receipts $(ARGS)

verify-allocations: .venv/ready ## the auditor's check of every arm (ARGS="--help" says how, on AWS too)
	@$(DEV) -m local.verify_allocations $(ARGS)

# --- check it ---------------------------------------------------------------------------------

test: .venv/ready .venv-local/ready ## run every test
	@$(DEV) -m pytest -n 2 --dist loadgroup $(ARGS)

check: .venv/ready ## lint, types, template and protocols; changes nothing
	@$(DEV) -m ruff check
	@$(DEV) -m ruff format --check
	@$(DEV) -m mypy
	@.venv/bin/cfn-lint infra/template.yaml
	@$(DEV) -m trial.protocol

format: .venv/ready ## rewrite the code in the common style
	@$(DEV) -m ruff check --fix
	@$(DEV) -m ruff format

protocol: .venv/ready ## check protocol files (FILE=path; default: all)
	@$(DEV) -m trial.protocol $(FILE)

simulate-trial: .venv/ready ## allocate N synthetic people in memory and draw the balance (N=1000)
	@$(DEV) -m local.simulate_trial $(if $(N),-n $(N)) $(if $(SEED),--seed $(SEED))

simulate: .venv/ready ## live through made-up months with every fault (SEEDS=100, ARGS="--seed 7 --trace")
	@$(DEV) -m tests.simulation $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

contract: .venv/ready .venv-local/ready ## 2,000 made-up requests against the contract; minutes
	@CONTRACT_CASES=2000 $(DEV) -m pytest tests/emulator/test_contract.py

faults: .venv/ready .venv-local/ready ## the emulator behind a proxy that fails one request in five; minutes
	@$(DEV) -m pytest -m faults tests/emulator

mutants: .venv/ready .venv-local/ready ## delete each guard in a copy, and see who notices
	@$(DEV) -m tests.mutants

openapi: .venv/ready ## write docs/openapi.json anew from the models
	@$(DEV) -m local.openapi

# --- deploy it --------------------------------------------------------------------------------

package: .venv/ready ## build the layer and the functions for AWS (arm64, Python 3.13) in build/
	@$(DEV) -m local.package --platform manylinux2014_aarch64 --python-version 3.13

deploy: package .venv-deploy/ready ## send the template to AWS (STAGE=v1, PARAMETERS="Name=value ...")
	@.venv-deploy/bin/sam deploy --template-file build/template.yaml --resolve-s3 \
	    --stack-name dvpo-reminders-$(STAGE) --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \
	    --parameter-overrides Stage=$(STAGE) $(PARAMETERS)

# --- keep it ----------------------------------------------------------------------------------

requirements: .venv/ready ## pin the dependencies in pyproject.toml anew, with hashes
	@$(DEV) -m local.requirements

clean: down ## remove everything that was built, environments too
	@rm -rf .venv .venv-local .venv-deploy .local build .pytest_cache .mypy_cache .ruff_cache
