package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Goals of recent reads: parts of what reading the whole window each time takes.
const (
	goalRecentCPU = 1.0
	// recentTick is how far scrapes are apart: a minute, made a second. A recent read asks
	// for 11 minutes either way.
	recentTick = time.Second
	// recentScrapes is how many are measured at least.
	recentScrapes = 30
)

var bytesSample = regexp.MustCompile(`(?m)^greenapi_api_response_bytes_total\{.*\} (\S+)$`)

// measureRecent measures scrapes of which only some read the whole window, beside a
// reader that reads all of it each time.
func measureRecent(ctx context.Context, s settings) ([]result, build, error) {
	s.against = ""
	var all []result
	var built build
	for _, of := range []struct {
		payload   string
		every     int // how many scrapes there are for a whole read
		goalBytes float64
	}{{"texts", 15, 0.08}, {"calls", 15, 0.08}, {"thumbnails", 15, 0.08}, {"texts", 60, 0.03}} {
		what := serving{payload: of.payload, rows: s.rows, accounts: 1, moving: true}
		r, share, by, err := measureRecentOnce(ctx, s, what, of.every)
		if err != nil {
			return nil, build{}, err
		}
		r.scenario = fmt.Sprintf("%s %s, whole at 1 of %d scrapes: %.1f %% of the bytes", count(s.rows), of.payload, of.every, 100*share)
		r.goal = fmt.Sprintf("below 1×, at most %.0f %% of the bytes", 100*of.goalBytes)
		r.met = r.ratio < goalRecentCPU && share <= of.goalBytes
		all, built = append(all, r), by
	}
	return all, built, nil
}

// measureRecentOnce returns also which share of the reader's bytes the exporter reads.
func measureRecentOnce(ctx context.Context, s settings, what serving, every int) (_ result, share float64, _ build, err error) {
	interval := time.Duration(every) * recentTick
	st, err := newStage(ctx, s, what, wholeReadInterval+"="+interval.String())
	if err != nil {
		return result{}, 0, build{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := st.takeTurns(ctx, 0, 1); err != nil {
		return result{}, 0, build{}, err
	}
	before, err := st.measured(ctx)
	if err != nil {
		return result{}, 0, build{}, err
	}
	scrapes := max(every, recentScrapes) // the last of them tells what all have used up
	ticker := time.NewTicker(recentTick)
	defer ticker.Stop()
	for range scrapes - 1 {
		if err := st.takeTurn(ctx, 1); err != nil {
			return result{}, 0, build{}, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return result{}, 0, build{}, ctx.Err()
		}
	}
	after, err := st.measured(ctx)
	if err != nil {
		return result{}, 0, build{}, err
	}
	peak, err := st.exporter.peak()
	ours, theirs := after.exporter-before.exporter, after.reader-before.reader
	return result{
		cpu: ours / time.Duration(scrapes), ratio: float64(ours) / float64(theirs), to: "reading all of it each time", peak: peak,
	}, (after.received - before.received) / (after.read * float64(scrapes)), st.build, err
}

// meter is what both processes have used up so far, with the scrape and the read that
// tell it.
type meter struct {
	exporter, reader time.Duration // processor time
	received         float64       // bytes that the exporter has read of journals
	read             float64       // bytes that the reader reads at a time
}

func (st *stage) measured(ctx context.Context) (m meter, err error) {
	text, err := st.exporter.get(ctx, st.exporter.urls[0])
	if err != nil {
		return m, err
	}
	sample := bytesSample.FindStringSubmatch(text)
	if sample == nil {
		return m, errors.New("the exporter does not say how much it has read")
	}
	if m.received, err = strconv.ParseFloat(sample[1], 64); err != nil {
		return m, fmt.Errorf("the bytes that the exporter has read: %w", err)
	}
	if text, err = st.reader.get(ctx, st.reader.urls[0]); err != nil {
		return m, err
	}
	if m.read, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
		return m, fmt.Errorf("the bytes that the reader has read: %w", err)
	}
	if m.exporter, err = st.exporter.cpu(); err != nil {
		return m, err
	}
	m.reader, err = st.reader.cpu()
	return m, err
}
