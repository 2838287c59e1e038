# Every target is listed, with what it does, by `make` alone.
PYTHON ?=
PORT ?= 4566
STAGE ?= v1
export PORT
export PYTHONPATH := functions:layers/common:.
export PYTHONDONTWRITEBYTECODE := 1

DEV := .venv/bin/python
LOCAL := .venv-local/bin/python
EVALUATION := .venv-evaluation/bin/python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: always help demo dashboard panels test test-one browser integrate check format up clock down status order worklist meeting import number served end resume admit outcome call invoke carrier redrive redrive-receipts restore extract \
	example-trial report power coverage \
	register verify-allocations verify-audit subject-access simulate-trial simulate interleavings contract faults bench mutants openapi protocol package \
	preflight deploy open-trial close-trial rollback smoke rehearse destroy requirements sbom audit clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-20s\033[0m %s\n", $$1, $$2}' \
	    $(MAKEFILE_LIST)

# --- environments: made when first needed, remade when their requirements or PYTHON= change ----

ENVIRONMENT = @PYTHON=$(PYTHON) commands/repository/make-environment $(@D) $<
.venv/ready: requirements/dev.txt always
	$(ENVIRONMENT) 500
.venv-%/ready: requirements/%.txt always
	$(ENVIRONMENT) $(or $(MEGABYTES_$*),500)
MEGABYTES_local := 200
MEGABYTES_evaluation := 800
MEGABYTES_supply := 300
MEGABYTES_browser := 300
.venv-contract/node/ready: .venv-contract/ready requirements/node/package-lock.json
	@commands/repository/make-node-modules $(@D)
always:

# --- try it -----------------------------------------------------------------------------------

demo: .venv-local/ready ## run a month of the whole system in a minute or two (PROTOCOL=dapo-2027-1: 18 months of a long order); makes build/demo/index.html
	@$(LOCAL) -m $(if $(PROTOCOL),local.demo.long_order --protocol $(PROTOCOL),local.demo.demo)

up: .venv-local/ready ## start the emulator and deploy (PORT=4566; PROTOCOL=dapo-2027-1 opens that trial, CLOSE=1 closes the open one); writes .local/stack.json
	@$(LOCAL) -m local.emulator.stack up $(if $(PROTOCOL),--protocol $(PROTOCOL)) $(if $(CLOSE),--close)

status: .venv-local/ready ## show what is running and its clock
	@$(LOCAL) -m local.emulator.stack status

clock: .venv-local/ready ## walk the clock (TO=2026-12-05T09:00:00Z or BY=2d; JUMP=1 jumps instead)
	@$(LOCAL) -m local.emulator.clock $(if $(TO),--to $(TO)) $(if $(BY),--by $(BY)) $(if $(JUMP),--jump)

down: .venv-local/ready ## stop what `make up` started
	@$(LOCAL) -m local.emulator.stack down

order: .venv-local/ready ## post a made-up order, made today (NUMBER=1, up to 999; ARGS="--type dapo --days 0")
	@$(LOCAL) -m local.emulator.order $(or $(NUMBER),1) $(ARGS)

worklist: .venv-local/ready ## list who waits for a number, oldest follow-up first (ARGS="--csv waiting.csv")
	@$(LOCAL) -m commands.staff.worklist $(ARGS)

meeting: .venv-local/ready ## make the page for the superintendents' meeting, build/meeting.html (PROTOCOL=dvpo-2027-1)
	@$(LOCAL) -m commands.staff.meeting "$(PROTOCOL)" $(ARGS)

import: .venv/ready ## import a file of orders (FILE=orders.csv; ARGS=--template writes one, --dry-run only checks)
	@$(DEV) -m commands.staff.import_orders $(FILE) $(ARGS)

number: .venv/ready ## record a number (ORDER=durham/REFERENCE NUMBER="07700 900123"; or ARGS="--missing refused")
	@$(DEV) -m commands.staff.change number "$(ORDER)" $(if $(NUMBER),"$(NUMBER)") $(ARGS)

served: .venv/ready ## record that an order was served (ORDER=durham/REFERENCE ON=1/12/2026)
	@$(DEV) -m commands.staff.change served "$(ORDER)" "$(ON)" $(ARGS)

end: .venv/ready ## stop all further texts about an order (ORDER=durham/REFERENCE REASON=in_custody BY="PC 1182")
	@$(DEV) -m commands.staff.change end "$(ORDER)" "$(REASON)" --by "$(BY)" $(ARGS)

resume: .venv/ready ## record a release from custody: texts may go again (ORDER=durham/REFERENCE BY="PC 1182")
	@$(DEV) -m commands.staff.change resume "$(ORDER)" --by "$(BY)" $(ARGS)

admit: .venv/ready ## admit an order held over the day's limit (ORDER=durham/REFERENCE BY="Insp 417")
	@$(DEV) -m commands.staff.change admit "$(ORDER)" --by "$(BY)" $(ARGS)

outcome: .venv/ready ## report an outcome (ORDER=durham/REFERENCE TYPE=arrest; ARGS="--instrument dvpo --at '1/12/2026 9:30'")
	@$(DEV) -m commands.staff.change outcome "$(ORDER)" "$(TYPE)" $(ARGS)

call: .venv-local/ready ## call a route, signed (ROUTE=/reports/flow; METHOD=PUT BODY='{...}' or BODY=@file.json)
	@$(LOCAL) -m commands.staff.call $(ROUTE) $(if $(METHOD),--method $(METHOD)) $(if $(BODY),--body '$(BODY)') $(ARGS)

invoke: .venv-local/ready ## call a function (FUNCTION=sending EVENT=schedule-fired)
	@$(LOCAL) -m local.emulator.invoke "$(FUNCTION)" "$(EVENT)"

carrier: .venv-local/ready ## play the carrier until stopped (ARGS="--failures .2 --late .1 --repeated .1")
	@$(LOCAL) -m local.emulator.carrier $(ARGS)

redrive: .venv-local/ready ## list the messages in the failure queues (QUEUE=sending; GO=1 redrives them)
	@$(LOCAL) -m commands.repair.redrive $(QUEUE) $(if $(GO),--go) $(ARGS)

dashboard: .venv-local/ready ## draw the template's dashboard from the local stack's metrics
	@$(LOCAL) -m local.dashboard.dashboard

panels: .venv-local/ready ## serve the dashboard on this machine, with working buttons in its live panels
	@$(LOCAL) -m local.dashboard.serve $(ARGS)

restore: .venv-local/ready ## restore the table to an earlier moment, without losing an arm or repeating a text (ARGS="--save FILE", "--copy FILE", then --finish; AWS: "--stack-name NAME --at TIME")
	@$(LOCAL) -m commands.repair.restore $(ARGS)

redrive-receipts: .venv-local/ready ## process the delivery logs again (ARGS="--since 4d"); safe to repeat
	@$(LOCAL) -m commands.repair.redrive_receipts $(ARGS)

extract: .venv-local/ready ## write a research extract and fetch it into build/extract (ARGS="--help")
	@$(LOCAL) -m commands.staff.extract $(ARGS)

register: .venv/ready ## write the deposit to register before a trial starts (PROTOCOL=version), or check one (CHECK=registration.json)
	@$(DEV) -m commands.audit.register $(if $(PROTOCOL),--protocol "$(PROTOCOL)") $(if $(CHECK),--check "$(CHECK)") $(ARGS)

verify-allocations: .venv/ready ## re-derive and check every arm, as an auditor (ARGS="--help" says how, on AWS too)
	@$(DEV) -m commands.audit.verify_allocations $(ARGS)

verify-audit: .venv-local/ready ## verify the exported audit trail, and compare it with the table (ARGS="--help")
	@$(LOCAL) -m commands.audit.verify_audit $(ARGS)

subject-access: .venv-local/ready ## print everything held about one person (PERSON=durham/2003/0011985X or ORDER=durham/REFERENCE; ARGS="--letter letter.html")
	@$(LOCAL) -m commands.audit.subject_access $(if $(PERSON),--person "$(PERSON)") $(if $(ORDER),--order "$(ORDER)") $(ARGS)

example-trial: .venv-evaluation/ready ## make up a year of the trial and its report (N=1000, SEED=1, PROTOCOL=dapo-2027-1)
	@$(EVALUATION) -m evaluation.example.trial $(if $(N),-n $(N)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(PROTOCOL),--protocol $(PROTOCOL))
	@$(EVALUATION) -m evaluation report build/example-trial/durham/unblinded \
	    --registration build/example-trial/durham/registration.json -o build/example-trial/report.html --json build/example-trial/report.json

report: ## make the report from extracts, one per force (EXTRACT="folder-or-zip ...", REGISTRATION="registration.json ...", OUT=build/report.html)
	@test -n "$(EXTRACT)" || { echo "Which extract? make report EXTRACT=build/extract/unblinded"; exit 2; }
	@$(MAKE) -s .venv-evaluation/ready
	@$(EVALUATION) -m evaluation report $(EXTRACT) $(if $(REGISTRATION),--registration $(REGISTRATION)) \
	    -o "$(or $(OUT),build/report.html)" $(ARGS)

power: .venv-evaluation/ready ## compute the people and years that a trial needs (ARGS="--forces 8 --orders 80 --without-number .3")
	@$(EVALUATION) -m evaluation power $(ARGS)

# --- check it ---------------------------------------------------------------------------------

test: .venv/ready .venv-local/ready .venv-evaluation/ready ## run all tests, even if one fails
	@failed=0; \
	$(DEV) -m pytest -n 3 --dist loadgroup $(ARGS) || failed=1; \
	$(EVALUATION) -m pytest -n 2 --confcutdir=tests/evaluation tests/evaluation || failed=1; \
	exit $$failed

ANALYSTS := $(filter tests/evaluation%,$(TEST))
NEEDED := $(if $(ANALYSTS),.venv-evaluation/ready,.venv/ready $(if $(filter tests/emulator%,$(TEST)),.venv-local/ready))
test-one: $(if $(TEST),$(NEEDED)) ## run one file or one test (TEST=tests/infra/test_template.py::test_name)
	@test -n "$(TEST)" || { echo "Which test? make test-one TEST=tests/infra/test_template.py"; exit 2; }
	@$(if $(ANALYSTS),$(EVALUATION) -m pytest --confcutdir=tests/evaluation,$(DEV) -m pytest) "$(TEST)" $(ARGS)

check: .venv/ready .venv-security/ready .venv-infra/ready .venv-contract/node/ready ## lint, types, imports, templates, contract, secrets and protocols; changes nothing
	@$(MAKE) --no-print-directory -k -j 2 check-types check-templates check-contract check-code

check-types:
	@$(DEV) -m mypy
check-templates:
	@.venv/bin/cfn-lint infra/*.yaml infra/pipeline/role.yaml
	@$(DEV) -m commands.repository.second_opinions
check-contract:
	@$(DEV) -m commands.repository.lint_contract
check-code:
	@$(DEV) -m ruff check
	@$(DEV) -m ruff format --check
	@$(DEV) -m commands.repository.imports
	@$(DEV) -m commands.repository.scan
	@$(DEV) -m trial.protocol

format: .venv/ready ## rewrite the code in the common style
	@$(DEV) -m ruff check --fix
	@$(DEV) -m ruff format

protocol: .venv/ready ## check a protocol and print every text, filled in (FILE=path; without it, check all)
	@$(DEV) -m trial.protocol $(if $(FILE),--texts) $(FILE) $(ARGS)

simulate-trial: .venv-evaluation/ready ## allocate N synthetic people in memory and draw the balance (N=1000, PROTOCOL=dapo-2027-1)
	@$(EVALUATION) -m evaluation.example.simulate_trial $(if $(N),-n $(N)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(PROTOCOL),--protocol $(PROTOCOL))

interleavings: .venv/ready ## run every pair of operations on one order, and some triples, in every interleaving of their calls (ARGS="--only send"); minutes
	@$(DEV) -m tests.proofs.interleavings $(ARGS)

simulate: .venv/ready ## simulate made-up months with every fault (SEEDS=100, ARGS="--seed 7 --trace")
	@$(DEV) -m tests.proofs.simulation $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

coverage: .venv-evaluation/ready ## check the coverage of intervals and the type I error on made-up trials (TRIALS=5000; minutes)
	@COVERAGE_TRIALS=$(or $(TRIALS),5000) $(EVALUATION) -m pytest -v -n 2 --confcutdir=tests/evaluation \
	    tests/evaluation/test_coverage.py

browser: .venv-browser/ready .venv-local/ready ## test the dashboard's live panels in Chromium (Debian: apt install chromium); not in make test
	@.venv-browser/bin/python -m pytest --confcutdir=tests/browser tests/browser $(ARGS)

integrate: .venv-contract/node/ready .venv-local/ready ## generate clients from the contract and run the programs of docs/integrate.md; not in make test
	@.venv-contract/bin/python -m pytest --confcutdir=tests/integrate tests/integrate $(ARGS)

contract: .venv/ready .venv-local/ready ## test the contract with 5,000 made-up requests in many spellings, and an import of 500 orders; minutes
	@CONTRACT_CASES=5000 IMPORT_LINES=500 $(DEV) -m pytest tests/emulator/test_contract.py tests/emulator/test_import.py

faults: .venv/ready .venv-local/ready ## test behind a proxy that fails one request in five, and 18 months of an order; minutes
	@$(DEV) -m pytest -m faults tests/emulator

bench: .venv/ready .venv-local/ready ## measure time, calls, units, cost and scale: a table and build/bench.json (ARGS="--only cold")
	@$(DEV) -m tests.proofs.bench $(ARGS)

mutants: .venv/ready .venv-local/ready ## remove each guard in a copy, and check that a test fails
	@$(DEV) -m tests.proofs.mutants $(ARGS)

openapi: .venv/ready ## regenerate docs/openapi.json from the models
	@$(DEV) -m commands.repository.openapi

# --- deploy it --------------------------------------------------------------------------------

package: .venv-local/ready ## build the layer and the functions for AWS (arm64, Python 3.13) in build/
	@$(LOCAL) -m commands.deploy.package

preflight: .venv-local/ready ## list what the AWS account still lacks (STAGE=v1, PARAMETERS="SenderId=NAME")
	@$(LOCAL) -m commands.deploy.preflight --stage $(STAGE) $(ARGS) $(PARAMETERS)

deploy: .venv-local/ready ## deploy to AWS: show, ask, change, watch (STAGE=v1, PARAMETERS="Name=value")
	@$(LOCAL) -m commands.deploy.deploy --stage $(STAGE) $(ARGS) $(PARAMETERS)

open-trial: .venv-local/ready ## on AWS: open another trial, as registered; the earlier one takes no more orders (PROTOCOL=version, DEPOSIT=registration.json)
	@$(LOCAL) -m commands.deploy.deploy --stage $(STAGE) --deposit "$(DEPOSIT)" $(ARGS) "Protocol=$(PROTOCOL)" TakesOrders=true

close-trial: .venv-local/ready ## on AWS: close the open trial and open no other; its orders continue (TRIAL=id)
	@$(LOCAL) -m commands.deploy.deploy --stage $(STAGE) --closes "$(TRIAL)" $(ARGS) TakesOrders=false

rollback: .venv-local/ready ## go back to an earlier version (TO=version; without it, lists them)
	@$(LOCAL) -m commands.deploy.deploy --stage $(STAGE) $(if $(TO),--to $(TO),--versions) $(ARGS)

smoke: .venv-local/ready ## try a deployment from end to end with orders about nobody (STAGE=v1; without it, the local stack)
	@$(LOCAL) -m $(if $(filter file,$(origin STAGE)),local.emulator.smoke,commands.deploy.smoke --stack-name dvpo-reminders-$(STAGE)) $(ARGS)

rehearse: .venv/ready ## text a timetable to the deployment's StaffPhone (STAGE=v1; without it, the local stack)
	@$(DEV) -m commands.deploy.rehearse $(if $(filter file,$(origin STAGE)),,--stack-name dvpo-reminders-$(STAGE)) $(ARGS)

destroy: .venv-local/ready ## delete a stack on AWS; table, keys, logs and buckets stay (STAGE=v1)
	@$(LOCAL) -m commands.deploy.destroy --stage $(STAGE) $(ARGS)

# --- keep it ----------------------------------------------------------------------------------

sbom: .venv/ready ## write the bill of materials of the deployed code (CycloneDX, build/sbom.json)
	@$(DEV) -m commands.repository.sbom

audit: .venv-supply/ready ## check pinned dependencies for known vulnerabilities (needs the network)
	@.venv-supply/bin/python -m commands.repository.advisories $(ARGS)

requirements: .venv/ready .venv-contract/ready ## pin the dependencies in pyproject.toml again, with hashes
	@$(DEV) -m commands.repository.requirements

clean: down ## remove everything that was built, including environments
	@rm -rf .venv .venv-local .venv-evaluation .venv-security .venv-infra .venv-supply .venv-browser .venv-contract .local build .pytest_cache .mypy_cache .ruff_cache
