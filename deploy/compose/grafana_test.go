package compose_test

import (
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dataSources is a file of Grafana's provisioning. Other keys are errors.
type dataSources struct {
	APIVersion  int `yaml:"apiVersion"`
	DataSources []struct {
		Name      string `yaml:"name"`
		UID       string `yaml:"uid"`
		Type      string `yaml:"type"`
		Access    string `yaml:"access"`
		URL       string `yaml:"url"`
		IsDefault bool   `yaml:"isDefault"`
		Editable  bool   `yaml:"editable"`
		JSONData  struct {
			HTTPMethod     string `yaml:"httpMethod"`
			TimeInterval   string `yaml:"timeInterval"`
			PrometheusType string `yaml:"prometheusType"`
			ManageAlerts   bool   `yaml:"manageAlerts"`
			Implementation string `yaml:"implementation"`
		} `yaml:"jsonData"`
	} `yaml:"datasources"`
}

// providers is a file of Grafana's provisioning. Other keys are errors.
type providers struct {
	APIVersion int `yaml:"apiVersion"`
	Providers  []struct {
		Name                  string `yaml:"name"`
		Folder                string `yaml:"folder"`
		Type                  string `yaml:"type"`
		DisableDeletion       bool   `yaml:"disableDeletion"`
		AllowUIUpdates        bool   `yaml:"allowUiUpdates"`
		UpdateIntervalSeconds int    `yaml:"updateIntervalSeconds"`
		Options               struct {
			Path string `yaml:"path"`
		} `yaml:"options"`
	} `yaml:"providers"`
}

func TestGrafanaReachesItsDataSources(t *testing.T) {
	t.Parallel()
	p := readProject(t)
	grafana, prometheus := p.Services["grafana"], p.Services["prometheus"]
	var sources dataSources
	readYAML(t, path.Join(grafana.onHost(t, "/etc/grafana/provisioning"), "datasources/greenapi.yaml"), &sources)
	var config prometheusConfig
	readYAML(t, prometheus.onHost(t, prometheus.flag(t, "--config.file")), &config)
	if sources.APIVersion != 1 {
		t.Errorf("version %d", sources.APIVersion)
	}
	ports := map[string]string{"prometheus": "9090", "alertmanager": "9093"}
	var kinds []string
	for _, source := range sources.DataSources {
		kinds = append(kinds, source.Type)
		at, err := url.Parse(source.URL)
		if err != nil || !slices.Contains(p.hosts(), at.Hostname()) || at.Port() != ports[source.Type] || at.Hostname() != source.Type {
			t.Errorf("%s is not at %s: %v", source.Type, source.URL, err)
		}
		if source.IsDefault != (source.Type == "prometheus") || source.UID == "" || source.Editable || source.Access != "proxy" {
			t.Errorf("%s: %+v", source.Name, source)
		}
		// $__rate_interval is made of it.
		if source.Type == "prometheus" && source.JSONData.TimeInterval != config.Global.ScrapeInterval {
			t.Errorf("scraped every %s, and Grafana believes %s", config.Global.ScrapeInterval, source.JSONData.TimeInterval)
		}
	}
	if !slices.Equal(kinds, []string{"prometheus", "alertmanager"}) {
		t.Errorf("data sources: %q", kinds)
	}
}

func TestGrafanaFindsTheDashboards(t *testing.T) {
	t.Parallel()
	s := readProject(t).Services["grafana"]
	var found providers
	readYAML(t, path.Join(s.onHost(t, "/etc/grafana/provisioning"), "dashboards/greenapi.yaml"), &found)
	if found.APIVersion != 1 || len(found.Providers) != 1 {
		t.Fatalf("%+v", found)
	}
	provider := found.Providers[0]
	if provider.Type != "file" || provider.AllowUIUpdates || !provider.DisableDeletion {
		t.Errorf("%+v", provider)
	}
	folder := s.onHost(t, provider.Options.Path)
	files, err := filepath.Glob(filepath.Join(root, folder, "*.json"))
	if err != nil || folder != "dashboards" || len(files) != 3 {
		t.Errorf("%d dashboards in %s: %v", len(files), folder, err)
	}
	home := s.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if at := s.onHost(t, home); !slices.Contains(files, filepath.Join(root, at)) {
		t.Errorf("the first dashboard is %s", at)
	}
}

// TestGrafanaKeepsToItself holds that whoever starts it chooses the
// password, and that it asks nobody else.
func TestGrafanaKeepsToItself(t *testing.T) {
	t.Parallel()
	environment := readProject(t).Services["grafana"].Environment
	if got := environment["GF_SECURITY_ADMIN_PASSWORD"]; !strings.HasPrefix(got, "${GRAFANA_ADMIN_PASSWORD:?") {
		t.Errorf("the password is %q", got)
	}
	for _, name := range []string{"GF_ANALYTICS_REPORTING_ENABLED", "GF_ANALYTICS_CHECK_FOR_UPDATES", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "GF_USERS_ALLOW_SIGN_UP"} {
		if environment[name] != "false" {
			t.Errorf("%s is %q", name, environment[name])
		}
	}
	if environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] != "Viewer" {
		t.Errorf("whoever comes may be a %s", environment["GF_AUTH_ANONYMOUS_ORG_ROLE"])
	}
}
