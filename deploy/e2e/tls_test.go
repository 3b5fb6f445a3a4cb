//go:build e2e

package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const (
	webUser     = "prometheus"
	webPassword = "a password for this test"
	// webPasswordHash is what htpasswd -nBC 10 makes of it.
	webPasswordHash = "$2y$10$PCYVEgO8WZXdJlUwuWogfORhrhNpunZmrTfk.t/xn8UPId4rEum4C"

	tlsServer  = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
	mutualTLS  = "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: clients.crt, client_auth_type: RequireAndVerifyClientCert}\n"
	basicUsers = "basic_auth_users: {" + webUser + ": '" + webPasswordHash + "'}\n"
)

// webPaths are everything that the exporter serves, and something that it does not.
var webPaths = []string{
	"/", "/metrics", "/probe?target=support", "/probe?target=support&debug=true", "/sd", "/history", "/static/style.css",
	"/-/healthy", "/-/ready", "/nothing",
}

// webClient is who asks, and how.
type webClient struct {
	name           string
	plain          bool
	trusts         bool // the server's certificate
	certificate    *tls.Certificate
	user, password string
	old            bool // speaks TLS 1.1 at most
}

// TestWebConfigKeepsOthersOut serves behind TLS, mutual TLS and passwords, and asks
// as whoever should get in and as many who should not.
func TestWebConfigKeepsOthersOut(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ours, clients, others := newAuthority(t), newAuthority(t), newAuthority(t)
	hour := time.Hour
	ours.sign(t, x509.ExtKeyUsageServerAuth, hour).write(t, folder, "server")
	clients.own.write(t, folder, "clients")
	good := clients.sign(t, x509.ExtKeyUsageClientAuth, hour)
	foreign := others.sign(t, x509.ExtKeyUsageClientAuth, hour)
	expired := clients.sign(t, x509.ExtKeyUsageClientAuth, -time.Minute)
	server := clients.sign(t, x509.ExtKeyUsageServerAuth, hour)
	all := []webClient{
		{name: "plain", plain: true},
		{name: "plain with the password", plain: true, user: webUser, password: webPassword},
		{name: "distrustful", certificate: &good.Certificate, user: webUser, password: webPassword},
		{name: "anybody", trusts: true},
		{name: "password", trusts: true, user: webUser, password: webPassword},
		{name: "wrong password", trusts: true, user: webUser, password: "another"},
		{name: "empty password", trusts: true, user: webUser},
		{name: "wrong user", trusts: true, user: "nobody", password: webPassword},
		{name: "certificate", trusts: true, certificate: &good.Certificate},
		{name: "certificate and password", trusts: true, certificate: &good.Certificate, user: webUser, password: webPassword},
		{name: "certificate and wrong password", trusts: true, certificate: &good.Certificate, user: webUser, password: "another"},
		{name: "foreign certificate", trusts: true, certificate: &foreign.Certificate, user: webUser, password: webPassword},
		{name: "expired certificate", trusts: true, certificate: &expired.Certificate, user: webUser, password: webPassword},
		{name: "certificate of a server", trusts: true, certificate: &server.Certificate, user: webUser, password: webPassword},
		{name: "old TLS", trusts: true, old: true, certificate: &good.Certificate, user: webUser, password: webPassword},
	}
	for name, test := range map[string]struct {
		config string
		in     func(webClient) bool
	}{
		"tls": {tlsServer, func(c webClient) bool { return !c.plain && c.trusts && !c.old }},
		"basic auth": {basicUsers, func(c webClient) bool {
			return c.plain && c.password == webPassword
		}},
		"mutual tls": {mutualTLS, func(c webClient) bool {
			return c.trusts && !c.old && c.certificate == &good.Certificate
		}},
		"tls and basic auth": {tlsServer + basicUsers, func(c webClient) bool {
			return !c.plain && c.trusts && !c.old && c.user == webUser && c.password == webPassword
		}},
		"mutual tls and basic auth": {mutualTLS + basicUsers, func(c webClient) bool {
			return c.trusts && !c.old && c.certificate == &good.Certificate && c.user == webUser && c.password == webPassword
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := filepath.Join(folder, name+".yml")
			if err := os.WriteFile(config, []byte(test.config), 0o600); err != nil {
				t.Fatal(err)
			}
			exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo", "--web.config.file=" + config}})
			for _, client := range all {
				ask := client.dialled(t, ours, exporter.Address)
				for _, path := range webPaths {
					status, err := ask(http.MethodGet, path)
					in := err == nil && (status == http.StatusOK || path == "/nothing" && status == http.StatusNotFound)
					if in != test.in(client) {
						t.Errorf("%s: %s gets %d, error %v; want to be let in: %t", client.name, path, status, err, test.in(client))
					}
				}
				// A reload has no configuration file to read here, and is let in all the same.
				status, err := ask(http.MethodPost, "/-/reload")
				if in := err == nil && status == http.StatusOK; in != test.in(client) {
					t.Errorf("%s: a reload gets %d, error %v", client.name, status, err)
				}
			}
		})
	}
}

// TestPrometheusThroughMutualTLS has a real server scrape through all of that.
func TestPrometheusThroughMutualTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ours, clients := newAuthority(t), newAuthority(t)
	ours.own.write(t, folder, "authority")
	ours.sign(t, x509.ExtKeyUsageServerAuth, time.Hour).write(t, folder, "server")
	clients.own.write(t, folder, "clients")
	clients.sign(t, x509.ExtKeyUsageClientAuth, time.Hour).write(t, folder, "client")
	config := filepath.Join(folder, "web.yml")
	if err := os.WriteFile(config, []byte(mutualTLS+basicUsers), 0o600); err != nil {
		t.Fatal(err)
	}
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo", "--web.config.file=" + config}})
	prometheus := e2e.StartPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: all of it
    scheme: https
    static_configs: [{targets: [%[1]q]}]
    tls_config: {ca_file: %[2]s/authority.crt, cert_file: %[2]s/client.crt, key_file: %[2]s/client.key}
    basic_auth: {username: %[3]s, password: %[4]q}
  - job_name: no certificate
    scheme: https
    static_configs: [{targets: [%[1]q]}]
    tls_config: {ca_file: %[2]s/authority.crt}
    basic_auth: {username: %[3]s, password: %[4]q}
  - job_name: no password
    scheme: https
    static_configs: [{targets: [%[1]q]}]
    tls_config: {ca_file: %[2]s/authority.crt, cert_file: %[2]s/client.crt, key_file: %[2]s/client.key}
`, exporter.Address, folder, webUser, webPassword))
	prometheus.Await(t, time.Minute, `up{job="all of it"} == 1 and on() count(up == 0) == 2`)
	prometheus.Await(t, time.Minute, `greenapi_up{job="all of it", id_instance="1101000001"} == 1`)
}

// dialled returns how a client asks. Its connections last as long as the test.
func (c webClient) dialled(t *testing.T, server *authority, address string) func(method, path string) (int, error) {
	t.Helper()
	settings := &tls.Config{MinVersion: tls.VersionTLS10, RootCAs: x509.NewCertPool()} // old clients are what is tested
	if c.trusts {
		settings.RootCAs.AddCert(server.own.Leaf)
	}
	if c.certificate != nil {
		// Whatever authorities the server names: a wrong one is sent as well.
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.certificate, nil }
	}
	if c.old {
		settings.MaxVersion = tls.VersionTLS11
	}
	transport := &http.Transport{TLSClientConfig: settings}
	t.Cleanup(transport.CloseIdleConnections)
	url := "https://" + address
	if c.plain {
		url = "http://" + address
	}
	return func(method, path string) (int, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, method, url+path, http.NoBody)
		if err != nil {
			return 0, err
		}
		if c.user != "" {
			request.SetBasicAuth(c.user, c.password)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode, err
	}
}

// authority signs certificates.
type authority struct{ own certificate }

// certificate is one with its key.
type certificate struct{ tls.Certificate }

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.own = a.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, time.Hour)
	return a
}

// sign makes a certificate for one use, for loopback; a negative duration makes one
// that has expired.
func (a *authority) sign(t *testing.T, usage x509.ExtKeyUsage, lasts time.Duration) certificate {
	t.Helper()
	return a.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "somebody"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}, lasts)
}

func (a *authority) issue(t *testing.T, template *x509.Certificate, lasts time.Duration) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(lasts)
	parent, signer := template, any(key)
	if a.own.Leaf != nil {
		parent, signer = a.own.Leaf, a.own.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}
}

// write puts a certificate and its key into a folder.
func (c certificate) write(t *testing.T, folder, name string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for suffix, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: c.Certificate.Certificate[0]},
		".key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(folder, name+suffix), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
