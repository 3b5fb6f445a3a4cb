package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// subject is a process that is measured: one GET makes it read one account.
type subject struct {
	*process
	urls   []string // one an account
	check  func(body string) error
	turns  []time.Duration // processor time of one GET, by turn
	length int             // of its last answer, in bytes
	http   *http.Client
}

// newSubject takes a process that was started.
func newSubject(p *process, urls []string, check func(string) error) *subject {
	transport := &http.Transport{MaxIdleConnsPerHost: len(urls)}
	return &subject{process: p, urls: urls, check: check, http: &http.Client{Transport: transport}}
}

// stop lets go of the connections and ends the process.
func (s *subject) stop() error {
	s.http.CloseIdleConnections()
	return s.process.stop()
}

// turn asks for every account once, so many at a time, and notes the processor
// time.
func (s *subject) turn(ctx context.Context, inFlight int) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	lengths := make([]int, len(s.urls))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for n, u := range s.urls {
		group.Go(func() error {
			text, err := s.get(ctx, u)
			lengths[n] = len(text)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	s.length = lengths[0]
	s.turns = append(s.turns, (after-before)/time.Duration(len(s.urls)))
	return nil
}

// get asks once, and makes sure that the answer is a good one: what fails fast
// would look cheap.
func (s *subject) get(ctx context.Context, u string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "120")
	response, err := s.http.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("answered with status %d", response.StatusCode)
	}
	return string(body), s.check(string(body))
}

// wholeReadInterval is the flag that decides how often a journal is read whole.
const wholeReadInterval = "--greenapi.whole-read-interval"

// startExporter starts an exporter that is configured for the accounts of an API.
func startExporter(ctx context.Context, binary, api string, s serving, args ...string) (*subject, error) {
	folder, err := os.MkdirTemp("", "load")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(folder) // read by now
	path := filepath.Join(folder, "greenapi.yml")
	if err := os.WriteFile(path, []byte(configuration(api, s)), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, wholeReadInterval+"=") }) {
		args = append(args, wholeReadInterval+"=0s") // whole reads are what most scenarios are about
	}
	p, err := start(ctx, binary, append([]string{
		"--config.file=" + path, "--web.listen-address=127.0.0.1:0", "--greenapi.min-interval=0s",
		"--greenapi.timeout=2m", "--web.max-requests=0", "--no-web.instances-on-metrics", "--no-web.first-read",
	}, args...)...)
	if err != nil {
		return nil, err
	}
	urls := make([]string, s.accounts)
	for n := range urls {
		urls[n] = p.url + "/probe?target=" + accountID(n)
	}
	return newSubject(p, urls, s.checkExposition), nil
}

func configuration(api string, s serving) string {
	collectors := map[string]string{"calls": "calls", "both": "calls, messages", "simulated": "calls, messages"}[s.payload]
	if collectors == "" {
		collectors = "messages"
	}
	var yaml strings.Builder
	yaml.WriteString("instances:\n")
	for n := range s.accounts {
		fmt.Fprintf(&yaml, "- {id: %q, token: %q, api_url: %q, collectors: [%s]}\n", accountID(n), token, api, collectors)
	}
	return yaml.String()
}

var (
	upSample      = regexp.MustCompile(`(?m)^greenapi_up\{[^}]*\} 1$`)
	recordsSample = regexp.MustCompile(`(?m)^greenapi_window_records\{[^}]*\} (\S+)$`)
)

// checkExposition makes sure that whole journals were read.
func (s serving) checkExposition(text string) error {
	if !upSample.MatchString(text) {
		return errors.New("the exporter says that the account is not up")
	}
	samples := recordsSample.FindAllStringSubmatch(text, -1)
	if len(samples) != len(s.kinds()) {
		return fmt.Errorf("the exporter shows %d journals, not %d", len(samples), len(s.kinds()))
	}
	for _, sample := range samples {
		if s.payload == "simulated" {
			break // how many records there are depends on when it was asked
		}
		if n, err := strconv.ParseFloat(sample[1], 64); err != nil || n != float64(s.rows) && (!s.moving || n < float64(s.rows)) {
			return fmt.Errorf("the exporter has read %s records, not %d", sample[1], s.rows)
		}
	}
	return nil
}

// startReader starts the process that reads the same and throws it away.
func startReader(ctx context.Context, self, api string, s serving) (*subject, error) {
	p, err := start(ctx, self, roleReader)
	if err != nil {
		return nil, err
	}
	urls := make([]string, s.accounts)
	for n := range urls {
		urls[n] = readerURL(p.url, s.urls(api, n))
	}
	return newSubject(p, urls, func(body string) error {
		if n, err := strconv.Atoi(strings.TrimSpace(body)); err != nil || n < s.rows {
			return errors.New("the reader has read too little")
		}
		return nil
	}), nil
}

// median returns the middle one, of an even number the lower one of the middle.
func median[T int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// ratios divides turn by turn, so that what slows the machine down for a while
// slows down both.
func ratios(a, b []time.Duration) []float64 {
	all := make([]float64, min(len(a), len(b)))
	for n := range all {
		all[n] = float64(a[n]) / float64(b[n])
	}
	return all
}
