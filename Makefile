# Everything a newcomer or a machine runs. `make` alone prints this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
BIN := bin/failshut
ARGS ?=
FUZZTIME ?= 5s
BENCHTIME ?= 1s
PEERS ?=
SEED ?=
TREES ?= 15000

# Recordings are found, never shipped: tests that need one skip loudly when they are not beside the project.
DATA := $(wildcard ../shared/data/open)
ifneq ($(DATA),)
export FAILSHUT_DATA ?= $(abspath $(DATA))
endif

LINT = $(GO) tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## the binary, bin/failshut
	$(GO) build -o $(BIN) ./cmd/failshut

.PHONY: demo
demo: build ## the main job: everything in one process on an embedded exchange (ARGS="--for 10s")
	$(BIN) demo $(ARGS)

.PHONY: test
test: ## every test; recordings that are not there are skipped and counted
	@list=$$(mktemp); status=0; \
	FAILSHUT_SKIPPED_LIST=$$list $(GO) test -count=1 -timeout 300s ./... || status=$$?; \
	sort -u $$list; echo "recordings not found: $$(wc -l <$$list) tests skipped"; rm -f $$list; exit $$status

.PHONY: race
race: ## every test under the race detector, the long ones shortened
	$(GO) test -race -short -count=1 -timeout 600s ./...

.PHONY: lint
lint: ## the linters of .golangci.yml, pinned in tools/go.mod, the modules in bench included
	$(LINT) run ./...
	cd bench/peers && $(GO) tool -modfile=../../tools/go.mod golangci-lint run ./...
	cd bench/breakers && $(GO) tool -modfile=../../tools/go.mod golangci-lint run ./...

.PHONY: fuzz-smoke
fuzz-smoke: ## every fuzz target for FUZZTIME (5s)
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$target"; \
	    fuzz="$(GO) test -run ^$$ -fuzz ^$$target\$$ -fuzztime $(FUZZTIME) -fuzzminimizetime=1x $$pkg"; \
	    $$fuzz || { echo "again: the end of the time may fail a run by itself; a finding is kept and fails again"; $$fuzz; }; \
	  done; done

.PHONY: random-trees
random-trees: ## TREES (15000: a million steps) random trees, decided alone and living, from SEED (by the clock)
	@seed=$(SEED); seed=$${seed:-$$(date +%s)}; \
	echo "random trees: seed $$seed, $(TREES) of them; again with make random-trees SEED=$$seed TREES=$(TREES)"; \
	$(GO) test -count=1 -timeout 1800s ./supervision -run '^TestRandomTrees(Live)?$$' -v -args -seed $$seed -n $(TREES) -live $(TREES)

.PHONY: crash-each
crash-each: ## cross and quoter broken at every one of a thousand messages (about a minute on two idle cores)
	$(GO) test -count=1 -timeout 900s -v ./strategy/strategytest -run 'TestCrossSurvives|TestQuoterSurvives' -args -cross 820 -quoter 425

.PHONY: crash
crash: ## the order side of a node ended at each of its points (SEEDS=200), answers lost 10^5 times, 10^4 storms of reports; prints its tables
	$(GO) test -count=1 -timeout 3600s -v ./internal/simtest -run 'CrashMatrix|Ambiguous|FillsOnce' -seeds $(or $(SEEDS),200) -outcomes 100000 -storms 10000

.PHONY: bench
bench: ## every Go benchmark with its allocations (BENCHTIME)
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

.PHONY: charts
charts: ## the pages and charts of the demonstrations in docs/, from their seeds; tests hold them against the code
	$(GO) run ./examples/herd --check --svg docs/herd.svg --output page >docs/herd.md
	$(GO) run ./examples/retrystorm --check --svg docs/retrystorm.svg --output page >docs/retrystorm.md

.PHONY: bench-peers
bench-peers: ## channels, this project and other actor libraries under one load (PEERS="-runs 5 -duration 10s -json FILE")
	cd bench/peers && $(GO) vet ./... && $(GO) test ./... && $(GO) build -o ../../bin/peers/ ./cmd/...
	bin/peers/table -programs bin/peers $(PEERS)

.PHONY: breakers
breakers: ## this project's breakers, budgets and bulkheads and those of other libraries in the same traps, as a table
	cd bench/breakers && $(GO) vet ./... && $(GO) test -count=1 -v ./...

.PHONY: check
check: lint test race ## what to run before a push
