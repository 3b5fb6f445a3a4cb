# Deployment: releases, the image, and the checks of what is in deploy/. The Makefile includes it, after its own variables.

ACTIONLINT_VERSION  := v1.7.12
HELM_VERSION        := v4.3.1
KUBECONFORM_VERSION := v0.8.0
# Of the schemas that the manifests are checked against.
KUBERNETES_VERSION          := v1.37.0
PROMETHEUS_OPERATOR_VERSION := v0.85.0

ACTIONLINT  := bin/.actionlint-$(ACTIONLINT_VERSION)
HELM        := bin/.helm-$(HELM_VERSION)
KUBECONFORM := bin/.kubeconform-$(KUBECONFORM_VERSION)
SCHEMAS     := bin/schemas/.kubernetes-$(KUBERNETES_VERSION)-operator-$(PROMETHEUS_OPERATOR_VERSION)

# os/processor, and for arm its version.
RELEASE_PLATFORMS ?= linux/amd64 linux/arm64 linux/arm/7 darwin/amd64 darwin/arm64
# What is in a tarball beside the program.
RELEASE_EXTRAS := LICENSE README.md CHANGELOG.md .github/SECURITY.md testdata/screenshots/instances.png \
	deploy/README.md deploy/performance.md deploy/systemd deploy/web-config deploy/alertmanager deploy/prometheus/scrape \
	deploy/prometheus/rules deploy/prometheus/runbooks.md deploy/prometheus/detection.md $(wildcard deploy/grafana dashboards)
RELEASE_DATE    = $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)

IMAGE       ?= ghcr.io/greenapi-exporter/greenapi_exporter
IMAGE_FLAGS ?= --load

# A release is made of a commit, and the same commit gives the same bytes: what the machine and the branch are called stays out.
.PHONY: release
release: BRANCH :=
release: ## Build dist/: a tarball and a bill of materials for each platform, and their checksums (VERSION=1.2.3)
	@[[ -z "$$(git status --porcelain)" ]] || { echo 'release: there are changes that are not committed' >&2; exit 1; }
	rm -rf dist
	@for platform in $(RELEASE_PLATFORMS); do \
		IFS=/ read -r os arch arm <<<"$$platform"; \
		echo "== $$os $$arch $$arm"; \
		env -u GOEXPERIMENT -u GOAMD64 -u GOARM64 -u GOFIPS140 GOFLAGS= GOOS="$$os" GOARCH="$$arch" GOARM="$$arm" CGO_ENABLED=0 \
			go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o "dist/.build/$$os-$$arch$$arm" .; \
	done
	go run ./deploy/release -version '$(VERSION)' -date '$(RELEASE_DATE)' -out dist -extras '$(RELEASE_EXTRAS)' dist/.build/*
	rm -r dist/.build

.PHONY: image
image: ## Build the image with Docker (IMAGE=name IMAGE_FLAGS='--platform=linux/amd64,linux/arm64 --push')
	SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" docker buildx build --tag '$(IMAGE):$(VERSION)' \
		--build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' --build-arg BUILD_DATE='$(BUILD_DATE)' $(IMAGE_FLAGS) .

.PHONY: chart
chart: $(HELM) ## Package the Helm chart into dist/ (VERSION=1.2.3)
	bin/helm package deploy/helm/greenapi-exporter --version '$(VERSION)' --app-version '$(VERSION)' --destination dist

.PHONY: manifests
manifests: $(HELM) ## Render deploy/kubernetes from the chart again; read the difference before you commit it
	go test -tags e2e -count=1 -run '^TestManifests$$' ./deploy -update

.PHONY: check-deploy
check-deploy: build $(PROMETHEUS) $(ACTIONLINT) $(HELM) $(KUBECONFORM) $(SCHEMAS) ## Check all that is in deploy/ (Linux with systemd; installs what else it needs into bin/)
	E2E_EXPORTER='$(BIN)/greenapi_exporter' \
		go test -tags e2e -count=1 -timeout 15m $(TEST_FLAGS) ./deploy ./deploy/release ./deploy/schemas
	bin/actionlint

$(ACTIONLINT):
	rm -f bin/actionlint bin/.actionlint-*
	GOBIN='$(BIN)' go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	touch $@

$(HELM):
	rm -f bin/helm bin/.helm-*
	GOBIN='$(BIN)' go install helm.sh/helm/v4/cmd/helm@$(HELM_VERSION)
	touch $@

$(KUBECONFORM):
	rm -f bin/kubeconform bin/.kubeconform-*
	GOBIN='$(BIN)' go install github.com/yannh/kubeconform/cmd/kubeconform@$(KUBECONFORM_VERSION)
	touch $@

# Outside of this module, so that nothing gets into go.mod.
module_dir = $$(cd / && go mod download -json $(1) | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p')

$(SCHEMAS): deploy/schemas/main.go
	rm -rf bin/schemas
	kubernetes="$(call module_dir,k8s.io/kubernetes@$(KUBERNETES_VERSION))"; \
	operator="$(call module_dir,github.com/prometheus-operator/prometheus-operator@$(PROMETHEUS_OPERATOR_VERSION))"; \
	go run ./deploy/schemas -out bin/schemas "$$kubernetes/api/openapi-spec/swagger.json" "$$operator"/example/prometheus-operator-crd/*.yaml
	touch $@
