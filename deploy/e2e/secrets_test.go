//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const (
	// week is how long accounts are watched, and weekStep how often.
	week     = 7 * 24 * time.Hour
	weekStep = 12 * time.Hour
	// secretLength is the length from which a text can be told from chance.
	secretLength = 8
)

// TestNothingPersonalIsKept watches all kinds of accounts for a simulated week. Not
// one chat id, phone number, message id, text or token is then in a state file, on
// a page, in the metrics or in the log at debug level.
func TestNothingPersonalIsKept(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	clock := newClock(begin)
	sim := simulation.New(simulation.Settings{Seed: 6, Clock: clock.now}, personalAccounts(begin)...)
	api := greenapitest.NewSimulationServer(sim)
	t.Cleanup(api.Close)
	ledgers := filepath.Join(t.TempDir(), "ledgers")
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{
		Config: string(sim.Configuration(api.URL)),
		Args:   []string{"--ledger.path=" + ledgers, "--greenapi.min-interval=0s", "--log.level=debug", "--collector.queue"},
	})
	secret, seen := newSecrets(), newHaystack()
	for at := begin; !at.After(begin.Add(week)); at = at.Add(weekStep) {
		clock.set(at)
		for _, account := range sim.Accounts() {
			secret.addAccount(t, api, account)
		}
		seen.add("metrics at "+at.String(), expositionText(t, exporter, ""))
	}
	if rows := len(secret.chats); rows < 100 || len(secret.all) < 5000 {
		t.Fatalf("only %d chats and %d secrets: there is nothing to hide", rows, len(secret.all))
	}
	for _, accept := range []string{"application/openmetrics-text", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"} {
		seen.add("metrics as "+accept, expositionText(t, exporter, accept))
	}
	seen.addPages(t, exporter, sim)
	seen.add("log", []byte(exporter.Output()))
	if code := exporter.Stop(t); code != 0 {
		t.Errorf("after SIGTERM the exporter ended with exit code %d, want 0", code)
	}
	seen.addFolder(t, ledgers)
	secret.check(t, seen)
	checkModes(t, ledgers)
	t.Logf("%d secrets, of them %d chats, are not in %d places of %d bytes", len(secret.all), len(secret.chats), len(seen.bytes), seen.size())
}

// set lets a clock stand still at a time.
func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.since = at, time.Time{}
}

func personalAccounts(begin time.Time) []simulation.Account {
	accounts := oddAccounts(begin)
	for n := range accounts {
		accounts[n].MessagesPerDay, accounts[n].CallsPerDay = 300, 100
		accounts[n].Token = fmt.Sprintf("5ecret0token%d", n)
		accounts[n].ThumbnailBytes = 64
	}
	return accounts
}

// secrets are texts that nobody may see, found by their first bytes.
type secrets struct {
	all   map[string]string // what each one is
	chats map[string]bool
	heads map[string][]string
}

func newSecrets() *secrets {
	return &secrets{all: map[string]string{}, chats: map[string]bool{}, heads: map[string][]string{}}
}

func (s *secrets) add(text, what string) {
	if len(text) < secretLength || s.all[text] != "" {
		return
	}
	s.all[text] = what
	s.heads[text[:secretLength]] = append(s.heads[text[:secretLength]], text)
}

// addAccount adds what GREEN-API tells of an account now, and its token.
func (s *secrets) addAccount(t *testing.T, api *greenapitest.Server, account simulation.Account) {
	t.Helper()
	s.add(account.Token, "a token")
	s.add(hex.EncodeToString([]byte(account.Token)), "a token in hex")
	s.add(strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(account.Token)), "="), "a token in base64")
	s.add(greenapitest.SecretWebhookToken, "the webhook's token")
	s.add(greenapitest.SecretPhone, "the account's phone number")
	for _, method := range []string{greenapitest.MethodLastOutgoingCalls, greenapitest.MethodLastOutgoingMessages} {
		answer := e2e.Get(t, fmt.Sprintf("%s/waInstance%s/%s/%s?minutes=1440", api.URL, account.ID, method, account.Token))
		decoder := json.NewDecoder(bytes.NewReader(answer.Body))
		decoder.UseNumber()
		var rows []map[string]any
		if err := decoder.Decode(&rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			s.addFields(row)
		}
	}
}

// addFields adds the values of a row, at any depth, but for those that the metrics
// show: kinds and statuses.
func (s *secrets) addFields(row map[string]any) {
	for name, value := range row {
		switch name {
		case "type", "typeMessage", "status", "statusMessage", "timestamp", "duration", "mimeType", "isVideo", "sendByApi":
			continue
		}
		s.addValue(name, value)
	}
}

func (s *secrets) addValue(name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		s.addFields(value)
	case []any:
		for _, element := range value {
			s.addValue(name, element)
		}
	case json.Number:
		if name == "chatId" {
			s.addChat(value.String())
		}
	case string:
		if name == "chatId" || name == "id" {
			s.addChat(value)
		} else {
			s.add(value, name)
		}
	}
}

// addChat adds a chat id and, of it, the number, as text and as two machines would
// write it.
func (s *secrets) addChat(id string) {
	s.chats[id] = true
	s.add(id, "a chat")
	number, _, _ := strings.Cut(id, "@")
	number = strings.TrimPrefix(number, "-")
	s.add(number, "a number")
	if n, err := strconv.ParseUint(number, 10, 64); err == nil && n > 1<<32 {
		s.add(string(binary.LittleEndian.AppendUint64(nil, n)), "a number in binary")
		s.add(string(binary.BigEndian.AppendUint64(nil, n)), "a number in binary")
	}
}

// check looks for every secret in every place.
func (s *secrets) check(t *testing.T, seen *haystack) {
	t.Helper()
	for place, text := range seen.bytes {
		if secret, at := s.find(text); secret != "" {
			t.Errorf("%s: %s (%q) is in …%q…", place, s.all[secret], secret, text[max(0, at-80):min(len(text), at+80)])
		}
	}
	// What is looked for is found where it is.
	for secret := range s.all {
		if found, _ := s.find([]byte("before " + secret + " after")); found == "" {
			t.Fatalf("%q would not be found", secret)
		}
	}
}

// find returns the first secret in a text, and where it is; an empty one when there
// is none.
func (s *secrets) find(text []byte) (secret string, at int) {
	for n := range max(0, len(text)-secretLength+1) {
		for _, secret := range s.heads[string(text[n:n+secretLength])] {
			if bytes.HasPrefix(text[n:], []byte(secret)) {
				return secret, n
			}
		}
	}
	return "", 0
}

// haystack is where secrets are looked for.
type haystack struct{ bytes map[string][]byte }

func newHaystack() *haystack { return &haystack{map[string][]byte{}} }

func (p *haystack) add(place string, text []byte) { p.bytes[place] = text }

func (p *haystack) size() (sum int) {
	for _, text := range p.bytes {
		sum += len(text)
	}
	return sum
}

// story is a link to what a refresh did.
var story = regexp.MustCompile(`href="\.?(/history\?[^"]+)"`)

// addPages adds every page there is, the story of each refresh too.
func (p *haystack) addPages(t *testing.T, exporter *e2e.Exporter, sim *simulation.Simulation) {
	t.Helper()
	paths := []string{"/", "/history", "/sd", "/-/healthy", "/-/ready", "/static/style.css", "/probe", "/nothing"}
	for _, account := range sim.Accounts() {
		paths = append(paths, "/probe?target="+account.Name, "/probe?debug=true&target="+account.Name)
	}
	links := story.FindAllSubmatch(e2e.Get(t, exporter.URL+"/history").Body, -1)
	if len(links) < len(sim.Accounts()) {
		t.Fatalf("%d refreshes are remembered, want %d at least", len(links), len(sim.Accounts()))
	}
	for _, link := range links {
		paths = append(paths, strings.ReplaceAll(string(link[1]), "&amp;", "&"))
	}
	for _, path := range paths {
		answer := e2e.Get(t, exporter.URL+path)
		p.add(path, fmt.Appendf(answer.Body, "%v", answer.Header))
	}
}

// addFolder adds the files in a folder, and their names.
func (p *haystack) addFolder(t *testing.T, folder string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in the ledgers' folder, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		p.add("state file "+file.Name(), append(text, file.Name()...))
	}
}

// checkModes checks that nobody else can read what is in a folder.
func checkModes(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v", filepath.Base(path), info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func expositionText(t *testing.T, exporter *e2e.Exporter, accept string) []byte {
	t.Helper()
	answer, err := send(t.Context(), http.MethodGet, exporter.URL+"/metrics", http.Header{"Accept": {accept}})
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("/metrics is answered with %d, error %v", answer.Status, err)
	}
	return answer.Body
}

// TestCrashTellsNoToken lets the exporter crash with the stacks of all goroutines
// while requests are under way.
func TestCrashTellsNoToken(t *testing.T) {
	t.Parallel()
	const token = "5ecret0token0of0the0crash"
	api := greenapitest.NewServer()
	t.Cleanup(api.Close)
	instance := api.AddInstance("1105000001", token)
	instance.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "greenapi.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "instances: [{id: '1105000001', token_file: token, api_url: %q}]", api.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{
		Args: []string{"--config.file=" + config, "--log.level=debug"},
		Env:  []string{"GOTRACEBACK=all"},
	})
	scraped := make(chan error, 1)
	go func() {
		_, err := send(t.Context(), http.MethodGet, exporter.URL+"/metrics", nil)
		scraped <- err
	}()
	for deadline := time.Now().Add(requestLimit); instance.Count(greenapitest.MethodLastOutgoingMessages) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the exporter asks for nothing")
		}
	}
	exporter.Signal(t, syscall.SIGQUIT)
	if err := <-scraped; err == nil {
		t.Error("a crashed exporter answers")
	}
	ctx, cancel := context.WithTimeout(t.Context(), requestLimit)
	defer cancel()
	// It does not write that: the wait ends when the exporter has.
	if _, err := exporter.Await(ctx, regexp.MustCompile(regexp.QuoteMeta(token))); err == nil || ctx.Err() != nil {
		t.Errorf("the exporter shows the token, or did not end: %v", err)
	}
	dump := exporter.Output()
	for _, want := range []string{"SIGQUIT", "client.(*Client).send"} {
		if !strings.Contains(dump, want) {
			t.Errorf("the crash does not show %q: nothing is proven", want)
		}
	}
	for _, unwanted := range []string{token, hex.EncodeToString([]byte(token)), base64.StdEncoding.EncodeToString([]byte(token)), "5ecret0"} {
		if strings.Contains(dump, unwanted) {
			t.Errorf("the crash shows the token as %q", unwanted)
		}
	}
}

// TestOpenFilesAreWarnedAbout starts the exporter on files that everybody can write.
func TestOpenFilesAreWarnedAbout(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config := filepath.Join(folder, "greenapi.yml")
	for path, text := range map[string]string{
		config:                         "instances: [{id: '1105000001', token_file: token, api_url: 'http://127.0.0.1:1'}]",
		filepath.Join(folder, "token"): "5ecret0token",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o666); err != nil { // past the umask
			t.Fatal(err)
		}
	}
	log := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--config.file=" + config}}).Output()
	for _, want := range []string{
		"the configuration file can be changed by others", "the file can be changed by others", "the file holds a token and can be read by every user",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no warning %q in:\n%s", want, log)
		}
	}
}
