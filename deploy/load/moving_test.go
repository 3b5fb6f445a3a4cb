package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestMovingJournal asks for minutes of a journal that goes on: rows to come are not in
// it, nor those before the minutes, nor more than the API gives.
func TestMovingJournal(t *testing.T) {
	t.Parallel()
	what := serving{payload: "texts", rows: 500, accounts: 1, moving: true}
	api, err := what.movingAPI()
	if err != nil {
		t.Fatal(err)
	}
	for query, test := range map[string]struct {
		back        time.Duration
		least, most int
	}{
		"":             {24 * time.Hour, 500, 500},
		"?minutes=11":  {11 * time.Minute, 60, 120},
		"?minutes=1":   {time.Minute, 3, 15},
		"?minutes=600": {10 * time.Hour, 500, 500},
	} {
		before := time.Now()
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/waInstance"+accountID(0)+"/lastOutgoingMessages/"+token+query, nil))
		var rows []struct {
			Timestamp   int64
			IDMessage   string
			TextMessage string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil {
			t.Fatal(err)
		}
		if len(rows) < test.least || len(rows) > test.most {
			t.Errorf("%q: %d rows, want %d to %d", query, len(rows), test.least, test.most)
		}
		for n, row := range rows {
			if at := time.Unix(row.Timestamp, 0); at.After(time.Now()) || at.Before(before.Add(-test.back-time.Second)) {
				t.Fatalf("%q: a row of %v at %v", query, at, before)
			}
			if n > 0 && row.Timestamp > rows[n-1].Timestamp {
				t.Fatalf("%q: row %d is newer than the one before", query, n)
			}
		}
	}
	w := httptest.NewRecorder()
	if api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/waInstance"+accountID(0)+"/lastOutgoingMessages/"+token+"?minutes=x", nil)); w.Code != http.StatusBadRequest {
		t.Errorf("minutes that are no number: status %d", w.Code)
	}
}
