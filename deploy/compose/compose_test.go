package compose_test

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

// project is what compose.yaml says. Other keys are errors.
type project struct {
	Name     string             `yaml:"name"`
	Hardened service            `yaml:"x-hardened"`
	Exporter service            `yaml:"x-exporter"`
	Services map[string]service `yaml:"services"`
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]struct{ External bool }
}

type service struct {
	Image       string            `yaml:"image"`
	Build       map[string]string `yaml:"build"`
	Profiles    []string          `yaml:"profiles"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []mount           `yaml:"volumes"`
	Tmpfs       []string          `yaml:"tmpfs"`
	Networks    networks          `yaml:"networks"`
	Restart     string            `yaml:"restart"`
	StopGrace   string            `yaml:"stop_grace_period"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
	Logging     struct {
		Driver  string            `yaml:"driver"`
		Options map[string]string `yaml:"options"`
	} `yaml:"logging"`
}

type mount struct {
	Type     string          `yaml:"type"`
	Source   string          `yaml:"source"`
	Target   string          `yaml:"target"`
	ReadOnly bool            `yaml:"read_only"`
	Bind     map[string]bool `yaml:"bind"`
}

// networks are those that a service is in, with its further names there.
type networks map[string][]string

// UnmarshalYAML reads both of the forms that Compose knows.
func (n *networks) UnmarshalYAML(node *yaml.Node) error {
	*n = networks{}
	if node.Kind == yaml.SequenceNode {
		var names []string
		if err := node.Decode(&names); err != nil {
			return err
		}
		for _, name := range names {
			(*n)[name] = nil
		}
		return nil
	}
	var named map[string]struct {
		Aliases []string `yaml:"aliases"`
	}
	if err := node.Decode(&named); err != nil {
		return err
	}
	for name, network := range named {
		(*n)[name] = network.Aliases
	}
	return nil
}

// readYAML reads a file of the repository, in which no key may be unknown.
func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(readFile(t, name)))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readProject(t *testing.T) project {
	t.Helper()
	var p project
	readYAML(t, "deploy/compose.yaml", &p)
	return p
}

// hosts returns the names that services have in the network.
func (p project) hosts() []string {
	var names []string
	for name, s := range p.Services {
		names = append(names, name)
		names = append(names, s.Networks["greenapi"]...)
	}
	return names
}

// onHost returns which file or folder of the repository a path of a service is.
func (s service) onHost(t *testing.T, inside string) string {
	t.Helper()
	for _, m := range s.Volumes {
		if rest, ok := strings.CutPrefix(inside+"/", m.Target+"/"); ok && m.Type == "bind" {
			return strings.TrimSuffix(path.Join("deploy", m.Source, rest), "/")
		}
	}
	t.Fatalf("nothing of the repository is at %s", inside)
	return ""
}

// flag returns the value of a flag of a service.
func (s service) flag(t *testing.T, name string) string {
	t.Helper()
	for _, arg := range s.Command {
		if value, ok := strings.CutPrefix(arg, name+"="); ok {
			return value
		}
	}
	t.Fatalf("no flag %s in %q", name, s.Command)
	return ""
}

func TestServices(t *testing.T) {
	t.Parallel()
	p := readProject(t)
	profiles := make(map[string][]string)
	for name, s := range p.Services {
		profiles[name] = s.Profiles
	}
	want := map[string][]string{
		"exporter-demo": {"demo"}, "exporter": {"accounts"}, "prometheus": nil, "alertmanager": nil, "grafana": nil,
	}
	if diff := cmp.Diff(want, profiles); diff != "" {
		t.Errorf("services by profile (-want +got):\n%s", diff)
	}
	for name, s := range p.Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantHardened(t, s)
			wantMounts(t, p, s)
			if _, ok := s.Networks["greenapi"]; !ok || len(s.Networks) != 1 {
				t.Errorf("it is in the networks %v", s.Networks)
			}
		})
	}
}

// wantHardened holds that a service can do no more than it needs, and that nobody but
// this machine reaches it.
func wantHardened(t *testing.T, s service) {
	t.Helper()
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
		t.Errorf("read only %v, without the capabilities %q, %q", s.ReadOnly, s.CapDrop, s.SecurityOpt)
	}
	if s.Logging.Options["max-size"] == "" {
		t.Error("its log may fill the disk")
	}
	for _, port := range s.Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("the port %s is open to all", port)
		}
	}
	if len(s.Build) == 0 && !regexp.MustCompile(`^[a-z/]+:v?\d+\.\d+\.\d+$`).MatchString(s.Image) {
		t.Errorf("the image %s has no version", s.Image)
	}
}

// wantMounts holds that what is mounted is there: a file of the repository, or a
// volume. What a variable names is the user's.
func wantMounts(t *testing.T, p project, s service) {
	t.Helper()
	for _, m := range s.Volumes {
		switch m.Type {
		case "volume":
			if _, ok := p.Volumes[m.Source]; !ok {
				t.Errorf("there is no volume %s", m.Source)
			}
		case "bind":
			if create, said := m.Bind["create_host_path"]; !m.ReadOnly || create || !said {
				t.Errorf("%s may be written to, or is made where it is missing", m.Source)
			}
			if strings.HasPrefix(m.Source, "${") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, "deploy", m.Source)); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s is mounted as a %s", m.Source, m.Type)
		}
	}
}

// TestVersions holds that Prometheus and Alertmanager have the versions that the rules
// are tested with, and that README.md names these.
func TestVersions(t *testing.T) {
	t.Parallel()
	p := readProject(t)
	module := regexp.MustCompile(`github\.com/prometheus/prometheus v0\.(\d)(\d\d)\.(\d+)`).FindSubmatch(readFile(t, "tools.mod"))
	if module == nil {
		t.Fatal("no Prometheus in tools.mod")
	}
	// v0.316.0 of the module is v3.16.0 of the program.
	if want := "prom/prometheus:v" + string(module[1]) + "." + strings.TrimPrefix(string(module[2]), "0") + "." + string(module[3]); p.Services["prometheus"].Image != want {
		t.Errorf("%s, but %s is tested", p.Services["prometheus"].Image, want)
	}
	alertmanager := regexp.MustCompile(`ALERTMANAGER_VERSION\s*:=\s*(\S+)`).FindSubmatch(readFile(t, "Makefile"))
	if alertmanager == nil {
		t.Fatal("no Alertmanager in the Makefile")
	}
	if want := "prom/alertmanager:" + string(alertmanager[1]); p.Services["alertmanager"].Image != want {
		t.Errorf("%s, but %s is tested", p.Services["alertmanager"].Image, want)
	}
	victoria := regexp.MustCompile(`VictoriaMetrics/VictoriaMetrics v(\S+)`).FindSubmatch(readFile(t, "deploy/e2e/victoria.mod"))
	if victoria == nil {
		t.Fatal("no VictoriaMetrics in deploy/e2e/victoria.mod")
	}
	collector := regexp.MustCompile(`/prometheusreceiver v(\S+)`).FindSubmatch(readFile(t, "deploy/e2e/otelcol/go.mod"))
	older := regexp.MustCompile(`OLD_PROMETHEUS\s*:= v0\.(\d+\.\d+) v0\.3(\d\d\.\d+)`).FindSubmatch(readFile(t, "Makefile"))
	if collector == nil || older == nil {
		t.Fatalf("no version of the OpenTelemetry Collector (%s) or of older Prometheus (%s)", collector, older)
	}
	readme := string(readFile(t, "README.md"))
	for _, row := range []string{
		// v0.53.3 of the module is v2.53.3, and v0.305.1 is v3.5.1.
		"| 2." + string(older[1]) + ", 3." + strings.TrimPrefix(string(older[2]), "0") + " |",
		"| " + string(collector[1]) + " |",
		"| " + string(module[1]) + "." + strings.TrimPrefix(string(module[2]), "0") + "." + string(module[3]) + ":",
		"| " + strings.TrimPrefix(string(alertmanager[1]), "v") + " |",
		"| " + string(victoria[1]) + " |",
	} {
		if !strings.Contains(readme, row) {
			t.Errorf("README.md does not say that %q is run", row)
		}
	}
}

// TestExporter holds that the exporter is built as the Dockerfile says, and knows the
// flags.
func TestExporter(t *testing.T) {
	t.Parallel()
	p := readProject(t)
	flags := string(readFile(t, "flags.go"))
	for _, name := range []string{"exporter", "exporter-demo"} {
		s := p.Services[name]
		if _, err := os.Stat(filepath.Join(root, "deploy", s.Build["context"], "Dockerfile")); err != nil {
			t.Error(err)
		}
		if !slices.Contains(s.Networks["greenapi"], "exporter") {
			t.Errorf("%s does not answer to the name exporter: %v", name, s.Networks)
		}
		for _, arg := range s.Command {
			flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			if !strings.Contains(flags, `Flag("`+flag+`"`) {
				t.Errorf("the exporter has no flag %s", flag)
			}
		}
	}
	if !strings.Contains(string(readFile(t, "Dockerfile")), "EXPOSE 10174\n") || !slices.Equal(p.Services["exporter"].Ports, []string{"127.0.0.1:10174:10174"}) {
		t.Error("the image and the service have different ports")
	}
	ignored := string(readFile(t, "deploy/compose/.gitignore"))
	for _, own := range []string{"/greenapi.yml", "/secrets/"} {
		if !strings.Contains(ignored, own+"\n") {
			t.Errorf("git does not ignore %s", own)
		}
	}
}

// prometheusConfig is the configuration of Prometheus. Other keys are errors.
type prometheusConfig struct {
	Global struct {
		ScrapeInterval string `yaml:"scrape_interval"`
		ScrapeTimeout  string `yaml:"scrape_timeout"`
		ExtraMetrics   bool   `yaml:"extra_scrape_metrics"`
	} `yaml:"global"`
	ScrapeConfigs []struct {
		JobName       string          `yaml:"job_name"`
		StaticConfigs []staticTargets `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
	RuleFiles []string `yaml:"rule_files"`
	Alerting  struct {
		Alertmanagers []struct {
			StaticConfigs []staticTargets `yaml:"static_configs"`
		} `yaml:"alertmanagers"`
	} `yaml:"alerting"`
}

type staticTargets struct {
	Targets []string `yaml:"targets"`
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	p := readProject(t)
	s := p.Services["prometheus"]
	var config prometheusConfig
	readYAML(t, s.onHost(t, s.flag(t, "--config.file")), &config)
	if len(config.ScrapeConfigs) != 1 || config.ScrapeConfigs[0].JobName != "greenapi" {
		t.Fatalf("it scrapes %+v; alerts look for jobs named greenapi", config.ScrapeConfigs)
	}
	if !config.Global.ExtraMetrics {
		t.Error("the dashboard of the exporter draws scrape_timeout_seconds")
	}
	wantTargets(t, p, config.ScrapeConfigs[0].StaticConfigs, "exporter:10174")
	wantTargets(t, p, config.Alerting.Alertmanagers[0].StaticConfigs, "alertmanager:9093")
	if len(config.RuleFiles) != 1 {
		t.Fatalf("rules: %q", config.RuleFiles)
	}
	if got := path.Join(s.onHost(t, path.Dir(config.RuleFiles[0])), path.Base(config.RuleFiles[0])); got != "deploy/prometheus/rules/*.yml" {
		t.Errorf("the rules are %s", got)
	}
	if files, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules/*.yml")); err != nil || len(files) == 0 {
		t.Errorf("no rules: %v", err)
	}
}

func wantTargets(t *testing.T, p project, configs []staticTargets, want string) {
	t.Helper()
	if len(configs) != 1 || !slices.Equal(configs[0].Targets, []string{want}) {
		t.Errorf("targets: %v, and not %s", configs, want)
	}
	if host, _, _ := strings.Cut(want, ":"); !slices.Contains(p.hosts(), host) {
		t.Errorf("no service is called %s", host)
	}
}

func TestAlertmanager(t *testing.T) {
	t.Parallel()
	s := readProject(t).Services["alertmanager"]
	file := s.onHost(t, s.flag(t, "--config.file"))
	var config struct {
		Templates []string `yaml:"templates"`
	}
	if err := yaml.Unmarshal(readFile(t, file), &config); err != nil {
		t.Fatal(err)
	}
	if file != "deploy/alertmanager/alertmanager.yml" || len(config.Templates) == 0 {
		t.Errorf("%s with the templates %q", file, config.Templates)
	}
	for _, template := range config.Templates {
		readFile(t, path.Join(path.Dir(file), template))
	}
}
