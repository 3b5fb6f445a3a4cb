//go:build e2e && linux

package deploy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

const (
	password = "a password for this test"
	// passwordHash is what htpasswd -nBC 10 makes of it.
	passwordHash = "$2y$10$PCYVEgO8WZXdJlUwuWogfORhrhNpunZmrTfk.t/xn8UPId4rEum4C"
)

// TestWebConfigs has the exporter check each example of a web configuration and
// serve with it: whom it is meant for gets in, and nobody else.
func TestWebConfigs(t *testing.T) {
	t.Parallel()
	program := exporterBinary(t)
	names, err := filepath.Glob("web-config/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no web configurations: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			authority := newAuthority(t, dir)
			text := regexp.MustCompile(`\$2y\$\S+`).ReplaceAllLiteralString(read(t, filepath.Join("deploy", name)), passwordHash)
			config := filepath.Join(dir, "web.yml")
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "", nil, program, "--demo", "--config.check", "--web.config.file="+config)

			cmd := exec.CommandContext(t.Context(), program, "--demo", "--web.listen-address=127.0.0.1:0", "--web.config.file="+config)
			cmd.Env = []string{}
			s := serve(t, cmd)
			for client, want := range map[string]bool{
				"plain":       false,
				"anybody":     filepath.Base(name) == "tls.yml",
				"certificate": filepath.Base(name) != "basic-auth.yml",
				"other name":  filepath.Base(name) == "tls.yml",
				"password":    filepath.Base(name) != "mutual-tls.yml",
			} {
				if got := authority.letsIn(t, client, s.address); got != want {
					t.Errorf("%s lets in a client (%s): %t, want %t", name, client, got, want)
				}
			}
			s.stop(t)
		})
	}
}

// authority signs the certificates of the server and of clients.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      int64
}

// newAuthority writes the files that the web configurations name into a folder.
func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{}
	own, ownKey := a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.certificate, a.key = own, ownKey
	server, serverKey := a.sign(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	key, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"client_ca.crt": {Type: "CERTIFICATE", Bytes: own.Raw},
		"server.crt":    {Type: "CERTIFICATE", Bytes: server.Raw},
		"server.key":    {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// sign makes a certificate; the first one signs itself.
func (a *authority) sign(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf, key
}

// letsIn tells whether a kind of client is shown the metrics.
func (a *authority) letsIn(t *testing.T, kind, address string) bool {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	config := &tls.Config{RootCAs: roots}
	scheme, name := "https", ""
	switch kind {
	case "plain":
		scheme = "http"
	case "certificate":
		name = "prometheus.example.com"
	case "other name":
		name = "somebody.example.com"
	}
	if name != "" {
		own, key := a.sign(t, &x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		config.Certificates = []tls.Certificate{{Certificate: [][]byte{own.Raw}, PrivateKey: key, Leaf: own}}
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if kind == "password" {
		request.SetBasicAuth("prometheus", password)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return false // the handshake failed
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
