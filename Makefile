# `make help` lists the targets. `make run` starts the server, `make test` is all that CI runs.

SWIFT ?= swift
# Flags of the build, such as `make test BUILD_FLAGS='-j 1'`.
BUILD_FLAGS ?=
# Arguments of the command: `make run ARGS='--port 9000'`, `make bench ARGS=engine`.
ARGS ?=
BINARY := .build/release/likewise
SWIFT_FILES := Package.swift Sources Tests

.DEFAULT_GOAL := help
.PHONY: help setup run build test lint format bench clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building and testing need, where it is missing.
	@scripts/setup.sh

build: setup ## Build the binary, .build/release/likewise.
	$(SWIFT) build -c release $(BUILD_FLAGS) --product likewise

run: build ## Build and start the server: make run ARGS='--port 9000'.
	@exec $(BINARY) serve $(ARGS)

# One build for everything: the tests run on the code that is shipped, and the end-to-end tests start its binary.
test: setup lint ## Check the style, build once in release mode, run all tests.
	$(SWIFT) build -c release $(BUILD_FLAGS) --build-tests
	$(SWIFT) test -c release $(BUILD_FLAGS) --skip-build

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

clean: ## Remove what was built; data folders stay.
	rm -rf .build
