//go:build e2e && linux

package deploy_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// exposure is the highest that systemd-analyze security may find, in tenths; 10.0
// is a service without any protection. It finds 1.1.
const exposure = "12"

// unitsWith copies the units and some drop-ins, made to start the program.
func unitsWith(t *testing.T, program string, dropIns ...string) (service, socket string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append(dropIns, "greenapi_exporter.service", "greenapi_exporter.socket") {
		text := strings.ReplaceAll(read(t, "deploy/systemd/"+name), "/usr/local/bin/greenapi_exporter", strconv.Quote(program))
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "greenapi_exporter.service"), filepath.Join(dir, "greenapi_exporter.socket")
}

func TestUnits(t *testing.T) {
	t.Parallel()
	const dropIns = "greenapi_exporter.service.d/"
	program := exporterBinary(t)
	for name, with := range map[string][]string{
		"as they are":     nil,
		"with the socket": {dropIns + "socket.conf"},
		"with TLS":        {dropIns + "web-config.conf"},
		"with both":       {dropIns + "socket.conf", dropIns + "web-config.conf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service, socket := unitsWith(t, program, with...)
			if complaints := run(t, "", nil, "systemd-analyze", "verify", service, socket); complaints != "" {
				t.Errorf("systemd-analyze verify says:\n%s", complaints)
			}
			t.Log(run(t, "", nil, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold="+exposure, service))
		})
	}
}

// TestUnitServes starts the exporter as the unit says, with its example of a
// configuration and tokens where systemd puts credentials, and reloads it.
func TestUnitServes(t *testing.T) {
	t.Parallel()
	wantUnitServes(t, exporterBinary(t), filepath.Join(root, "deploy/systemd"))
}

// wantUnitServes starts a program by the command line of the unit in a folder. What
// systemd provides lies in temporary folders instead.
func wantUnitServes(t *testing.T, program, dir string, metrics ...string) {
	t.Helper()
	credentials, state := t.TempDir(), t.TempDir()
	example, err := os.ReadFile(filepath.Join(dir, "greenapi.yml"))
	if err != nil {
		t.Fatal(err)
	}
	// The API is a port on which nothing listens: that the accounts fail is not the unit's fault.
	text := strings.ReplaceAll(string(example), "/run/credentials/greenapi_exporter.service/", credentials+"/")
	text = strings.ReplaceAll(text, "https://api.green-api.com", "http://127.0.0.1:1")
	config := filepath.Join(t.TempDir(), "greenapi.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(credentials, "token_support"), []byte("0123456789abcdef0123456789abcdef0123456789abcdef01\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	u := readUnit(t, filepath.Join(dir, "greenapi_exporter.service"))
	here := strings.NewReplacer(
		"/usr/local/bin/greenapi_exporter", program,
		"/etc/greenapi_exporter/greenapi.yml", config,
		"%S/greenapi_exporter", state,
	)
	words := strings.Fields(u.one(t, "Service.ExecStart"))
	for n, word := range words {
		words[n] = here.Replace(word)
	}
	cmd := exec.CommandContext(t.Context(), words[0], append(words[1:], "--web.listen-address=127.0.0.1:0")...)
	cmd.Dir, cmd.Env = "/", []string{}
	s := serve(t, cmd)
	wantMetrics(t, s, append(metrics, `name="support"`, "greenapi_ledger_last_write_successful{")...)

	if reload := u.one(t, "Service.ExecReload"); reload != "/bin/kill -HUP $MAINPID" {
		t.Fatalf("ExecReload is %q", reload)
	}
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(text, "name: support", "name: desk")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.await(t, regexp.MustCompile(`(?s)configuration loaded.*configuration loaded`))
	if _, targets := get(t, http.DefaultClient, "http://"+s.address+"/sd"); !strings.Contains(targets, `"desk"`) {
		t.Errorf("after SIGHUP, /sd does not know the new name:\n%s", targets)
	}
	s.stop(t)
}

// exporterBinary is the path of the exporter's binary: the one that E2E_EXPORTER
// names, else it is built now.
func exporterBinary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("E2E_EXPORTER"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "greenapi_exporter")
	run(t, root, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, ".")
	return path
}
