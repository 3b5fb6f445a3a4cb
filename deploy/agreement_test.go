package deploy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/fleet"
)

// operators are the files, from the top of the module, by which people run the
// exporter: those that say how it is called, where it listens and where its files are.
func operators(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, top := range []string{
		"README.md", "Dockerfile", ".github/workflows", "deploy/README.md", "deploy/compose.yaml", "deploy/compose",
		"deploy/deploy.mk", "deploy/helm", "deploy/kubernetes", "deploy/prometheus/scrape", "deploy/systemd", "deploy/web-config",
	} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found[filepath.ToSlash(name)] = read(t, name)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// match returns what the first group of an expression finds in a text, once each.
func match(text, expression string) []string {
	var found []string
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// only returns the one thing that an expression finds in a file.
func only(t *testing.T, name, expression string) string {
	t.Helper()
	found := match(read(t, name), expression)
	if len(found) != 1 {
		t.Fatalf("%s finds %q in %s, want one thing", expression, found, name)
	}
	return found[0]
}

// flags returns the exporter's flags, with their leading dashes, and the defaults of
// those that have one. That the table of deploy/flags.md is true is a test of the program.
func flags(t *testing.T) map[string]string {
	t.Helper()
	_, table, begins := strings.Cut(read(t, "deploy/flags.md"), "<!-- flags:begin -->")
	table, _, ends := strings.Cut(table, "<!-- flags:end -->")
	if !begins || !ends {
		t.Fatal("deploy/flags.md has no table of flags")
	}
	found := map[string]string{"--help": "", "--version": ""}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) < 4 {
			continue
		}
		for _, name := range match(cells[1], "`(--[a-z.-]+)`") {
			found[name] = strings.Trim(cells[2], " `")
		}
	}
	return found
}

// TestAgreement asserts that port, path of the metrics, image and folders are the
// same wherever they are named.
func TestAgreement(t *testing.T) {
	t.Parallel()
	port := only(t, "main.go", `defaultPort = "(\d+)"`)
	path := flags(t)["--web.telemetry-path"]
	image := only(t, "deploy/deploy.mk", `(?m)^IMAGE +\?= (\S+)$`)
	const (
		program = "/usr/local/bin/greenapi_exporter"
		config  = "/etc/greenapi_exporter"
		state   = "/var/lib/greenapi_exporter"
		values  = "deploy/helm/greenapi-exporter/values.yaml"
		helpers = "deploy/helm/greenapi-exporter/templates/_helpers.tpl"
		unit    = "deploy/systemd/greenapi_exporter.service"
	)
	for _, test := range []struct{ file, expression, want string }{
		{"README.md", `localhost:(\d+)`, port},
		{"deploy/flags.md", "default port (\\d+)", port},
		{"Dockerfile", `(?m)^EXPOSE (\d+)$`, port},
		{"Dockerfile", `-p (\d+:\d+)`, port + ":" + port},
		{"deploy/compose.yaml", `127\.0\.0\.1:(101\d\d:101\d\d)`, port + ":" + port},
		{"deploy/compose/prometheus.yml", `exporter:(\d+)`, port},
		{unit, `SocketBindAllow=tcp:(\d+)`, port},
		{"deploy/systemd/greenapi_exporter.socket", `ListenStream=(\d+)`, port},
		{"deploy/prometheus/scrape/static.yml", `localhost:(\d+)`, port},
		{"deploy/prometheus/scrape/http_sd.yml", `localhost:(\d+)`, port},
		{"deploy/prometheus/scrape/sharded.yml", `greenapi-exporter-\d\.greenapi-exporter:(\d+)`, port},
		{helpers, `containerPort: (\d+)`, port},
		{"deploy/helm/greenapi-exporter/templates/service.yaml", `port: (\d+)`, port},
		{"deploy/helm/greenapi-exporter/templates/scrapeconfig.yaml", `:(\d+)/sd`, port},
		{"deploy/helm/greenapi-exporter/templates/NOTES.txt", `localhost:(\d+)`, port},

		{"deploy/prometheus/scrape/static.yml", `metrics_path: (\S+)`, path},
		{"deploy/prometheus/scrape/http_sd.yml", `metrics_path: (\S+)`, path},
		{"deploy/prometheus/scrape/sharded.yml", `metrics_path: (\S+)`, path},
		{"deploy/helm/greenapi-exporter/templates/servicemonitor.yaml", `path: (\S+)`, path},

		{values, `repository: (\S+)`, image},
		{".github/workflows/ci.yml", `(ghcr\.io/\S+?):`, image},
		{"deploy/kubernetes/stateless.yaml", `image: "(\S+):`, image},
		{"deploy/README.md", `(ghcr\.io/[a-z-]+/greenapi_exporter)\b`, image},

		{unit, `ExecStart=(\S+)`, program},
		{unit, `--config\.file=(\S+)/greenapi\.yml`, config},
		{"deploy/compose.yaml", `--config\.file=(\S+)/greenapi\.yml`, config},
		{helpers, `--config\.file=(\S+)/greenapi\.yml`, config},
		{"Dockerfile", `COPY --from=build --chown\S+ \S+ (\S+)`, state},
		{"deploy/compose.yaml", `--ledger\.path=(\S+)`, state},
		{"deploy/compose.yaml", `source: ledger, target: (\S+)}`, state},
		{helpers, `--ledger\.path=(\S+)`, state},
		{helpers, `name: ledger\n +mountPath: (\S+)`, state},
		{unit, `--ledger\.path=%S/(\S+)`, filepath.Base(state)},
		{unit, `StateDirectory=(\S+)`, filepath.Base(state)},
	} {
		if diff := cmp.Diff([]string{test.want}, match(read(t, test.file), test.expression)); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", test.file, test.expression, diff)
		}
	}
	for name, text := range operators(t) {
		if wrong := match(text, `\b(101[0-9]{2})\b`); len(wrong) > 0 && !cmp.Equal(wrong, []string{port}) {
			t.Errorf("%s names the ports %q, want %s alone", name, wrong, port)
		}
	}
}

// TestFlagsExist asserts that every flag that a file tells people to use is one, and
// so is every environment variable.
func TestFlagsExist(t *testing.T) {
	t.Parallel()
	known := flags(t)
	variables := map[string]bool{}
	for name := range known {
		variables["GREENAPI_EXPORTER_"+strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToUpper(strings.TrimPrefix(name, "--")))] = true
	}
	// A flag of ours has a dot, and begins with one of these; others belong to other programs.
	ours := `(--(?:no-)?(?:config|greenapi|collector|ledger|web|log)\.[a-z.-]*[a-z])\b`
	theirs := map[string][]string{
		"deploy/compose.yaml": {"--config.file", "--web.external-url"}, // Prometheus, Alertmanager
	}
	used := 0
	for name, text := range operators(t) {
		for _, flag := range match(text, ours) {
			_, ok := known[flag]
			used++
			if !ok && !slices.Contains(theirs[name], flag) {
				t.Errorf("%s names %s, which is no flag", name, flag)
			}
		}
		for _, variable := range match(text, `\b(GREENAPI_EXPORTER_[A-Z_]*[A-Z])\b`) {
			// make run names the variables of one and all.
			if !variables[variable] {
				t.Errorf("%s names %s, which is no flag's variable", name, variable)
			}
		}
	}
	if used < 20 {
		t.Errorf("only %d flags were found in all files", used)
	}
}

// TestChartFlags asserts the same of what values call flags, and that those that
// the chart keeps for itself exist.
func TestChartFlags(t *testing.T) {
	t.Parallel()
	known := flags(t)
	_, own, _ := strings.Cut(read(t, "deploy/helm/greenapi-exporter/templates/_helpers.tpl"), `{{- define "greenapi.ownFlags" -}}`)
	own, _, _ = strings.Cut(own, "{{- end }}")
	kept := match(own, `(?m)^([a-z.-]+): `)
	if len(kept) < 5 {
		t.Errorf("the chart keeps only %q", kept)
	}
	for _, name := range kept {
		if _, ok := known["--"+name]; !ok {
			t.Errorf("the chart keeps --%s, which is no flag", name)
		}
	}
	files, err := filepath.Glob("kubernetes/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values: %v", err)
	}
	for _, file := range files {
		_, block, _ := strings.Cut(read(t, filepath.Join("deploy", file)), "\nflags:\n")
		for line := range strings.Lines(block) {
			if !strings.HasPrefix(line, " ") {
				break
			}
			name, _, isFlag := strings.Cut(strings.TrimSpace(line), ": ")
			if _, ok := known["--"+name]; isFlag && !strings.HasPrefix(name, "#") && !ok {
				t.Errorf("%s sets the flag %s, which does not exist", file, name)
			}
		}
	}
}

// TestReplicas asserts that the operator's Prometheus has as many replicas as the
// sharded example has room for: --web.max-requests is computed in deploy/fleet.
func TestReplicas(t *testing.T) {
	t.Parallel()
	load := fleet.Load{Accounts: 3_000, Shards: 3, Interval: time.Minute}
	replicas, err := strconv.Atoi(only(t, "deploy/kubernetes/sharded-prometheus.yaml", `\n  replicas: (\d+)`))
	if err != nil {
		t.Fatal(err)
	}
	load.Scrapers = replicas
	room := only(t, "deploy/kubernetes/values/sharded.yaml", `web\.max-requests: (\d+)`)
	if want := strconv.Itoa(load.Plan().MaxRequests); room != want {
		t.Errorf("there is room for %s scrapes, want %s", room, want)
	}
}

// TestLinks asserts that what the documents of this folder link to is there.
func TestLinks(t *testing.T) {
	t.Parallel()
	for document, atLeast := range map[string]int{"deploy/README.md": 10, "deploy/fleet.md": 7} {
		links := match(read(t, document), `\]\(([^)#:]+)\)`)
		if len(links) < atLeast {
			t.Errorf("only %d links were found in %s", len(links), document)
		}
		for _, link := range links {
			if _, err := os.Stat(filepath.FromSlash(link)); err != nil {
				t.Errorf("%s links to %s: %v", document, link, err)
			}
		}
	}
}
