//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// exchanges puts other things in the place of state files, and takes some away, until
// all is over. The exporter must not be killed meanwhile: it writes them again.
func (c *chaos) exchanges(t *testing.T, over <-chan struct{}) {
	t.Helper()
	dice := rand.New(rand.NewPCG(c.seed, 1<<33))
	for {
		rest(dice, exchangePause)
		select {
		case <-over:
			return
		default:
		}
		c.exchange(t, dice)
	}
}

// exchange takes an account that stays in the configuration: of one that is about to
// leave, the file may be closed already.
func (c *chaos) exchange(t *testing.T, dice *rand.Rand) {
	t.Helper()
	n := dice.IntN(len(c.files.accounts))
	if mayLeave(n) {
		return
	}
	file := func(n int) string { return filepath.Join(c.ledgers, c.files.accounts[n].ID+".ledger") }
	other, err := os.ReadFile(file(dice.IntN(len(c.files.accounts))))
	if err != nil {
		return // Taken away by the last one.
	}
	what := ""
	switch dice.IntN(3) {
	case 0:
		what, err = "state file removed", os.Remove(file(n))
	case 1:
		what, err = "state file written over", os.WriteFile(file(n), other, 0o600)
	case 2:
		what = "state file exchanged"
		err = errors.Join(os.WriteFile(file(n)+".other", other, 0o600), os.Rename(file(n)+".other", file(n)))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", what, err)
	}
	c.watch.did(what)
}

// Each actor does one thing, with a pause before or after it.

const (
	scrapePause = 150 * time.Millisecond
	otherPause  = 600 * time.Millisecond
	killPause   = 1500 * time.Millisecond

	exchangePause = time.Second
)

func rest(dice *rand.Rand, longest time.Duration) {
	time.Sleep(time.Duration(dice.Int64N(int64(longest))))
}

// hasty opens a connection for each request: one that was kept would break with
// every kill.
var hasty = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// ask asks the exporter, and insists on an answer. Not ok is what was asked of a
// process that was killed meanwhile.
func (c *chaos) ask(t *testing.T, method, path string, header http.Header) (answer e2e.Answer, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerLimit)
	defer cancel()
	since, began := c.subject.era.Load(), time.Now()
	answer, err := send(ctx, method, c.subject.url+path, header)
	took := time.Since(began)
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	switch {
	case err == nil:
		c.watch.slowest = max(c.watch.slowest, took)
	case c.subject.served(since) || errors.Is(err, context.DeadlineExceeded):
		c.watch.unanswered++
		t.Errorf("%s %s: no answer after %v: %v", method, path, took, err)
	}
	if bytes.Contains(answer.Body, []byte(tokenMark)) {
		t.Errorf("%s %s shows a token", method, path)
	}
	return answer, err == nil
}

func send(ctx context.Context, method, url string, header http.Header) (e2e.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return e2e.Answer{}, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := hasty.Do(request)
	if err != nil {
		return e2e.Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return e2e.Answer{Status: response.StatusCode, Header: response.Header, Body: body}, err
}

// samples asks for metrics in a format and with a deadline that are left to the
// dice, and checks that no counter has fallen.
func (c *chaos) samples(t *testing.T, dice *rand.Rand, path string) (e2e.Samples, e2e.Answer, bool) {
	t.Helper()
	accept := []string{
		"text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	}[dice.IntN(3)]
	before := c.watch.before()
	answer, ok := c.ask(t, http.MethodGet, path, http.Header{
		"Accept":                              {accept},
		"X-Prometheus-Scrape-Timeout-Seconds": {[]string{"0.2", "1", "3"}[dice.IntN(3)]},
	})
	if !ok || answer.Status != http.StatusOK {
		return nil, answer, ok
	}
	samples, err := e2e.ParseSamples(answer.Header, answer.Body, nil)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	if fell := c.watch.compare(before, samples); len(fell) > 0 {
		t.Errorf("%s: %d counters fell:\n%s", path, len(fell), strings.Join(fell[:min(5, len(fell))], "\n"))
	}
	return samples, answer, true
}

// scrape asks for everything.
func (c *chaos) scrape(t *testing.T, dice *rand.Rand) {
	rest(dice, scrapePause)
	samples, answer, ok := c.samples(t, dice, "/metrics")
	if !ok {
		rest(dice, otherPause) // nobody listens for a while
		return
	}
	if answer.Status != http.StatusOK {
		t.Errorf("/metrics is answered with %d: %.200s", answer.Status, answer.Body)
		return
	}
	c.watch.did("metrics")
	for n, account := range c.files.accounts {
		if _, ok := samples[fmt.Sprintf("greenapi_up{id_instance=%q}", account.ID)]; !ok && !mayLeave(n) {
			t.Errorf("account %s is missing", account.ID)
		}
	}
}

// probe asks for one account.
func (c *chaos) probe(t *testing.T, dice *rand.Rand) {
	rest(dice, scrapePause)
	n := dice.IntN(len(c.files.accounts))
	_, answer, ok := c.samples(t, dice, "/probe?target="+c.files.accounts[n].Name)
	switch {
	case !ok:
		rest(dice, otherPause)
	case answer.Status == http.StatusNotFound && mayLeave(n):
	case answer.Status != http.StatusOK:
		t.Errorf("/probe is answered with %d: %.200s", answer.Status, answer.Body)
	default:
		c.watch.did("probe")
	}
}

// look asks for pages.
func (c *chaos) look(t *testing.T, dice *rand.Rand) {
	rest(dice, scrapePause)
	n := dice.IntN(len(c.files.accounts))
	paths := []string{"/", "/history", "/sd", "/-/healthy", "/-/ready", "/probe?debug=true&target=" + c.files.accounts[n].Name}
	path := paths[dice.IntN(len(paths))]
	answer, ok := c.ask(t, http.MethodGet, path, http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"2"}})
	switch {
	case !ok:
		rest(dice, otherPause)
	case answer.Status == http.StatusNotFound && mayLeave(n):
	case answer.Status != http.StatusOK:
		t.Errorf("%s is answered with %d: %.200s", path, answer.Status, answer.Body)
	default:
		c.watch.did("page")
	}
}

// leave asks for metrics and goes before they are there.
func (c *chaos) leave(t *testing.T, dice *rand.Rand) {
	rest(dice, otherPause)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(dice.Int64N(int64(otherPause))))
	defer cancel()
	path := []string{"/metrics", "/probe?target=" + c.files.accounts[dice.IntN(len(c.files.accounts))].Name}[dice.IntN(2)]
	if _, err := send(ctx, http.MethodGet, c.subject.url+path, nil); err != nil {
		c.watch.did("left")
	}
}

// visit asks with a deadline that nobody can meet: what it gets must be nobody else's.
func (c *chaos) visit(t *testing.T, dice *rand.Rand) {
	rest(dice, scrapePause)
	n := dice.IntN(len(c.files.accounts))
	path := []string{"/metrics", "/probe?target=" + c.files.accounts[n].Name}[dice.IntN(2)]
	answer, ok := c.ask(t, http.MethodGet, path, http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"0.01"}})
	switch {
	case !ok:
		rest(dice, otherPause)
	case answer.Status == http.StatusNotFound && mayLeave(n):
	case answer.Status == http.StatusServiceUnavailable: // no time to gather
		c.watch.did("short visit")
	case answer.Status != http.StatusOK:
		t.Errorf("%s is answered with %d: %.200s", path, answer.Status, answer.Body)
	default:
		c.watch.did("short visit")
	}
}

// post changes the configuration, for the better or worse, and has it loaded.
func (c *chaos) post(t *testing.T, dice *rand.Rand) {
	rest(dice, otherPause)
	c.files.whole.Lock()
	defer c.files.whole.Unlock()
	want, did := http.StatusOK, "reload"
	switch dice.IntN(4) {
	case 0:
		want, did = http.StatusInternalServerError, "reload refused"
		good := c.files.configuration(nil, false)
		defer c.files.write(t, good)
		c.files.write(t, good+"- {id: nonsense, token: "+tokenMark+"}\n")
	case 1:
		c.files.write(t, c.files.configuration(nil, dice.IntN(2) == 0))
	default:
		var without []int
		for n := range c.files.accounts {
			if mayLeave(n) && dice.IntN(2) == 0 {
				without = append(without, n)
			}
		}
		c.files.write(t, c.files.configuration(without, false))
	}
	answer, ok := c.ask(t, http.MethodPost, "/-/reload", nil)
	if ok && answer.Status != want {
		t.Errorf("/-/reload is answered with %d, want %d: %.200s", answer.Status, want, answer.Body)
	}
	if ok {
		c.watch.did(did)
	}
}

// hangUp has the configuration loaded by a signal.
func (c *chaos) hangUp(t *testing.T, dice *rand.Rand) {
	rest(dice, otherPause)
	c.files.whole.Lock()
	defer c.files.whole.Unlock()
	c.subject.now().Signal(t, syscall.SIGHUP)
	c.watch.did("SIGHUP")
}

// rotate gives an account another token: at GREEN-API first, or in the file first.
func (c *chaos) rotate(t *testing.T, dice *rand.Rand) {
	rest(dice, otherPause)
	account := c.files.accounts[dice.IntN(len(c.files.accounts))]
	token := chaosToken(account.ID, dice.IntN(1e6))
	if dice.IntN(2) == 0 {
		c.files.put(t, account.ID, token)
		rest(dice, scrapePause)
		c.upstream.rotate(account, token)
	} else {
		c.upstream.rotate(account, token)
		rest(dice, scrapePause)
		c.files.put(t, account.ID, token)
	}
	c.watch.did("rotation")
}

// rotateAll gives every account another token, upon which it is asked at once.
func (c *chaos) rotateAll(t *testing.T) {
	t.Helper()
	for _, account := range c.files.accounts {
		token := chaosToken(account.ID, 1e6)
		c.upstream.rotate(account, token)
		c.files.put(t, account.ID, token)
	}
}

// kills ends the exporter at once and starts it again, until all is over.
func (c *chaos) kills(t *testing.T, over <-chan struct{}) {
	t.Helper()
	dice := rand.New(rand.NewPCG(c.seed, 1<<32))
	for {
		rest(dice, killPause)
		select {
		case <-over:
			return
		default:
		}
		c.subject.restart(t)
		c.watch.did("kill")
	}
}
