//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// tokenMark is in every token of the chaos test.
const tokenMark = "CHAOSTOKEN"

// chaosToken is the n-th token of an account.
func chaosToken(id string, n int) string { return fmt.Sprintf("%s-%s-%d", tokenMark, id, n) }

// files are what the exporter reads: its configuration and the tokens.
type files struct {
	folder, config string
	accounts       []simulation.Account
	url            func(n int) string

	// whole is held while the configuration is not one that an exporter can start with.
	whole sync.Mutex
}

func newFiles(t *testing.T, c *chaos) *files {
	t.Helper()
	folder := t.TempDir()
	f := &files{folder: folder, config: filepath.Join(folder, "greenapi.yml"), accounts: c.sim.Accounts(), url: c.upstream.url}
	f.put(t, "authority.pem", string(c.upstream.authority))
	for _, account := range f.accounts {
		f.put(t, account.ID, account.Token)
	}
	f.write(t, f.configuration(nil, false))
	return f
}

// mayLeave tells whether an account comes and goes with the configuration.
func mayLeave(n int) bool { return n%5 == 0 }

// configuration has all accounts but some. With other, connections are made anew.
func (f *files) configuration(without []int, other bool) string {
	var text strings.Builder
	version := "TLS12"
	if other {
		version = "TLS13"
	}
	fmt.Fprintf(&text, "http_client: {tls_config: {ca_file: authority.pem, min_version: %s}}\ninstances:\n", version)
	for n, account := range f.accounts {
		if !slices.Contains(without, n) {
			fmt.Fprintf(&text, "- {id: %q, name: %q, token_file: %q, api_url: %q}\n", account.ID, account.Name, account.ID, f.url(n))
		}
	}
	return text.String()
}

func (f *files) write(t *testing.T, configuration string) {
	t.Helper()
	f.put(t, filepath.Base(f.config), configuration)
}

// put replaces a file in one step, as whoever rotates a secret should.
func (f *files) put(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(f.folder, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Error(err)
	}
}

// subject is the exporter: one process after another, at one address.
type subject struct {
	url     string
	options e2e.ExporterOptions
	files   *files
	// era counts starts and ends: it is odd while no process serves.
	era atomic.Int64

	mu    sync.Mutex
	lives []*e2e.Exporter
}

func startSubject(t *testing.T, f *files, options e2e.ExporterOptions) *subject {
	t.Helper()
	first := e2e.StartExporter(t, options)
	options.Address = first.Address
	return &subject{url: first.URL, options: options, files: f, lives: []*e2e.Exporter{first}}
}

// now is the present process.
func (s *subject) now() *e2e.Exporter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lives[len(s.lives)-1]
}

// restart kills the present process and starts another.
func (s *subject) restart(t *testing.T) {
	t.Helper()
	s.era.Add(1)
	s.now().Kill()
	s.files.whole.Lock()
	defer s.files.whole.Unlock()
	next := e2e.StartExporter(t, s.options)
	s.mu.Lock()
	s.lives = append(s.lives, next)
	s.mu.Unlock()
	s.era.Add(1)
}

// served tells whether one process has served all the time since an era.
func (s *subject) served(since int64) bool { return since%2 == 0 && s.era.Load() == since }

// watch keeps what the scrapes have shown, and counts what was done.
type watch struct {
	mu         sync.Mutex
	shown      map[string]e2e.Samples // the most of every counter, by account; replaced, never changed
	done       map[string]int
	slowest    time.Duration
	unanswered int
	fallen     int
}

func newWatch() *watch {
	return &watch{shown: map[string]e2e.Samples{}, done: map[string]int{}}
}

// did counts something.
func (w *watch) did(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[what]++
}

// before is what was shown already when a scrape began.
func (w *watch) before() map[string]e2e.Samples {
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := make(map[string]e2e.Samples, len(w.shown))
	for id, samples := range w.shown {
		shown[id] = samples
	}
	return shown
}

// compare says which counters of the accounts in a scrape are less than, or no
// longer there as, they were before it began.
func (w *watch) compare(before map[string]e2e.Samples, samples e2e.Samples) (fell []string) {
	for id, now := range countersByAccount(samples) {
		for series, value := range before[id] {
			if got, ok := now[series]; !ok || got < value {
				fell = append(fell, fmt.Sprintf("%s: %v after %v (there: %t)", series, got, value, ok))
			}
		}
		w.mu.Lock()
		most := make(e2e.Samples, len(now))
		for series, value := range w.shown[id] {
			most[series] = value
		}
		for series, value := range now {
			most[series] = max(most[series], value)
		}
		w.shown[id] = most
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fallen += len(fell)
	return fell
}

// countersByAccount are the samples of counterNames, zeros too.
func countersByAccount(samples e2e.Samples) map[string]e2e.Samples {
	byAccount := map[string]e2e.Samples{}
	for series, value := range samples {
		name, labels, _ := strings.Cut(series, "{")
		if !slices.Contains(counterNames, name) {
			continue
		}
		_, id, _ := strings.Cut(labels, `id_instance="`)
		id, _, _ = strings.Cut(id, `"`)
		if byAccount[id] == nil {
			byAccount[id] = e2e.Samples{}
		}
		byAccount[id][series] = value
	}
	return byAccount
}
