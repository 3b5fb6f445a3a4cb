# What developers and CI run. `make` alone lists the targets.
# Needs Go, git and make; a C compiler too for the race detector.

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# Tools are pinned here, in tools.mod (Prometheus) and in deploy/e2e/victoria.mod. They go to bin/, and are built again when their version changes.
GOLANGCI_LINT_VERSION := v2.15.0
ALERTMANAGER_VERSION  := v0.35.0
JSON_EXPORTER_VERSION := v0.7.0
OLD_PROMETHEUS        := v0.53.3 v0.305.1
BENCHSTAT_VERSION     := v0.0.0-20260908200009-22c9c6c9d4da

BIN           := $(CURDIR)/bin
GOLANGCI_LINT := bin/.golangci-lint-$(GOLANGCI_LINT_VERSION)
JSON_EXPORTER := bin/.json_exporter-$(JSON_EXPORTER_VERSION)
ALERTMANAGER  := bin/.alertmanager-$(ALERTMANAGER_VERSION)
PROMETHEUS    := bin/prometheus bin/promtool
OTELCOL       := bin/otelcol
OLDER         := $(OLD_PROMETHEUS:%=bin/prometheus-%)
JUDGE         := bin/judge
VICTORIA      := bin/victoria-metrics bin/vmagent bin/vmalert

# The version stamp comes from git alone, so the same commit gives the same binary.
VERSION    ?= $(patsubst v%,%,$(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null || echo unknown))
REVISION   ?= $(shell git rev-parse --verify HEAD 2>/dev/null)
BRANCH     ?= $(shell git branch --show-current 2>/dev/null)
BUILD_DATE ?= $(shell TZ=UTC git log -1 --date=format-local:%Y%m%d-%H:%M:%S --format=%cd 2>/dev/null)
STAMP      := github.com/prometheus/common/version
LDFLAGS     = -s -w -X $(STAMP).Version=$(VERSION) -X $(STAMP).Revision=$(REVISION) \
	-X $(STAMP).Branch=$(BRANCH) -X $(STAMP).BuildDate=$(BUILD_DATE)

# Without a C compiler there is no race detector: the tests run without it and say so. RACE=-race insists on it.
RACE       ?= $(if $(shell command -v "$$(go env CC)" 2>/dev/null),-race)
TEST_FLAGS ?=
FUZZTIME   ?= 10s
BENCH      ?= .
BENCHTIME  ?= 1s
BENCHED    ?= ./client ./collector/...
LOAD_FLAGS ?=
ARGS       ?=
CHAOS_FOR  ?= 10m
CHAOS_SEED ?= 1
FLEET_FLAGS ?= -distributed.accounts 3000 -distributed.messages 1500 -distributed.interval 1m -distributed.minute 1m -distributed.phase 90s

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Build, and serve simulated accounts: no configuration, no network (ARGS="--log.level=debug")
	bin/greenapi_exporter --demo $(ARGS)

.PHONY: run
run: build ## Build, and serve your accounts: GREENAPI_EXPORTER_CONFIG_FILE or GREENAPI_ID_INSTANCE ...; without, the demo
	@demo=; [[ "$${GREENAPI_EXPORTER_CONFIG_FILE:-}$${GREENAPI_ID_INSTANCE:-}$${GREENAPI_API_TOKEN_INSTANCE:-}" ]] || demo=--demo; \
	exec bin/greenapi_exporter $$demo $(ARGS)

.PHONY: build
build: ## Build bin/greenapi_exporter: static, stamped with its version, reproducible
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/greenapi_exporter .

.PHONY: test
test: ## Run the unit, golden and fault tests, with the race detector
	@echo '== go test $(or $(RACE),without the race detector: no C compiler) ./...'
	go test $(RACE) -shuffle=on -timeout 10m $(TEST_FLAGS) ./...

.PHONY: check
check: lint test e2e ## Run all that CI asks for: lint, test, e2e

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Vet, format and lint; go.mod is tidy, the modules are what go.sum says (installs golangci-lint into bin/)
	go vet -tags e2e ./...
	bin/golangci-lint run
	go mod tidy -diff
	go mod verify

# Tests of packages take turns: they measure, and the machine may be small.
E2E_TOOLS := E2E_EXPORTER='$(BIN)/greenapi_exporter' E2E_PROMETHEUS='$(BIN)/prometheus' E2E_ALERTMANAGER='$(BIN)/alertmanager' E2E_VICTORIA='$(BIN)'

.PHONY: e2e
e2e: build $(PROMETHEUS) $(JUDGE) $(ALERTMANAGER) $(VICTORIA) ## The real binary with real Prometheus, Alertmanager and VictoriaMetrics (builds these into bin/: minutes, once)
	$(E2E_TOOLS) go test -tags e2e -count=1 -p 1 -timeout 30m $(TEST_FLAGS) \
		./deploy/e2e ./deploy/prometheus ./deploy/prometheus/replay ./deploy/alertmanager ./deploy/compose ./dashboards

.PHONY: replay
replay: $(JUDGE) ## Replay weeks of incidents and of quiet against the rules, and write the tables of deploy/prometheus/detection.md: half an hour
	go test -tags e2e -count=1 -timeout 2h -v -run '^TestReplay$$' $(TEST_FLAGS) ./deploy/prometheus/replay \
		-replay.full -replay.write '$(CURDIR)/deploy/prometheus/detection.md'

.PHONY: chaos
chaos: build ## Every fault at once against the real binary, and a report of it (CHAOS_FOR=10m CHAOS_SEED=1)
	$(E2E_TOOLS) go test -tags e2e -count=1 -timeout 1h -v -run '^TestChaos$$' $(TEST_FLAGS) ./deploy/e2e \
		-chaos.for $(CHAOS_FOR) -chaos.seed $(CHAOS_SEED)

# What CI leaves out: building it takes as long as all of CI.
.PHONY: engines
engines: build $(PROMETHEUS) $(ALERTMANAGER) $(VICTORIA) $(OTELCOL) $(OLDER) ## Older Prometheus, and the OpenTelemetry Collector (builds these into bin/: many minutes, once)
	$(E2E_TOOLS) go test -tags e2e,engines -count=1 -run '^TestOpenTelemetryCollector$$' $(TEST_FLAGS) ./deploy/e2e
	for prometheus in $(OLDER); do \
		echo "== $$prometheus"; \
		$(E2E_TOOLS) E2E_PROMETHEUS="$(CURDIR)/$$prometheus" go test -tags e2e -count=1 \
			-run '^(TestTwoServersCountNothingTwice|TestSuspendedAccountIsTold|TestPanelsAreUnderstood)$$' $(TEST_FLAGS) ./deploy/e2e; \
	done

.PHONY: fleet
fleet: build $(PROMETHEUS) $(ALERTMANAGER) $(VICTORIA) ## A fleet beyond one machine, of 3,000 accounts, whose parts are killed: some 20 minutes for each kind of agent (FLEET_FLAGS=...)
	$(E2E_TOOLS) go test -tags e2e -count=1 -timeout 2h -v -run '^TestFleetBeyondOneMachine$$' $(TEST_FLAGS) ./deploy/e2e \
		-distributed.agents prometheus,vmagent $(FLEET_FLAGS)

.PHONY: dashboards
dashboards: ## Write the JSON of the dashboards again
	go generate ./dashboards

# What is missing is said before anything is built.
.PHONY: look-needs shots-needs
look-needs:
	@[[ "$${GRAFANA_HOME:-}" ]] || command -v grafana >/dev/null || { \
		echo 'No Grafana: GRAFANA_HOME is not set, and no program grafana is in PATH.'; \
		echo 'There will be no dashboards to look at, but the exporter'"'"'s own pages and Prometheus.'; }
shots-needs:
	@missing=; [[ "$${GRAFANA_HOME:-}" ]] || command -v grafana >/dev/null || missing+=' Grafana (GRAFANA_HOME, or grafana in PATH)'; \
	command -v chromium chromium-browser google-chrome >/dev/null || missing+=' Chromium'; \
	[[ -z $$missing ]] || { echo "make shots needs:$$missing" >&2; exit 1; }

LOOK = $(E2E_TOOLS) go test -tags e2e,look -count=1 -v -timeout 0 ./dashboards

.PHONY: look
look: look-needs build $(PROMETHEUS) $(ALERTMANAGER) ## Look at the dashboards: two simulated weeks, then the demo, until Ctrl-C (GRAFANA_HOME=/path)
	$(LOOK) -run '^TestLook$$'

.PHONY: shots
shots: shots-needs build $(PROMETHEUS) $(ALERTMANAGER) ## Pictures of the dashboards, whole, in bin/shots; fails when one shows a fault (GRAFANA_HOME=/path ONLY=fleet)
	$(LOOK) -run '^TestShots$$' -shots.to '$(BIN)/shots' -shots.only '$(ONLY)' -shots.readme "$$PWD/dashboards/screenshots"

.PHONY: bench
bench: build $(JSON_EXPORTER) $(JUDGE) ## Measure, and write the tables of deploy/performance.md: a quarter of an hour (BENCH=Regexp BENCHTIME=1s LOAD_FLAGS=-help)
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -count 3 $(BENCHED) | tee bin/bench.txt
	go run ./deploy/load -exporter bin/greenapi_exporter -json-exporter bin/json_exporter \
		-benchmarks bin/bench.txt -write deploy/performance.md $(LOAD_FLAGS)
	go test -tags e2e -count=1 -timeout 1h -v -run '^TestCostOfRules$$' ./deploy/prometheus/replay -cost.days 8 -cost.write '$(CURDIR)/deploy/performance.md'

# The old commit is built and measured in a work tree of its own, in turns with this one.
.PHONY: bench-compare
bench-compare: build ## Compare with another commit: benchstat, and whole processes in turns (OLD=commit)
	git worktree remove --force bin/old 2>/dev/null || true
	git worktree add --detach bin/old '$(or $(OLD),$(error which commit? make bench-compare OLD=commit))'
	trap 'git worktree remove --force bin/old' EXIT; \
	$(MAKE) -C bin/old build; \
	: >bin/bench-old.txt; : >bin/bench-new.txt; \
	for round in 1 2 3 4 5 6; do \
		go -C bin/old test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $(BENCHED) | tee -a bin/bench-old.txt; \
		go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $(BENCHED) | tee -a bin/bench-new.txt; \
	done; \
	go run golang.org/x/perf/cmd/benchstat@$(BENCHSTAT_VERSION) bin/bench-old.txt bin/bench-new.txt; \
	go run ./deploy/load -exporter bin/greenapi_exporter -against bin/old/bin/greenapi_exporter -run scrape $(LOAD_FLAGS)

.PHONY: fuzz
fuzz: ## Fuzz every fuzz target, FUZZTIME (10s) each
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { f[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print f[i], $$2; n = 0 }'); \
	while read -r target package; do \
		echo "== $$target $$package"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$package"; \
	done <<<"$${targets:?no fuzz target found}"

# Tests take turns: one reads what another writes.
.PHONY: golden
golden: ## Write the golden files again; read the difference before you commit it
	go test -p 1 -parallel 1 $$(grep -rl 'flag.Bool("update"' --include='*_test.go' . | xargs -n 1 dirname | sort -u) -update
	git status --short

.PHONY: clean
clean: ## Remove what was built, tools included
	rm -rf bin dist

# Tools.

.PHONY: tools
tools: $(GOLANGCI_LINT) $(PROMETHEUS) $(JUDGE) $(ALERTMANAGER) $(VICTORIA) ## Install all tools into bin/: golangci-lint, and the programs of Prometheus, Alertmanager and VictoriaMetrics

$(GOLANGCI_LINT):
	rm -f bin/golangci-lint bin/.golangci-lint-*
	GOBIN='$(BIN)' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	touch $@

# Its module lacks the web pages that it embeds. A copy gets one that says so.
$(ALERTMANAGER):
	rm -rf bin/alertmanager bin/amtool bin/.alertmanager-*
	cp -r "$(call module_dir,github.com/prometheus/alertmanager@$(ALERTMANAGER_VERSION))" bin/.alertmanager-source
	chmod -R u+w bin/.alertmanager-source
	for pages in elm mantine; do \
		mkdir -p bin/.alertmanager-source/ui/app/dist/$$pages; \
		echo '<p>Built without web pages.' >bin/.alertmanager-source/ui/app/dist/$$pages/index.html; \
	done
	go -C bin/.alertmanager-source build -buildvcs=false -ldflags='-s -w' -o '$(BIN)/' ./cmd/alertmanager ./cmd/amtool
	rm -rf bin/.alertmanager-source
	touch $@

# Built in place, as go install asks which versions there are, and not every proxy tells.
$(JSON_EXPORTER):
	rm -f bin/json_exporter bin/.json_exporter-*
	go -C "$(call module_dir,github.com/prometheus-community/json_exporter@$(JSON_EXPORTER_VERSION))" build -buildvcs=false -o '$(BIN)/json_exporter' .
	touch $@

# A module file of its own keeps the dependencies of Prometheus out of go.mod. remove_all_sd leaves http_sd and file_sd in.
$(PROMETHEUS) &: tools.mod tools.sum
	go build -buildvcs=false -modfile=tools.mod -tags netgo,remove_all_sd -ldflags='-s -w' -o bin/ \
		github.com/prometheus/prometheus/cmd/promtool github.com/prometheus/prometheus/cmd/prometheus
	touch $(PROMETHEUS)

# Prometheus' query engine, for recordings of weeks. Its files say ignore, so that go mod tidy leaves them out, and are named here.
JUDGED := $(wildcard deploy/prometheus/replay/judge/*.go)
$(JUDGE): tools.mod tools.sum $(JUDGED)
	go build -buildvcs=false -modfile=tools.mod -tags netgo,remove_all_sd -ldflags='-s -w' -o $@ $(JUDGED)
	touch $@

$(VICTORIA) &: deploy/e2e/victoria.mod deploy/e2e/victoria.sum
	go build -buildvcs=false -modfile=deploy/e2e/victoria.mod -ldflags='-s -w' -o bin/ \
		github.com/VictoriaMetrics/VictoriaMetrics/app/{victoria-metrics,vmagent,vmalert}
	touch $(VICTORIA)

# A module of its own, as it has dozens of dependencies.
$(OTELCOL): $(wildcard deploy/e2e/otelcol/*)
	go -C deploy/e2e/otelcol build -buildvcs=false -tags netgo,remove_all_sd -ldflags='-s -w' -o '$(BIN)/otelcol' .

# Built in place, each with what it asks for itself.
bin/prometheus-%:
	go -C "$(call module_dir,github.com/prometheus/prometheus@$*)" build -buildvcs=false -tags netgo,remove_all_sd -ldflags='-s -w' -o '$(BIN)/prometheus-$*' ./cmd/prometheus

include deploy/deploy.mk
