package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	// rivalScenario is left out when there is no json_exporter.
	rivalScenario   = "rival"
	rivalRounds     = 3
	rivalAccounts   = 2
	goalRivalCPU    = 50 // times the processor time of a scrape
	goalRivalMemory = 5  // times the peak memory
)

// rivalConfiguration has json_exporter read the same fields of each call, but the
// participants. It cannot count: it makes series of them.
const rivalConfiguration = `modules:
  default:
    metrics:
      - name: call
        type: object
        path: '{ [*] }'
        labels: {id: '{ .idMessage }', chat: '{ .chatId }', status: '{ .status }', video: '{ .isVideo }'}
        values: {duration_seconds: '{ .duration }', timestamp_seconds: '{ .timestamp }'}
`

// measureRival compares with json_exporter, which makes metrics of any JSON.
func measureRival(ctx context.Context, s settings) (_ []result, _ build, err error) {
	s.against = ""
	what := serving{payload: "calls", rows: s.rows, accounts: rivalAccounts}
	st, err := newStage(ctx, s, what)
	if err != nil {
		return nil, build{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	rival, err := startRival(ctx, s.rival, st.api.url, what)
	if err != nil {
		return nil, build{}, err
	}
	defer func() { err = errors.Join(err, rival.stop()) }()
	for round := range rivalRounds + 1 {
		for _, subject := range []*subject{st.exporter, rival} {
			if err := subject.turn(ctx, 1); err != nil {
				return nil, build{}, err
			}
			if round == 0 {
				subject.turns = nil
			}
		}
	}
	ours, err := st.exporter.peak()
	if err != nil {
		return nil, build{}, err
	}
	theirs, err := rival.peak()
	if err != nil {
		return nil, build{}, err
	}
	memory := float64(theirs) / float64(ours)
	r := result{
		scenario: fmt.Sprintf("%s calls, by json_exporter: %.1f times the memory", count(s.rows), memory),
		cpu:      median(rival.turns), peak: theirs,
		ratio: median(ratios(rival.turns, st.exporter.turns)), to: "this exporter",
		goal: fmt.Sprintf("at least %d×, %d× the memory", goalRivalCPU, goalRivalMemory),
	}
	r.met = r.ratio >= goalRivalCPU && memory >= goalRivalMemory
	return []result{r}, st.build, nil
}

// startRival starts json_exporter; a GET has it read one account.
func startRival(ctx context.Context, binary, api string, what serving) (*subject, error) {
	folder, err := os.MkdirTemp("", "load")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	path := filepath.Join(folder, "json_exporter.yml")
	if err := os.WriteFile(path, []byte(rivalConfiguration), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the configuration: %w", err), os.RemoveAll(folder))
	}
	p, err := start(ctx, binary, "--config.file="+path, "--web.listen-address=127.0.0.1:0")
	if err := errors.Join(err, os.RemoveAll(folder)); err != nil {
		return nil, err
	}
	urls := make([]string, what.accounts)
	for n := range urls {
		urls[n] = p.url + "/probe?target=" + url.QueryEscape(what.urls(api, n)[0])
	}
	return newSubject(p, urls, func(text string) error {
		if series := strings.Count(text, "\ncall_duration_seconds{"); series != what.rows {
			return fmt.Errorf("json_exporter shows %d calls, not %d", series, what.rows)
		}
		return nil
	}), nil
}
