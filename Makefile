# Every command does its own set-up; the second run installs nothing.
.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-contract test-recorded test-twin test-integration test-e2e test-telemetry \
	test-runtime test-host test-infra browser browser-tools screenshots chaos burst idle lint deploy-check live-check cost bench up down docs clean python twin runtime host infra kql

PYTHON_BIN := .venv/bin/python
# pytest answers 5 when a level holds no test yet; that is not a failure of the gate.
PYTEST := sh infra/local/setup/pytest.sh $(PYTHON_BIN)

help: ## List every target
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

demo: twin ## Run the main job on the laptop twin: its scenes, at the end a timeline
	@$(PYTHON_BIN) -m infra.local.demo

test: lint runtime host infra kql browser-tools twin ## Pass every test: style and types, then all levels
	@sh infra/local/setup/every_test.sh $(PYTHON_BIN)

test-unit: python ## Test the domain and the web parser, and make the attacks that have to fail; needs nothing running
	@$(PYTEST) tests/unit tests/attacks tests/fields

test-contract: twin ## Test every implementation of each port by one suite
	@$(PYTEST) tests/contract

test-recorded: python ## Play recordings of live Azure to the adapters; skipped, saying so, where there are none
	@$(PYTEST) tests/recorded -rs

test-twin: twin ## Test the laptop twin itself through the real SDKs
	@$(PYTEST) tests/twin

test-integration: twin ## Test the flows on the twin
	@$(PYTEST) tests/integration

test-e2e: twin ## Test the demo's scenes, and Event Grid instead of webhooks
	@$(PYTEST) tests/e2e

test-telemetry: kql twin ## Test what Application Insights is told of one update, and the saved queries
	@$(PYTEST) tests/telemetry

test-runtime: runtime twin ## Index and invoke every function under Microsoft's own runtime library
	@$(PYTEST) tests/runtime

test-host: host twin ## Run the product under Microsoft's own Functions host, where that is installed
	@$(PYTEST) tests/host -rs

test-infra: python infra ## Check the templates for Azure offline: syntax, names, roles, settings, security
	@$(PYTEST) tests/infra

browser: python browser-tools ## Look at the pages in Chromium: by eye, keyboard, screen reader's rules, without script
	@$(PYTEST) tests/browser -rs

screenshots: python browser-tools ## Write pictures of every page into .screenshots/
	@$(PYTHON_BIN) -m tests.browser.screenshots

deploy-check: ## Compile the templates by the Bicep compiler that is here, and say by which; ask Azure what would change
	@sh infra/deploy-check.sh

live-check: python ## Ask Azure what nobody knows of it, in REGISTRIES=<resource id>; needs az login, costs some cents
	@REGISTRIES="$(REGISTRIES)" $(PYTHON_BIN) -m infra.live_check

chaos: twin ## Storm over the twin for SECONDS=120 by the plan of SEED=, then say what was lost, doubled or stuck
	@$(PYTHON_BIN) -m tests.chaos $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(CHAOS)

burst: twin ## Move UPDATES=500 tags within a minute under Azure's limits, PROFILE=arm, agents or few, by the plan of SEED=
	@$(PYTHON_BIN) -m tests.burst $(if $(PROFILE),--profile $(PROFILE)) $(if $(UPDATES),--updates $(UPDATES)) \
		$(if $(SEED),--seed $(SEED)) $(BURST)

idle: twin ## Watch 1,000 tags of which none moves, for SECONDS=900, and count what that costs
	@$(PYTHON_BIN) -m tests.idle $(if $(SECONDS),--seconds $(SECONDS)) $(IDLE)

lint: python ## Check style, formatting and types
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy

cost: twin ## Count on the twin what a month costs in Azure, and write docs/cost.md
	@$(PYTHON_BIN) -m tests.bench.cost $(if $(SECONDS),--seconds $(SECONDS))

bench: twin ## Measure start-up, latency, requests of a promotion and of a look at the base registry; prints a table
	@$(PYTHON_BIN) -m tests.bench

bench-check: twin ## Measure looking at upstreams beside skopeo, Renovate and ab; writes docs/performance.md
	@tests/bench/check/setup.sh
	@$(PYTHON_BIN) -m tests.bench.check

up: twin ## Start the twin with something to play with; prints how (docs/playground.md)
	@$(PYTHON_BIN) -m infra.local.twin up

down: python ## Stop the twin that `make up` left running
	@$(PYTHON_BIN) -m infra.local.twin down

docs: python ## Write the generated pages of docs/
	@$(PYTHON_BIN) -m docs.generate

clean: ## Remove environments, Azurite and the twin's state
	@if [ -x $(PYTHON_BIN) ]; then $(PYTHON_BIN) -m infra.local.twin down; fi
	rm -rf .venv .venv-runtime .venv-infra .venv-host .cache .twin infra/local/node_modules tests/telemetry/kql_parser/node_modules tests/browser/node_modules .screenshots tests/bench/check/renovate/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

python:
	@infra/local/setup.sh python

twin: python
	@infra/local/setup.sh twin

runtime:
	@infra/local/setup.sh runtime

host: python
	@infra/local/setup.sh host

infra:
	@infra/local/setup.sh infra

kql:
	@infra/local/setup.sh kql

browser-tools:
	@infra/local/setup.sh browser
