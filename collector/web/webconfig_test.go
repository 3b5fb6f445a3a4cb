package web_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
)

// webConfig is a web configuration in a folder of the test's own.
type webConfig struct{ folder string }

func newWebConfig(t *testing.T, text string) webConfig {
	t.Helper()
	c := webConfig{t.TempDir()}
	c.write(t, "web.yml", text)
	return c
}

func (c webConfig) path() string { return filepath.Join(c.folder, "web.yml") }

func (c webConfig) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certify writes a certificate and its key.
func (c webConfig) certify(t *testing.T, begin, end time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begin, NotAfter: end}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "web.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	c.write(t, "web.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
}

const withTLS = "tls_server_config: {cert_file: web.crt, key_file: web.key}"

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	now := time.Now()
	year := 365 * 24 * time.Hour
	for name, test := range map[string]struct {
		text    string
		prepare func(c webConfig)
		fault   string // "" when there is none
		warning string
	}{
		"nothing":            {text: "{}"},
		"good":               {text: withTLS, prepare: func(c webConfig) { c.certify(t, now.Add(-year), now.Add(year)) }},
		"an old certificate": {text: withTLS, prepare: func(c webConfig) { c.certify(t, now.Add(-year), now.Add(-time.Hour)) }, warning: "the certificate has expired on "},
		"a new certificate":  {text: withTLS, prepare: func(c webConfig) { c.certify(t, now.Add(time.Hour), now.Add(year)) }, warning: "the certificate is not valid before "},
		"no certificate":     {text: withTLS, fault: "web.crt cannot be read: no such file or directory"},
		"no PEM": {text: withTLS, prepare: func(c webConfig) {
			c.write(t, "web.crt", "SENTINEL")
			c.write(t, "web.key", "SENTINEL")
		}, fault: "cert_file must hold a certificate"},
		"a folder for a key": {text: withTLS, prepare: func(c webConfig) {
			c.certify(t, now.Add(-year), now.Add(year))
			if err := os.Remove(filepath.Join(c.folder, "web.key")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(c.folder, "web.key"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, fault: "web.key is a folder: it must be a regular file"},
		"a device":           {text: "tls_server_config: {client_ca_file: /dev/zero, cert_file: web.crt, key_file: web.key}", prepare: func(c webConfig) { c.certify(t, now, now.Add(year)) }, fault: "client_ca_file: /dev/zero is a device"},
		"a plain password":   {text: "basic_auth_users: {admin: SENTINEL}", fault: "htpasswd -nBC 10 NAME"},
		"a password cut off": {text: "basic_auth_users: {admin: $2y$10$SENTINEL}", fault: "htpasswd -nBC 10 NAME"},
		"no users":           {text: "basic_auth_users: SENTINEL", fault: "web.yml: line 1: a value of the wrong type; https://"},
		"an unknown key":     {text: "basic_auth: {admin: SENTINEL}", fault: `web.yml: line 1: unknown key "basic_auth"; https://`},
		"a secret as a key":  {text: "d75b3a2c1f4SENTINEL0: {}", fault: `web.yml: line 1: unknown key (not shown, it may be a secret); https://`},
		"no YAML":            {text: "{", fault: "web.yml: not valid YAML from line 1 on: indent with spaces"},
		"a tab":              {text: "\tx: y", fault: "web.yml: not valid YAML: indent with spaces"},
		"no key":             {text: "tls_server_config: {cert_file: web.crt}", prepare: func(c webConfig) { c.certify(t, now, now.Add(year)) }, fault: "web.yml: tls_server_config: lacks key_file; https://"},
		"a TLS version":      {text: "tls_server_config: {min_version: SENTINEL}", fault: "web.yml: tls_server_config: unknown TLS version: take TLS12 or TLS13; https://"},
		"a cipher":           {text: "tls_server_config: {cipher_suites: [SENTINEL]}", fault: "web.yml: tls_server_config: unknown cipher; https://"},
		"a policy":           {text: "tls_server_config: {cert_file: web.crt, key_file: web.key, client_auth_type: SENTINEL}", prepare: func(c webConfig) { c.certify(t, now, now.Add(year)) }, fault: "client_auth_type: unknown; https://"},
	} {
		c := newWebConfig(t, test.text)
		if test.prepare != nil {
			test.prepare(c)
		}
		warnings, err := web.CheckConfig(c.path())
		fault, warning := "", ""
		if err != nil {
			fault = err.Error()
		}
		if len(warnings) > 0 {
			warning = warnings[0].String()
		}
		if (fault == "") != (test.fault == "") || !strings.Contains(fault, test.fault) || strings.Contains(fault, "SENTINEL") {
			t.Errorf("%s: fault %q, want %q", name, fault, test.fault)
		}
		if (warning == "") != (test.warning == "") || !strings.Contains(warning, test.warning) {
			t.Errorf("%s: warning %q, want %q", name, warning, test.warning)
		}
	}
}

// safeBuffer is a buffer for two goroutines.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take returns what was written since the last time.
func (b *safeBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.String()
	b.text.Reset()
	return text
}

// TestWatchConfig breaks a certificate, and mends it: each change is said once.
func TestWatchConfig(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newWebConfig(t, withTLS)
		c.certify(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		out := new(safeBuffer)
		go web.WatchConfig(t.Context(), c.path(), slog.New(slog.NewTextHandler(out, nil)))
		expect := func(lines int, want string) {
			t.Helper()
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if got := out.take(); strings.Count(got, "\n") != lines || !strings.Contains(got, want) {
				t.Errorf("it says %q, want %d lines with %q", got, lines, want)
			}
		}
		expect(0, "")
		c.write(t, "web.crt", "nonsense")
		expect(1, `level=WARN msg="web configuration not usable: connections and requests fail until that is mended"`)
		if err := os.Remove(filepath.Join(c.folder, "web.crt")); err != nil {
			t.Fatal(err)
		}
		expect(1, "no such file or directory")
		c.certify(t, time.Now().Add(-time.Hour), time.Now().Add(30*time.Minute))
		expect(1, `level=INFO msg="web configuration usable again"`)
		time.Sleep(time.Hour)
		expect(1, "the certificate has expired on ")
	})
}
