package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// aheadTime is for how long a moving journal has rows that are still to come.
const aheadTime = 15 * time.Minute

// moving is a journal that goes on: an answer holds the rows of the minutes that it is
// asked for, and at most so many.
type moving struct {
	rows []timedRow // from the newest
	most int
}

// timedRow is a row, and the time that stands in it.
type timedRow struct {
	Timestamp int64
	text      json.RawMessage
}

func newMoving(kind payload, rows int) (*moving, error) {
	var body bytes.Buffer
	all := simulation.Payload{Rows: rows + int(aheadTime/time.Second), Seed: 1, End: time.Now().Add(aheadTime)}
	if err := kind.write(all, &body); err != nil {
		return nil, err
	}
	var texts []json.RawMessage
	if err := json.Unmarshal(body.Bytes(), &texts); err != nil {
		return nil, fmt.Errorf("read the rows again: %w", err)
	}
	m := &moving{most: rows}
	for _, row := range texts {
		var timed timedRow
		if err := json.Unmarshal(row, &timed); err != nil {
			return nil, fmt.Errorf("read a row again: %w", err)
		}
		timed.text = row
		m.rows = append(m.rows, timed)
	}
	// Their time is that of the last action, and they were made in the order of sending.
	slices.SortFunc(m.rows, func(a, b timedRow) int { return cmp.Compare(b.Timestamp, a.Timestamp) })
	return m, nil
}

// between returns the rows from one time to another, newest first.
func (m *moving) between(from, to int64) []timedRow {
	newestFirst := func(row timedRow, wanted int64) int { return cmp.Compare(wanted, row.Timestamp) }
	first, _ := slices.BinarySearchFunc(m.rows, to, newestFirst)
	last, _ := slices.BinarySearchFunc(m.rows, from, newestFirst)
	return m.rows[first:min(last, first+m.most)]
}

// ServeHTTP implements http.Handler: a journal of GREEN-API.
func (m *moving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	minutes := int64(24 * 60)
	if text := r.URL.Query().Get("minutes"); text != "" {
		var err error
		if minutes, err = strconv.ParseInt(text, 10, 64); err != nil {
			http.Error(w, "minutes: not a number", http.StatusBadRequest)
			return
		}
	}
	now := time.Now().Unix()
	w.Header().Set("Content-Type", "application/json")
	out := []byte{'['}
	for n, row := range m.between(now-minutes*60, now) {
		if n > 0 {
			out = append(out, ',')
		}
		if out = append(out, row.text...); len(out) < 64<<10 {
			continue
		}
		if _, err := w.Write(out); err != nil {
			return // who asked has left
		}
		out = out[:0]
	}
	_, _ = w.Write(append(out, ']')) // who asked may have left
}

// movingAPI serves the journals of one account, by method.
func (s serving) movingAPI() (http.Handler, error) {
	mux := http.NewServeMux()
	for _, kind := range s.kinds() {
		journal, err := newMoving(kind, s.rows)
		if err != nil {
			return nil, err
		}
		mux.Handle("/waInstance"+accountID(0)+"/"+kind.method+"/"+token, journal)
	}
	return mux, nil
}
