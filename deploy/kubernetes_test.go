//go:build e2e && linux

package deploy_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// forms are the values that deploy/kubernetes is rendered from, and beside them
// what it leaves off.
func forms(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{"everything": everything, "demo": "demo: true"}
	files, err := filepath.Glob("kubernetes/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values: %v", err)
	}
	for _, file := range files {
		found[strings.TrimSuffix(filepath.Base(file), ".yaml")] = read(t, filepath.Join("deploy", file))
	}
	return found
}

// TestManifests asserts that the files in deploy/kubernetes are what the chart makes
// of the values beside them; -update writes them. What only Prometheus Operator
// knows is in files of its own, the rules in one for all.
func TestManifests(t *testing.T) {
	t.Parallel()
	// Helm does not manage what kubectl applies.
	helms := regexp.MustCompile(`(?m)^ +(app.kubernetes.io/managed-by: Helm|helm.sh/chart: .*)\n`)
	for name, values := range forms(t) {
		if _, err := os.Stat(filepath.Join("kubernetes/values", name+".yaml")); err != nil {
			continue // a form that is for tests alone
		}
		files := map[string]string{}
		for _, manifest := range strings.Split(helms.ReplaceAllString(render(t, chart, values), ""), "---\n")[1:] {
			_, manifest, _ = strings.Cut(manifest, "\n") // the name of the template
			file := name
			switch {
			case strings.Contains(manifest, "\nkind: PrometheusRule\n"):
				file = "rules"
			case strings.Contains(manifest, "monitoring.coreos.com/"):
				file += "-operator"
			}
			if files[file] == "" {
				files[file] = "# Rendered from the chart with kubernetes/values/" + name + ".yaml by make manifests. Do not edit.\n"
			}
			files[file] += "---\n" + strings.TrimSpace(manifest) + "\n"
		}
		for file, want := range files {
			file = filepath.Join("kubernetes", file+".yaml")
			if *update {
				if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%v: run make manifests", err)
			} else if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("%s is not what the chart makes (-chart +file); run make manifests:\n%s", file, diff)
			}
		}
	}
}

// TestSchemas asserts that Kubernetes and Prometheus Operator know every field of
// what the chart makes, and that this check notices one that they do not know.
func TestSchemas(t *testing.T) {
	t.Parallel()
	location := filepath.Join(filepath.Dir(tool(t, "schemas")), "schemas/{{.ResourceKind}}{{.KindSuffix}}.json")
	check := func(file string) (string, error) {
		cmd := exec.CommandContext(t.Context(), tool(t, "kubeconform"), "-strict", "-summary", "-schema-location", location, file)
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	dir := t.TempDir()
	for name, values := range forms(t) {
		text := render(t, chart, values)
		if name == "everything" {
			bad := filepath.Join(dir, "bad.yaml")
			if err := os.WriteFile(bad, []byte(strings.Replace(text, "scrapeInterval:", "scrapingInterval:", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if said, err := check(bad); err == nil || !strings.Contains(said, "'scrapingInterval' not allowed") {
				t.Errorf("a field that does not exist was not noticed: %v\n%s", err, said)
			}
		}
		// A file that is not named .yaml counts as none.
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("Summary: %d resources found in 1 file - Valid: %[1]d, Invalid: 0, Errors: 0, Skipped: 0", len(objects(t, text)))
		if said, err := check(file); err != nil || !strings.Contains(said, want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, want, said)
		}
	}
	for _, file := range []string{"kubernetes/namespace.yaml", "kubernetes/sharded-prometheus.yaml"} {
		if said, err := check(file); err != nil || !strings.Contains(said, "Valid: 1,") {
			t.Errorf("%s: %v\n%s", file, err, said)
		}
	}
}

// workload returns the Deployment or the StatefulSet, and its pod.
func workload(t *testing.T, all []object) (owner, pod object) {
	t.Helper()
	found := append(ofKind(all, "Deployment"), ofKind(all, "StatefulSet")...)
	if len(found) != 1 {
		t.Fatalf("there are %d workloads, want one", len(found))
	}
	pod, _ = at(found[0], "spec", "template", "spec").(object)
	return found[0], pod
}

// TestPodsAreRestricted asserts what the Pod Security Standard "restricted" asks
// for, and what is good beyond it.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	for name, values := range forms(t) {
		all := objects(t, render(t, chart, values))
		_, pod := workload(t, all)
		want := map[string]any{
			"token":     false,
			"pod":       object{"runAsNonRoot": true, "fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": object{"type": "RuntimeDefault"}},
			"container": object{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []any{"ALL"}}},
			"account":   false,
		}
		got := map[string]any{
			"token":     pod["automountServiceAccountToken"],
			"pod":       pod["securityContext"],
			"container": at(pod, "containers", 0, "securityContext"),
			"account":   one(t, all, "ServiceAccount")["automountServiceAccountToken"],
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
			if pod[key] != nil {
				t.Errorf("%s: the pod has %s", name, key)
			}
		}
	}
}

// TestProbesWorkWithAuthentication asserts that the kubelet, which has neither
// certificate nor password, asks for a page only where it is let in.
func TestProbesWorkWithAuthentication(t *testing.T) {
	t.Parallel()
	for name, values := range forms(t) {
		_, pod := workload(t, objects(t, render(t, chart, values)))
		guarded := strings.Contains(values, "webConfig:")
		for probe, path := range map[string]string{"startupProbe": "/-/ready", "readinessProbe": "/-/ready", "livenessProbe": "/-/healthy"} {
			wantPage, wantPort := any(path), any(nil)
			if guarded {
				wantPage, wantPort = nil, "http"
			}
			p := at(pod, "containers", 0, probe)
			if at(p, "httpGet", "path") != wantPage || at(p, "tcpSocket", "port") != wantPort {
				t.Errorf("%s: %s is %v", name, probe, p)
			}
		}
	}
}

// TestPodsServe starts each pod's container on this machine: its command line, its
// variables, and its ConfigMaps and Secrets as files where it mounts them.
func TestPodsServe(t *testing.T) {
	t.Parallel()
	program := exporterBinary(t)
	for name, values := range forms(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := objects(t, render(t, chart, values))
			owner, _ := workload(t, all)
			replicas, _ := at(owner, "spec", "replicas").(int)
			if replicas < 1 {
				t.Fatalf("there are %d pods", replicas)
			}
			for pod := range replicas {
				wantPodServes(t, program, all, pod)
			}
		})
	}
}

func wantPodServes(t *testing.T, program string, all []object, ordinal int) {
	t.Helper()
	owner, pod := workload(t, all)
	folders := mountedFolders(t, all, pod)
	hostname := fmt.Sprintf("%s-%d", at(owner, "metadata", "name"), ordinal)
	args := []string{"--web.listen-address=127.0.0.1:0"}
	list, _ := at(pod, "containers", 0, "args").([]any)
	for _, arg := range list {
		text, _ := arg.(string)
		text = strings.ReplaceAll(text, "$(POD_NAME)", hostname)
		flag, path, _ := strings.Cut(text, "=")
		for mount, folder := range folders {
			if inside, ok := strings.CutPrefix(path+"/", mount+"/"); ok {
				text = flag + "=" + filepath.Join(folder, inside)
			}
		}
		args = append(args, text)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = "/", []string{}
	s := serve(t, cmd)
	if at(pod, "containers", 0, "readinessProbe", "httpGet") != nil {
		for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
			path, _ := at(pod, "containers", 0, probe, "httpGet", "path").(string)
			if status, body := get(t, http.DefaultClient, "http://"+s.address+path); status != http.StatusOK {
				t.Errorf("%s answers %d: %s", path, status, body)
			}
		}
		if status, body := get(t, http.DefaultClient, "http://"+s.address+"/metrics"); status != http.StatusOK || !strings.Contains(body, "greenapi_exporter_build_info{") {
			t.Errorf("/metrics answers %d:\n%s", status, body)
		}
	} else {
		s.await(t, regexp.MustCompile(`msg="TLS is enabled\.`))
	}
	s.stop(t)
}

// mountedFolders makes a folder for each mount of the container, with what is in
// the volume. Tokens and the web configuration of a Secret that the chart does not
// make are made up.
func mountedFolders(t *testing.T, all []object, pod object) map[string]string {
	t.Helper()
	contents := map[string]object{}
	volumes, _ := pod["volumes"].([]any)
	for _, volume := range volumes {
		name, _ := at(volume, "name").(string)
		contents[name] = object{}
		for _, o := range ofKind(all, "ConfigMap") {
			if at(o, "metadata", "name") == at(volume, "configMap", "name") {
				contents[name], _ = o["data"].(object)
			}
		}
	}
	folders := map[string]string{}
	mounts, _ := at(pod, "containers", 0, "volumeMounts").([]any)
	for _, mount := range mounts {
		path, _ := at(mount, "mountPath").(string)
		folders[path] = t.TempDir()
	}
	for _, token := range []string{"support", "shop", "partner"} {
		if folder := folders["/run/secrets/greenapi"]; folder != "" {
			write(t, filepath.Join(folder, token), "0123456789abcdef0123456789abcdef0123456789abcdef01")
		}
	}
	for _, mount := range mounts {
		path, _ := at(mount, "mountPath").(string)
		volume, _ := at(mount, "name").(string)
		for file, content := range contents[volume] {
			text, _ := content.(string)
			text = strings.ReplaceAll(text, "/run/secrets/greenapi/", folders["/run/secrets/greenapi"]+"/")
			// The API is a port on which nothing listens.
			text = regexp.MustCompile(`(?m)^(( *)(?:- )?)id: `).ReplaceAllString(text, "${1}api_url: http://127.0.0.1:1\n${2}  id: ")
			text = regexp.MustCompile(`(?m)^partner:\n`).ReplaceAllString(text, "partner:\n  api_url: http://127.0.0.1:1\n")
			write(t, filepath.Join(folders[path], file), text)
		}
		if volume == "web" {
			newAuthority(t, folders[path])
			write(t, filepath.Join(folders[path], "web.yml"), read(t, "deploy/web-config/mutual-tls.yml"))
		}
	}
	return folders
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
