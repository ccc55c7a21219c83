# Loa. `make help` lists what there is to do. See README.md.

TAGS    ?= nomsgpack oto
GO      ?= go
BIN     := bin
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
TIMEOUT ?= 40m

.DEFAULT_GOAL := help
.PHONY: help setup build console demo test race emulated soak lint fmt fuzz bench cross clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install what is missing to build (Debian; root or sudo)
	@deploy/setup.sh build

build: setup console ## build loa-hub, loa-agent and loa-fleet into bin/
	@$(GO) build -trimpath -tags "$(TAGS)" -ldflags "$(LDFLAGS)" -o $(BIN)/ ./hub/cmd/loa-hub ./agent/cmd/...

console: ## bundle the console into hub/console/dist
	@deploy/setup.sh console
	@$(GO) run -tags "$(TAGS)" ./hub/console/build

demo: ## the whole path with five agents; ONCE=1 checks it and ends
	@deploy/setup.sh demo
	@$(MAKE) --no-print-directory build
	@$(GO) run -tags "$(TAGS)" ./deploy/demo --bin $(BIN) $(if $(ONCE),--once)

test: ## set up, lint, and run every test, what is concurrent with the race detector too
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory build lint race
	LOA_TEST_ALL=1 $(GO) test -p 1 -tags "$(TAGS)" -parallel $(PARALLEL) -timeout $(TIMEOUT) $(ALONE)
	LOA_TEST_ALL=1 $(GO) test -tags "$(TAGS)" -parallel $(PARALLEL) -timeout $(TIMEOUT) $(LONGEST) ./...

# Tests at a time in one package: those of hub/e2e wait for sounds that last.
PARALLEL ?= 6

# What takes longest begins first; the others run beside it.
LONGEST := ./hub/e2e

# What is measured at the speed of sound runs first, with nothing beside it; the run of
# all packages finds its result.
ALONE := ./agent/player/speaker

# What runs concurrently, without the sound card and the browser. TestExternal is left
# out: paho 1.5.1 marks a packet as a duplicate while it may be sending it (resume).
RACE ?= ./agent/link ./agent/inbox ./agent/cache ./agent/store ./agent/receipt ./agent/health ./agent/playout ./agent/display \
	./agent/timesync ./hub/broker ./hub/dispatch ./hub/relay ./hub/programme

race: ## run the tests of what runs concurrently with the race detector
	$(GO) test -race -short -skip '^TestExternal' -tags "$(TAGS)" -timeout $(TIMEOUT) $(RACE)

# The same bytes and samples on the processors of devices.
EMULATED := ./protocol/page ./agent/player/opus

emulated: ## run what must be alike on all processors as arm64 and armv7
	@deploy/setup.sh emulated
	GOARCH=arm64 CGO_ENABLED=0 $(GO) test -exec qemu-aarch64-static -timeout $(TIMEOUT) -run 'Golden|Decodes|Resume|Length' $(EMULATED)
	GOARCH=arm GOARM=7 CGO_ENABLED=0 $(GO) test -exec qemu-arm-static -timeout $(TIMEOUT) -run 'Golden|Decodes|Resume|Length' $(EMULATED)

soak: ## the long tests: every kill (LOA_KILL=regexp for some), weeks of weather, an hour of sound
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory build
	LOA_TEST_ALL=1 LOA_SOAK=1 $(GO) test -tags "$(TAGS)" -timeout 6h -run '^TestSoak' ./...

LINT := $(GO) tool -modfile=.ci/tools/go.mod

lint: ## formatting, golangci-lint as in .golangci.yml, types of the console
	@deploy/setup.sh lint
	@$(LINT) golangci-lint run --allow-parallel-runners ./...
	@cd hub/console && npx --no-install tsc --noEmit

fmt: ## format all Go files
	@$(LINT) golangci-lint fmt

# Minimising is held short: the time is for what was not tried yet.
FUZZTIME ?= 10s
fuzz: ## fuzz every decoder for FUZZTIME each (PKG=./hub/... for some); all run, failures are listed at the end
	@bad=; for p in $$($(GO) list -tags "$(TAGS)" $(or $(PKG),./...)); do \
	  names=$$($(GO) test -tags "$(TAGS)" -list '^Fuzz' $$p) || bad="$$bad $$p"; \
	  for f in $$(echo "$$names" | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -tags "$(TAGS)" -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 200x -parallel $(or $(WORKERS),$$(nproc)) $$p || bad="$$bad $$p:$$f"; done; done; \
	  if [ -n "$$bad" ]; then echo "failed:"; printf '  %s\n' $$bad; exit 1; fi

bench: build ## measure against the limits; BENCH=studio,sound for parts, DEVICES=1000,5000 for sizes
	@deploy/setup.sh bench
	@$(GO) run -tags "$(TAGS)" ./deploy/bench --bin $(BIN) $(if $(BENCH),--only $(BENCH)) $(if $(DEVICES),--devices $(DEVICES))

cross: ## build the agent for arm64 and armv7, without cgo
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o $(BIN)/arm64/ ./agent/cmd/loa-agent
	GOOS=linux GOARCH=arm GOARM=7 CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o $(BIN)/armv7/ ./agent/cmd/loa-agent

clean: ## remove what was built
	rm -rf $(BIN) demo-data
