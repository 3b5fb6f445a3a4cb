//go:build e2e && linux

package deploy_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
extraArgs: ["--log.level={{ .Values.podLabels.level }}"]
env: [{name: SSL_CERT_DIR, value: /etc/authorities}, {name: RELEASE, value: "{{ .Release.Name }}"}]
envFrom: [{secretRef: {name: "{{ .Release.Name }}-env"}}]
extraVolumes: [{name: authorities, configMap: {name: authorities}}]
extraVolumeMounts: [{name: authorities, mountPath: /etc/authorities, readOnly: true}]
extraContainers: [{name: log, image: "example.com/log:1", securityContext: {runAsNonRoot: true}}]
extraInitContainers: [{name: wait, image: "example.com/wait:1", args: ["{{ .Release.Namespace }}"]}]
webConfig: {existingSecret: greenapi-web}
image: {digest: "sha256:0000000000000000000000000000000000000000000000000000000000000000"}
imagePullSecrets: [{name: registry}]
commonLabels: {example.com/owner: "{{ .Release.Name }}"}
serviceAccount: {annotations: {example.com/a: b}}
service: {type: LoadBalancer, annotations: {example.com/a: b}, labels: {example.com/b: c}, extraSpec: {loadBalancerSourceRanges: [192.0.2.0/24]}}
ingress:
  enabled: true
  className: nginx
  annotations: {example.com/a: b}
  labels: {example.com/b: c}
  hosts: [{host: "{{ .Release.Name }}.example.com", paths: [{path: /, pathType: Prefix}]}]
  tls: [{secretName: ingress-tls, hosts: ["{{ .Release.Name }}.example.com"]}]
podAnnotations: {example.com/a: "{{ .Chart.Name }}"}
podLabels: {level: debug}
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
livenessProbe: {initialDelaySeconds: 5}
serviceMonitor:
  enabled: true
  namespace: monitoring
  additionalLabels: {release: prometheus}
  scheme: https
  tlsConfig: {serverName: greenapi}
  relabelings: [{targetLabel: cluster, replacement: "{{ .Release.Name }}"}]
  metricRelabelings: [{action: labeldrop, regex: pod}]
  targetLabels: [example.com/b]
  endpoint: {honorLabels: true}
scrapeConfig:
  enabled: true
  namespace: monitoring
  additionalLabels: {release: prometheus}
  scheme: https
  access: {tlsConfig: {serverName: greenapi}}
  relabelings: [{targetLabel: cluster, replacement: one}]
  metricRelabelings: [{action: labeldrop, regex: pod}]
prometheusRule: {enabled: true, namespace: monitoring, additionalLabels: {release: prometheus}}
dashboards: {enabled: true, namespace: grafana, folder: GREEN-API, annotations: {example.com/a: b}}
extraManifests:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-extra"}}
  - |
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: {{ include "greenapi.fullname" . }}-text
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

// TestChartRefuses asserts that values which would not work are refused, at the
// right place and with what to do.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ values, want string }{
		"no accounts":               {"{}", "the exporter needs accounts"},
		"accounts and the demo":     {`{demo: true, config: {instances: [{id: "1101000001"}]}}`, "exactly one of config, existingConfigSecret, shards and demo, not demo and config"},
		"an unknown value":          {"{demo: true, replicas: 2}", "'replicas' not allowed"},
		"an unknown value below":    {"{demo: true, ledger: {path: /x}}", "'/ledger': additional properties 'path' not allowed"},
		"an unknown setting":        {"{config: {instance: []}}", "'/config': additional properties 'instance' not allowed"},
		"a token in the config":     {`{config: {instances: [{id: "1101000001", token: x}]}}`, "config.instances[0].token: a ConfigMap must not contain a token"},
		"a partner's token":         {`{shards: [{partner: {token: x}}], ledger: {enabled: true}}`, "shards[0].partner.token: a ConfigMap must not contain a token"},
		"an id that is a number":    {"{config: {instances: [{id: 1101000001}]}}", "config.instances[0].id is a number: put it in quotes"},
		"no id":                     {`{config: {instances: [{id: "1101000001"}, {name: shop}]}}`, "config.instances[1].id is missing"},
		"an empty shard":            {"{shards: [{}], ledger: {enabled: true}}", "shards[0] needs instances or partner"},
		"a flag of the chart's own": {"{demo: true, flags: {ledger.path: x}}", "flags.ledger.path is set by the chart: use ledger.enabled"},
		"a flag with dashes":        {"{demo: true, flags: {--log.level: debug}}", "flags.--log.level: write it without the leading dashes, as log.level"},
		"a switch in quotes":        {`{demo: true, flags: {collector.queue: "true"}}`, "flags.collector.queue is text: write true without quotes"},
		"a name no Service has":     {"{demo: true, fullnameOverride: 1abc}", `"1abc" cannot be the name of a Service`},
		"a name with a dot":         {"{demo: true, nameOverride: a.b}", `"x-a.b" cannot be the name of a Service`},
		"memory of no unit":         {"{demo: true, resources: {limits: {memory: 1GB}}}", "resources.limits.memory needs a unit"},
		"two Secrets for tokens":    {"{demo: true, tokens: {existingSecret: a, create: {b: c}}}", "not both"},
		"shards without a ledger":   {"{shards: [{partner: {}}]}", "shards[0] needs"},
		"shards in a Deployment":    {`{shards: [{partner: {include: ["11*"]}}]}`, "shards need ledger.enabled"},
		"two pods on one ledger":    {"{demo: true, replicaCount: 2, ledger: {enabled: true}}", "replicaCount must be 1"},
		"/sd of two pods at once":   {"{demo: true, replicaCount: 2, scrapeConfig: {enabled: true}}", "needs ledger.enabled"},
		"a job the alerts miss":     {"{demo: true, scrapeConfig: {jobName: whatsapp}}", `scrapeConfig.jobName is "whatsapp", and must contain greenapi`},
		"relabelings twice":         {"{demo: true, serviceMonitor: {endpoint: {relabelings: []}}}", "serviceMonitor.endpoint.relabelings: set serviceMonitor.relabelings instead"},
		"another path":              {"{demo: true, serviceMonitor: {endpoint: {path: /probe}}}", "serviceMonitor.endpoint.path is set by the chart"},
		"half a digest":             {"{demo: true, image: {digest: sha256:12}}", "/image/digest"},
		"an unknown threshold":      {"{demo: true, prometheusRule: {enabled: true, thresholds: {delivery: 1}}}", "prometheusRule.thresholds.delivery: there is no such threshold. There are: answer_calls, "},
		"one of an account":         {`{demo: true, prometheusRule: {enabled: true, accountThresholds: {"1101000001": {delivery: 1}}}}`, "prometheusRule.accountThresholds.1101000001.delivery: there is no such threshold"},
		"a threshold in quotes":     {`{demo: true, prometheusRule: {thresholds: {delivery_ratio: "1"}}}`, "/prometheusRule/thresholds/delivery_ratio"},
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

// TestChartShowsTheWay asserts that the lines which the chart prints for want of
// values are enough.
func TestChartShowsTheWay(t *testing.T) {
	t.Parallel()
	_, err := helm(t.Context(), t, "", "template", "x", chart)
	if err == nil {
		t.Fatal("without values there was no error")
	}
	_, lines, _ := strings.Cut(err.Error(), "\n\n")
	lines, _, _ = strings.Cut(lines, "\n\n")
	if strings.Count(strings.TrimSpace(lines), "\n") != 2 {
		t.Errorf("these are not three lines:\n%s", lines)
	}
	one(t, objects(t, render(t, chart, lines)), "Deployment")
	one(t, objects(t, render(t, chart, "demo: true")), "Deployment")
}

// TestJob asserts that the exporter's job is the same whatever the release is
// called, that each mapping of YAML has each key once, and that the user's
// relabelings come after ours.
func TestJob(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"x", "greenapi-exporter", "monitoring-of-whatsapp"} {
		text, err := helm(t.Context(), t, everything, "template", release, chart)
		if err != nil {
			t.Fatal(err)
		}
		monitor := one(t, objects(t, text), "ServiceMonitor") // the parser refuses a key that occurs twice
		want := []any{
			object{"targetLabel": "job", "replacement": "greenapi-exporter"},
			object{"targetLabel": "cluster", "replacement": release},
		}
		if diff := cmp.Diff(want, at(monitor, "spec", "endpoints", 0, "relabelings")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", release, diff)
		}
		if job := at(one(t, objects(t, text), "ScrapeConfig"), "spec", "jobName"); job != "greenapi" {
			t.Errorf("%s: the job of the accounts is %v", release, job)
		}
	}
}

// TestOpenShift asserts that no user and no group is fixed where the cluster
// assigns them: by its API, or because the values say so.
func TestOpenShift(t *testing.T) {
	t.Parallel()
	assigned := object{"runAsNonRoot": true, "seccompProfile": object{"type": "RuntimeDefault"}}
	fixed := object{"runAsNonRoot": true, "runAsUser": 1, "fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": object{"type": "RuntimeDefault"}}
	const api = "--api-versions=security.openshift.io/v1"
	for name, test := range map[string]struct {
		values string
		args   []string
		want   any
	}{
		"elsewhere":            {"{demo: true, podSecurityContext: {runAsUser: 1}}", nil, fixed},
		"on OpenShift":         {"{demo: true, podSecurityContext: {runAsUser: 1}}", []string{api}, assigned},
		"said so":              {"{demo: true, openshift: enabled}", nil, assigned},
		"not wanted":           {"{demo: true, podSecurityContext: {runAsUser: 1}, openshift: disabled}", []string{api}, fixed},
		"a context left empty": {"{demo: true, podSecurityContext: null, securityContext: null}", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := helm(t.Context(), t, test.values, append([]string{"template", "x", chart}, test.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			_, pod := workload(t, objects(t, text))
			if diff := cmp.Diff(test.want, pod["securityContext"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestThresholds asserts that each threshold of the rules can be set by a value, for
// all accounts and for one, and that nothing else changes.
func TestThresholds(t *testing.T) {
	t.Parallel()
	var file struct {
		Groups []struct {
			Rules []struct{ Record, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/prometheus/rules/greenapi-thresholds.yml")), &file); err != nil {
		t.Fatal(err)
	}
	lastNumber := regexp.MustCompile(`[0-9][0-9. *]*(\)?\s*)$`)
	want, values := map[string]string{}, strings.Builder{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			_, name, ok := strings.Cut(rule.Record, "threshold:")
			if !ok {
				continue
			}
			want[rule.Record] = lastNumber.ReplaceAllString(rule.Expr, "0.125${1}")
			values.WriteString("    " + name + ": 0.125\n")
		}
	}
	if len(want) < 20 {
		t.Fatalf("only %d thresholds were found", len(want))
	}
	text := render(t, chart, "demo: true\nprometheusRule:\n  enabled: true\n  thresholds:\n"+values.String()+"  accountThresholds: {\"1101000001\": {delivery_ratio: 0.6}}\n")
	got := map[string]string{}
	groups, _ := at(one(t, objects(t, text), "PrometheusRule"), "spec", "groups").([]any)
	for _, group := range groups {
		rules, _ := at(group, "rules").([]any)
		for _, rule := range rules {
			record, _ := at(rule, "record").(string)
			if strings.Contains(record, "threshold:") && record != "greenapi:threshold:override" {
				got[record], _ = at(rule, "expr").(string)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("thresholds (-want +got):\n%s", diff)
	}
	wantOverride := object{"record": "greenapi:threshold:override", "expr": "vector(0.6)", "labels": object{"threshold": "delivery_ratio", "id_instance": "1101000001"}}
	if diff := cmp.Diff([]any{wantOverride}, at(groups[len(groups)-1], "rules")); diff != "" {
		t.Errorf("of one account (-want +got):\n%s", diff)
	}
}

// TestExtras asserts what everything asks for beyond what the other tests look at:
// templates are evaluated, labels are on all objects, probes can be changed.
func TestExtras(t *testing.T) {
	t.Parallel()
	text := render(t, chart, everything)
	if strings.Contains(strings.ReplaceAll(text, "{{ $", ""), "{{ .Release") {
		t.Error("a template was not evaluated")
	}
	all := objects(t, text)
	_, pod := workload(t, all)
	access := ofKind(all, "Service")[1]
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"argument", lastOf(at(pod, "containers", 0, "args")), "--log.level=debug"},
		{"variable", lastOf(at(pod, "containers", 0, "env")), object{"name": "RELEASE", "value": "greenapi-exporter"}},
		{"variables", at(pod, "containers", 0, "envFrom", 0, "secretRef", "name"), "greenapi-exporter-env"},
		{"sidecar", at(pod, "containers", 1, "name"), "log"},
		{"init container", at(pod, "initContainers", 0, "args", 0), "greenapi"},
		{"liveness probe", at(pod, "containers", 0, "livenessProbe"), object{
			"tcpSocket": object{"port": "http"}, "initialDelaySeconds": 5, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 6,
		}},
		{"host", at(one(t, all, "Ingress"), "spec", "rules", 0, "host"), "greenapi-exporter.example.com"},
		{"second Service", at(access, "metadata", "name"), "greenapi-exporter-access"},
		{"its type", at(access, "spec", "type"), "LoadBalancer"},
		{"its component", at(access, "metadata", "labels", "app.kubernetes.io/component"), "access"},
		{"ServiceMonitor's choice", at(one(t, all, "ServiceMonitor"), "spec", "selector", "matchExpressions", 0), object{
			"key": "app.kubernetes.io/component", "operator": "DoesNotExist",
		}},
		{"ServiceMonitor's namespace", at(one(t, all, "ServiceMonitor"), "metadata", "namespace"), "monitoring"},
		{"where it looks", at(one(t, all, "ServiceMonitor"), "spec", "namespaceSelector", "matchNames", 0), "greenapi"},
		{"extra manifest", at(fromEnd(ofKind(all, "ConfigMap"), 2), "metadata", "name"), "greenapi-exporter-extra"},
		{"extra text", at(fromEnd(ofKind(all, "ConfigMap"), 1), "metadata", "name"), "greenapi-exporter-text"},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	for _, o := range all {
		name, _ := at(o, "metadata", "name").(string)
		if strings.HasSuffix(name, "-extra") || strings.HasSuffix(name, "-text") {
			continue
		}
		if got := at(o, "metadata", "labels", "example.com/owner"); got != "greenapi-exporter" {
			t.Errorf("%v %s: the common label is %v", o["kind"], name, got)
		}
		folder := at(o, "metadata", "annotations", "grafana_folder")
		if isDashboard := at(o, "metadata", "labels", "grafana_dashboard") == "1"; isDashboard != (folder == "GREEN-API") {
			t.Errorf("%v %s: the folder in Grafana is %v", o["kind"], name, folder)
		}
	}
	_, pod = workload(t, objects(t, render(t, chart, "{demo: true, livenessProbe: null, readinessProbe: {httpGet: {path: /, port: 1}}}")))
	if got := at(pod, "containers", 0, "livenessProbe"); got != nil {
		t.Errorf("a probe that is null is %v", got)
	}
	if got := at(pod, "containers", 0, "readinessProbe", "httpGet", "path"); got != "/" {
		t.Errorf("a probe of one's own asks %v", got)
	}
}

func lastOf(list any) any {
	all, _ := list.([]any)
	return at(list, len(all)-1)
}

// fromEnd returns the nth object from the end.
func fromEnd(all []object, n int) object {
	return all[len(all)-n]
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
		want[filepath.Base(name)] = compactJSON(t, read(t, filepath.Join("deploy", name)))
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
			got[name] = compactJSON(t, got[name])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dashboards (-files +chart):\n%s", diff)
	}
}

// compactJSON is a text of JSON without spaces, its keys sorted.
func compactJSON(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	compact, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(compact)
}
