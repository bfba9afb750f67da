# `make help` lists the targets. `make run` starts the server, `make test` is all that CI runs.

SWIFT ?= swift
# Flags of the build, such as `make test BUILD_FLAGS='-j 1'`.
BUILD_FLAGS ?=
# Arguments of the command: `make run ARGS='--port 9000'`, `make bench ARGS=engine`.
ARGS ?=
BINARY := .build/release/likewise
SWIFT_FILES := Package.swift Sources Tests

.DEFAULT_GOAL := help
.PHONY: help setup servers run build build-tests test fuzz fuzz-short lint format bench cluster cluster-down deploy-check clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building and testing need, where it is missing.
	@scripts/setup.sh

servers: setup ## Install the servers that the tests, the benchmarks and `make cluster` use, where they are missing.
	@scripts/cluster/environment.sh

build: setup ## Build the binary, .build/release/likewise.
	$(SWIFT) build -c release $(BUILD_FLAGS) --product likewise

run: build ## Build and start the server: make run ARGS='--port 9000'.
	@exec $(BINARY) serve $(ARGS)

# Tests that start servers and watch the time have the machine to themselves; those of Redis, which are tasks, also apart
# from others that block threads. Those of the edge and of browsers count seconds, so they are apart from the cluster's, which
# load the machine.
CLUSTER_TESTS := 'LikewiseClusterTests|EndToEndTests.(Cluster|Edge|Browser)'
# Calls of HTTP/2 and of the client are tasks, as those of Redis, and their tests count seconds.
HTTP2_TESTS := 'LikewiseServerTests.(HTTP2|TLS)Tests|LikewiseClientTests|EndToEndTests.ClientTests'
REDIS_TESTS := 'LikewiseClusterTests.(Redis|RESP|CountCache)'

# One build for everything: the tests run on the code that is shipped, and the end-to-end tests start its binary.
test: setup ## Check the style, build once in release mode, run all tests.
	@# What is fetched is fetched while the compiler works.
	$(MAKE) --no-print-directory --jobs 2 servers lint build-tests
	$(CHECK_DEPLOYMENT)
	scripts/fuzz/run.sh short
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --skip $(CLUSTER_TESTS) --skip $(HTTP2_TESTS)
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --filter $(HTTP2_TESTS)
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --filter $(REDIS_TESTS)
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --filter LikewiseClusterTests --skip $(REDIS_TESTS)
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --filter EndToEndTests.ClusterContract
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --filter EndToEndTests.Cluster --skip EndToEndTests.ClusterContract
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --filter EndToEndTests.Edge
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build --no-parallel --filter EndToEndTests.Browser

build-tests: setup
	$(SWIFT) build -c release $(BUILD_FLAGS) --build-tests

CHECK_DEPLOYMENT := .build/bench-venv/bin/python scripts/deploy/check.py --binary $(BINARY)

deploy-check: servers build ## Check Dockerfile, compose.yaml and the Kubernetes manifests, by schema and by the binary.
	$(CHECK_DEPLOYMENT)

fuzz: build ## Run a fuzzer: make fuzz ARGS='http 600', a target of Tests/Fuzz/Targets and seconds.
	@scripts/fuzz/run.sh $(ARGS)

fuzz-short: build ## Run each fuzzer for some seconds, as `make test` does.
	@scripts/fuzz/run.sh short

lint: ## Check the style of all Swift files.
	$(SWIFT) format lint --strict --parallel --recursive $(SWIFT_FILES)

format: ## Put the style of all Swift files right.
	$(SWIFT) format --in-place --parallel --recursive $(SWIFT_FILES)

# The ledger's 100 million likes take long: `make bench` goes up to LEDGER_LIKES of them.
LEDGER_LIKES ?= 20000000
BENCH_LINES := .build/bench.jsonl

bench: build ## Measure all and write docs/benchmarks.md; make bench ARGS='bulk --rounds 3' prints one suite.
ifeq ($(strip $(ARGS)),)
	scripts/bench/setup.sh
	$(BINARY) bench all --ledger-likes $(LEDGER_LIKES) > $(BENCH_LINES)
	scripts/bench/report.py $(BENCH_LINES) --date "$$(date --utc +%Y-%m-%d)" > docs/benchmarks.md.new
	mv docs/benchmarks.md.new docs/benchmarks.md
else
	@exec $(BINARY) bench $(ARGS)
endif

# Members, ports, and how to break something: scripts/cluster/cluster.py --help.
cluster: servers build ## Bring up a whole cluster of real servers on loopback, and print what to try.
	@scripts/cluster/cluster.py up

cluster-down: ## End that cluster; its data stays in .cluster.
	@scripts/cluster/cluster.py down

clean: ## Remove what was built; data folders stay.
	rm -rf .build
