package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	promconfig "github.com/prometheus/common/config"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"
)

// Bounds of the web configuration and of the files that it names, in bytes.
const (
	maxWebConfig   = 1 << 20
	maxCertificate = 4 << 20
)

// webFiles are the files that a web configuration names.
type webFiles struct {
	TLS struct {
		Cert     string `yaml:"cert_file"`
		Key      string `yaml:"key_file"`
		ClientCA string `yaml:"client_ca_file"`
	} `yaml:"tls_server_config"`
}

// CheckConfig finds what is wrong with the web configuration at path, and with the
// files that it names. An empty path is none. Before exporter-toolkit reads them, it
// makes sure that all are regular files of a bounded size: that does not look.
func CheckConfig(path string) ([]config.Warning, error) {
	if path == "" {
		return nil, nil
	}
	content, _, err := config.ReadFile(path, maxWebConfig)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var files webFiles
	_ = yaml.NewDecoder(bytes.NewReader(content)).Decode(&files) // what is wrong with it, the toolkit says
	var faults []error
	for _, file := range []struct {
		key  string
		path *string
	}{{"cert_file", &files.TLS.Cert}, {"key_file", &files.TLS.Key}, {"client_ca_file", &files.TLS.ClientCA}} {
		if *file.path == "" {
			continue
		}
		*file.path = promconfig.JoinDir(filepath.Dir(path), *file.path)
		if err := config.CheckReadable(*file.path, maxCertificate); err != nil {
			faults = append(faults, fmt.Errorf("%s: tls_server_config.%s: %s %w", path, file.key, *file.path, err))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if err := toolkit.Validate(path); err != nil {
		return nil, fmt.Errorf("%s: %s", path, webFault(err))
	}
	return append(config.CheckFile(path, "the web configuration"), files.validity()...), nil
}

// quoted is what messages quote: of a value that somebody has put in the wrong
// place, it may be a secret.
var quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|'[^']*'")

// webFaults are what the toolkit and its YAML library say, and what that means. What
// they do not quote may be a value as well.
var webFaults = []struct {
	said  *regexp.Regexp
	means string
}{
	{regexp.MustCompile(`^yaml: unmarshal errors:\n`), ""},
	{regexp.MustCompile(`(?m)^ *line (\d+): cannot unmarshal .*$`), "line $1: a value of the wrong type"},
	{regexp.MustCompile(`^yaml: line (\d+): .*`), "not valid YAML from line $1 on: indent with spaces, and quote values that hold characters such as : # @ { ["},
	{regexp.MustCompile(`^yaml: .*`), "not valid YAML: indent with spaces, and quote values that hold characters such as : # @ { ["},
	{regexp.MustCompile(`^missing one of (?:cert|key) or (\w+)$`), "tls_server_config: lacks $1"},
	{
		regexp.MustCompile(`^failed to load X509KeyPair: (?:tls: )?`),
		"tls_server_config: cert_file must hold a certificate and key_file its private key, both in PEM: ",
	},
	{regexp.MustCompile(`^unknown TLS version: .*`), "tls_server_config: unknown TLS version: take TLS12 or TLS13"},
	{regexp.MustCompile(`^unknown (cipher|curve): .*`), "tls_server_config: unknown $1"},
	{regexp.MustCompile(`^invalid ClientAuth: .*`), "tls_server_config.client_auth_type: unknown"},
}

// unknownKey is what the YAML library says of a key that the toolkit does not know.
var unknownKey = regexp.MustCompile(`(?m)^ *line (\d+): field (.*) not found in type \S+$`)

// webConfigDocument says what may be in a web configuration.
const webConfigDocument = "https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md"

// webFault is what the toolkit says, without what it quotes, or what it means.
func webFault(err error) string {
	text := err.Error()
	if strings.Contains(text, "bcrypt") {
		return "basic_auth_users: a password is there as it is, or its hash was cut short: put its bcrypt hash there, " +
			"which htpasswd -nBC 10 NAME prints (of the package apache2-utils), behind NAME and a colon"
	}
	text = quoted.ReplaceAllString(text, "…")
	text = unknownKey.ReplaceAllStringFunc(text, func(line string) string {
		match := unknownKey.FindStringSubmatch(line)
		return "line " + match[1] + ": unknown key " + config.Shown(match[2])
	})
	for _, fault := range webFaults {
		text = fault.said.ReplaceAllString(text, fault.means)
	}
	return text + "; " + webConfigDocument + " lists the keys and their values"
}

// validity warns of a certificate that browsers and Prometheus refuse by its dates.
func (f webFiles) validity() []config.Warning {
	if f.TLS.Cert == "" || f.TLS.Key == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(f.TLS.Cert, f.TLS.Key)
	if err != nil || pair.Leaf == nil {
		return nil // the toolkit has read them
	}
	now, message := time.Now(), ""
	switch {
	case now.After(pair.Leaf.NotAfter):
		message = "has expired on " + pair.Leaf.NotAfter.UTC().Format(time.DateOnly) + ": replace it"
	case now.Before(pair.Leaf.NotBefore):
		message = "is not valid before " + pair.Leaf.NotBefore.UTC().Format(time.DateOnly) + ": check the clock, or replace it"
	default:
		return nil
	}
	return []config.Warning{{File: f.TLS.Cert, Message: "the certificate " + message}}
}

// webConfigInterval is how often the web configuration is looked at.
const webConfigInterval = 10 * time.Second

// WatchConfig logs when the web configuration, or a certificate, cannot be used any
// more, and when it can be again, until the context ends: once a change. The toolkit
// reads them for each connection, and says nothing above the level debug.
func WatchConfig(ctx context.Context, path string, log *slog.Logger) {
	ticker := time.NewTicker(webConfigInterval)
	defer ticker.Stop()
	before := ""
	if warnings, err := CheckConfig(path); err == nil {
		before = texts(warnings) // which was said at the start
	}
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		warnings, err := CheckConfig(path)
		now := texts(warnings)
		if err != nil {
			now = err.Error()
		}
		switch {
		case now == before:
		case err != nil:
			log.WarnContext(ctx, "web configuration not usable: connections and requests fail until that is mended", "err", err)
		case now != "":
			log.WarnContext(ctx, "web configuration", "warning", now)
		default:
			log.InfoContext(ctx, "web configuration usable again")
		}
		before = now
	}
}

// texts is what warnings say.
func texts(warnings []config.Warning) string {
	var all []string
	for _, w := range warnings {
		all = append(all, w.String())
	}
	return strings.Join(all, "; ")
}
