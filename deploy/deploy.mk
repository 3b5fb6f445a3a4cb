# Deployment: releases, the image, and the checks of what is in deploy/. The Makefile includes it, after its own variables.

ACTIONLINT_VERSION  := v1.7.12
GOVULNCHECK_VERSION := v1.1.4
HELM_VERSION        := v4.3.1
# Later versions of nfpm need a module that could not be downloaded when this was written.
NFPM_VERSION        := v2.45.1
KUBECONFORM_VERSION := v0.8.0
# Of the schemas that the manifests are checked against.
KUBERNETES_VERSION          := v1.37.0
PROMETHEUS_OPERATOR_VERSION := v0.85.0

ACTIONLINT  := bin/.actionlint-$(ACTIONLINT_VERSION)
HELM        := bin/.helm-$(HELM_VERSION)
NFPM        := bin/.nfpm-$(NFPM_VERSION)
DEBIAN      := bin/debian-bookworm.tar
KUBECONFORM := bin/.kubeconform-$(KUBECONFORM_VERSION)
SCHEMAS     := bin/schemas/.kubernetes-$(KUBERNETES_VERSION)-operator-$(PROMETHEUS_OPERATOR_VERSION)

# os/processor, and for arm its version.
RELEASE_PLATFORMS ?= linux/amd64 linux/arm64 linux/arm/7 darwin/amd64 darwin/arm64
# What is in a tarball beside the program.
RELEASE_EXTRAS := LICENSE README.md CHANGELOG.md .github/SECURITY.md .github/CONTRIBUTING.md deploy/flags.md deploy/metrics.md testdata/screenshots/instances.png \
	deploy/README.md deploy/performance.md deploy/dependencies.md deploy/fleet.md deploy/fleet deploy/engines.md deploy/systemd deploy/web-config deploy/alertmanager deploy/prometheus/scrape \
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

# Packages of Debian and Red Hat. Their version is the release's, or 0.0.0+COMMIT.
.PHONY: packages
packages: BRANCH :=
packages: $(NFPM) ## Build .deb and .rpm packages into dist/ (VERSION=1.2.3), and add them to its checksums
	@version='$(VERSION)'; [[ $$version =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]] || version="0.0.0+$$version"; \
	mkdir -p dist; go build -o dist/.here .; \
	for platform in $(filter linux/%,$(RELEASE_PLATFORMS)); do \
		IFS=/ read -r os arch arm <<<"$$platform"; \
		echo "== $$os $$arch $$arm"; \
		build=dist/.packages; rm -rf "$$build"; mkdir -p "$$build/doc"; \
		env -u GOEXPERIMENT -u GOAMD64 -u GOARM64 -u GOFIPS140 GOFLAGS= GOOS="$$os" GOARCH="$$arch" GOARM="$$arm" CGO_ENABLED=0 \
			go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o "$$build/greenapi_exporter" .; \
		sed 's,/usr/local/bin/,/usr/bin/,' deploy/systemd/greenapi_exporter.service >"$$build/greenapi_exporter.service"; \
		dist/.here --completion-script-bash >"$$build/completion.bash"; \
		dist/.here --completion-script-zsh >"$$build/completion.zsh"; \
		dist/.here --help-man | sed -e "1,/^  tags:/c .TH greenapi_exporter 1 \"\" \"greenapi_exporter $$version\"" \
			-e '/^\.SH "NAME"/,/^\.SH/s/^greenapi_exporter$$/& \\- Prometheus exporter for GREEN-API/' | gzip -9n >"$$build/greenapi_exporter.1.gz"; \
		tar -c --exclude='*.go' --exclude=LICENSE $(RELEASE_EXTRAS) | tar -x -C "$$build/doc"; \
		for packager in deb rpm; do \
			VERSION="$$version" ARCH="$${arch/%arm/arm$$arm}" SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" \
				bin/nfpm package --config deploy/packages/nfpm.yaml --packager "$$packager" --target dist; \
		done; \
	done
	rm -r dist/.packages dist/.here
	cd dist && shopt -s nullglob && sha256sum *.tar.gz *.cdx.json *.deb *.rpm >sha256sums.txt

.PHONY: image
image: ## Build the image with Docker (IMAGE=name IMAGE_FLAGS='--platform=linux/amd64,linux/arm64 --push')
	SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" docker buildx build --tag '$(IMAGE):$(VERSION)' \
		--build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' --build-arg BUILD_DATE='$(BUILD_DATE)' $(IMAGE_FLAGS) .

.PHONY: chart
chart: $(HELM) ## Package the Helm chart into dist/, with a bill of materials (VERSION=1.2.3)
	bin/helm package deploy/helm/greenapi-exporter --version '$(VERSION)' --app-version '$(VERSION)' --destination dist
	go run ./deploy/release -version '$(VERSION)' -date '$(RELEASE_DATE)' -out dist -image '$(IMAGE)' -chart 'dist/greenapi-exporter-$(VERSION).tgz'

.PHONY: manifests
manifests: $(HELM) ## Render deploy/kubernetes from the chart again; read the difference before you commit it
	go test -tags e2e -count=1 -run '^TestManifests$$' ./deploy -update

.PHONY: check-deploy
check-deploy: build $(PROMETHEUS) $(ACTIONLINT) $(HELM) $(KUBECONFORM) $(SCHEMAS) ## Check all that is in deploy/ (Linux with systemd; installs what else it needs into bin/)
	E2E_EXPORTER='$(BIN)/greenapi_exporter' \
		go test -tags e2e -count=1 -timeout 15m $(TEST_FLAGS) ./deploy ./deploy/release ./deploy/schemas
	bin/actionlint

# Needs the Go vulnerability database.
.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in the code that is called (needs the network)
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

# A whole Debian is started, with its systemd.
.PHONY: check-packages
check-packages: $(NFPM) $(DEBIAN) ## Install, start and remove the tarball and the packages as deploy/README.md says (root; debootstrap, systemd-container, rpm)
	@[[ $$EUID -eq 0 ]] || { echo 'check-packages: run it as root: it starts Debian in a container' >&2; exit 1; }
	go test -tags e2e,nspawn -count=1 -timeout 30m -v -run '^TestInstalled$$' $(TEST_FLAGS) ./deploy

$(DEBIAN):
	dir=$$(mktemp -d); trap 'rm -rf --one-file-system "$$dir"' EXIT; \
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,sudo,curl bookworm "$$dir" >/dev/null; \
	rm -rf "$$dir"/var/cache/apt/archives/*.deb; chmod 0755 "$$dir"; tar -C "$$dir" -cf $@ .

$(ACTIONLINT):
	rm -f bin/actionlint bin/.actionlint-*
	GOBIN='$(BIN)' go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	touch $@

$(HELM):
	rm -f bin/helm bin/.helm-*
	GOBIN='$(BIN)' go install helm.sh/helm/v4/cmd/helm@$(HELM_VERSION)
	touch $@

$(NFPM):
	rm -f bin/nfpm bin/.nfpm-*
	GOBIN='$(BIN)' go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)
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
