//go:build e2e && linux

package deploy_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const chart = "helm/greenapi-exporter"

// everything turns on what the manifests leave off.
const everything = `
shards:
  - instances: [{id: "1101000001", name: support, token_file: /run/secrets/greenapi/support}]
  - instances: [{id: "1101000002", name: shop, token_file: /run/secrets/greenapi/shop}]
tokens: {create: {support: 0123456789abcdef0123456789abcdef0123456789abcdef01, shop: 0123456789abcdef0123456789abcdef0123456789abcdef02}}
ledger: {enabled: true, size: 10Gi, storageClassName: fast, annotations: {example.com/backup: daily}}
flags: {greenapi.min-interval: 55s, collector.queue: true, collector.calls: false, ledger.max-entries: 3000000}
extraEnv: [{name: SSL_CERT_DIR, value: /etc/authorities}]
extraVolumes: [{name: authorities, configMap: {name: authorities}}]
extraVolumeMounts: [{name: authorities, mountPath: /etc/authorities, readOnly: true}]
webConfig: {existingSecret: greenapi-web}
image: {digest: "sha256:0000000000000000000000000000000000000000000000000000000000000000"}
imagePullSecrets: [{name: registry}]
serviceAccount: {annotations: {example.com/a: b}}
service: {annotations: {example.com/a: b}}
podAnnotations: {example.com/a: b}
podLabels: {example.com/a: b}
priorityClassName: monitoring
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: monitoring, operator: Exists}]
affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: zone, labelSelector: {}}}]}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {}}]
networkPolicy:
  from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  egressPorts: []
  extraEgress: [{to: [{ipBlock: {cidr: 192.0.2.1/32}}], ports: [{port: 3128}]}]
podDisruptionBudget: {maxUnavailable: 50%}
serviceMonitor: {enabled: true, labels: {release: prometheus}, endpoint: {scheme: https, tlsConfig: {serverName: greenapi}}}
scrapeConfig: {enabled: true, labels: {release: prometheus}, scheme: https, access: {tlsConfig: {serverName: greenapi}}}
prometheusRule: {enabled: true, labels: {release: prometheus}}
dashboards: {enabled: true, annotations: {grafana_folder: GREEN-API}}
`

// tool is the path of a tool that make check-deploy installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// helm runs helm, without what this machine has configured for it, and returns its
// standard output.
func helm(ctx context.Context, t *testing.T, values string, args ...string) (string, error) {
	t.Helper()
	if values != "" {
		file := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--values", file)
	}
	cmd := exec.CommandContext(ctx, tool(t, "helm"), args...)
	home := t.TempDir()
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", errors.New(stderr.String() + stdout.String())
	}
	return stdout.String(), nil
}

// render returns the manifests that a chart makes of values.
func render(t *testing.T, chart, values string) string {
	t.Helper()
	text, err := helm(t.Context(), t, values, "template", "greenapi-exporter", chart, "--namespace", "greenapi")
	if err != nil {
		t.Fatalf("helm template: %v", err)
	}
	return text
}

// object is something in YAML.
type object = map[string]any

// at follows keys and indexes; where they lead nowhere, it returns nil.
func at(value any, keys ...any) any {
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			o, _ := value.(object)
			value = o[key]
		case int:
			list, _ := value.([]any)
			if key >= len(list) {
				return nil
			}
			value = list[key]
		}
	}
	return value
}

// objects parses manifests.
func objects(t *testing.T, manifests string) []object {
	t.Helper()
	var found []object
	for decoder := yaml.NewDecoder(strings.NewReader(manifests)); ; {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if o != nil {
			found = append(found, o)
		}
	}
}

// ofKind returns the objects of a kind.
func ofKind(all []object, kind string) []object {
	var found []object
	for _, o := range all {
		if o["kind"] == kind {
			found = append(found, o)
		}
	}
	return found
}

// one returns the only object of a kind.
func one(t *testing.T, all []object, kind string) object {
	t.Helper()
	found := ofKind(all, kind)
	if len(found) != 1 {
		t.Fatalf("there are %d objects of kind %s, want one", len(found), kind)
	}
	return found[0]
}

func TestChartLints(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{"demo": "demo: true", "everything": everything} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := helm(t.Context(), t, values, "lint", "--strict", chart); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestChartRefuses asserts that values which would not work are refused with the
// reason, rather than installed.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ values, want string }{
		"no accounts":               {"{}", "the exporter needs accounts"},
		"accounts and the demo":     {`{demo: true, config: {instances: [{id: "1101000001"}]}}`, "exactly one of"},
		"an unknown value":          {"{demo: true, replicas: 2}", "'replicas' not allowed"},
		"an unknown value below":    {"{demo: true, ledger: {path: /x}}", "'path' not allowed"},
		"an unknown setting":        {"{config: {instance: []}}", "'instance' not allowed"},
		"a token in the config":     {`{config: {instances: [{id: "1101000001", token: x}]}}`, "/config/instances/0"},
		"an id that is a number":    {"{config: {instances: [{id: 1101000001}]}}", "/config/instances/0/id"},
		"a flag of the chart's own": {"{demo: true, flags: {config.file: x}}", "invalid propertyName 'config.file'"},
		"a flag with dashes":        {"{demo: true, flags: {--log.level: debug}}", "invalid propertyName '--log.level'"},
		"a switch in quotes":        {`{demo: true, flags: {collector.queue: "true"}}`, "/flags/collector.queue"},
		"a name no Service has":     {"{demo: true, fullnameOverride: 1abc}", "a Service cannot have this name"},
		"a name with a dot":         {"{demo: true, nameOverride: a.b}", "a Service cannot have this name"},
		"memory of no unit":         {"{demo: true, resources: {limits: {memory: 1GB}}}", "resources.limits.memory"},
		"two Secrets for tokens":    {"{demo: true, tokens: {existingSecret: a, create: {b: c}}}", "not both"},
		"shards without a ledger":   {"{shards: [{partner: {}}]}", "shards need ledger.enabled"},
		"two pods on one ledger":    {"{demo: true, replicaCount: 2, ledger: {enabled: true}}", "replicaCount must be 1"},
		"/sd of two pods at once":   {"{demo: true, replicaCount: 2, scrapeConfig: {enabled: true}}", "needs ledger.enabled"},
		"a job the alerts miss":     {"{demo: true, scrapeConfig: {jobName: whatsapp}}", "/scrapeConfig/jobName"},
		"half a digest":             {"{demo: true, image: {digest: sha256:12}}", "/image/digest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := helm(t.Context(), t, test.values, "template", "x", chart)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q\n%s", err, test.want, out)
			}
		})
	}
}

// TestMemoryLimit asserts that Go is told nine tenths of the container's limit, in
// whatever unit that is.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[string]string{"256Mi": "241591910", "1.5Gi": "1449551462", "268435456": "241591910", "2G": "1800000000"} {
		_, pod := workload(t, objects(t, render(t, chart, "{demo: true, resources: {limits: {memory: "+limit+"}}}")))
		if got := at(pod, "containers", 0, "env", 1); at(got, "name") != "GOMEMLIMIT" || at(got, "value") != want {
			t.Errorf("of %s it is told %v, want %s", limit, got, want)
		}
	}
}

// TestPackagedChart asserts that the package holds files where the repository has
// links, no code, and makes the same manifests.
func TestPackagedChart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := helm(t.Context(), t, "", "package", chart, "--version", "1.2.3", "--app-version", "1.2.3", "--destination", dir); err != nil {
		t.Fatal(err)
	}
	packaged := filepath.Join(dir, "greenapi-exporter-1.2.3.tgz")
	file, err := os.Open(packaged)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg || filepath.Ext(header.Name) == ".go" {
			t.Errorf("the package holds %s (type %c)", header.Name, header.Typeflag)
		}
	}
	here := strings.NewReplacer("greenapi-exporter-0.1.0", "greenapi-exporter-1.2.3", `version: "0.1.0"`, `version: "1.2.3"`).
		Replace(render(t, chart, everything))
	here = strings.ReplaceAll(here, "greenapi_exporter:0.1.0@", "greenapi_exporter:1.2.3@")
	if diff := cmp.Diff(here, render(t, packaged, everything)); diff != "" {
		t.Errorf("manifests of the folder and of the package differ:\n%s", diff)
	}
}

// TestChartShowsTheRules asserts that the PrometheusRule is what the rule files say.
func TestChartShowsTheRules(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("prometheus/rules/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	var want []any
	for _, name := range names {
		var file object
		if err := yaml.Unmarshal([]byte(read(t, filepath.Join("deploy", name))), &file); err != nil {
			t.Fatal(err)
		}
		groups, _ := file["groups"].([]any)
		want = append(want, groups...)
	}
	rule := one(t, objects(t, render(t, chart, everything)), "PrometheusRule")
	if diff := cmp.Diff(want, at(rule, "spec", "groups")); diff != "" {
		t.Errorf("groups (-files +chart):\n%s", diff)
	}
}

// TestChartShowsTheDashboards asserts that each dashboard is in a ConfigMap that
// the side-car of Grafana finds, byte for byte, and fits.
func TestChartShowsTheDashboards(t *testing.T) {
	t.Parallel()
	want, got := map[string]string{}, map[string]string{}
	names, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, name := range names {
		want[filepath.Base(name)] = read(t, filepath.Join("deploy", name))
	}
	for _, o := range ofKind(objects(t, render(t, chart, everything)), "ConfigMap") {
		if at(o, "metadata", "labels", "grafana_dashboard") != "1" {
			continue
		}
		data, _ := o["data"].(object)
		for name, content := range data {
			got[name], _ = content.(string)
			// kubectl apply keeps what it applied in an annotation of 256 KiB.
			if len(got[name]) > 200<<10 {
				t.Errorf("%s is too large for kubectl apply: %d bytes", name, len(got[name]))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dashboards (-files +chart):\n%s", diff)
	}
}
