package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// TestHandler runs the tests of the standard library for handlers.
func TestHandler(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := slogtest.TestHandler(newLogger(&out, "json", slog.LevelDebug).Handler(), func() []map[string]any {
		var records []map[string]any
		for line := range strings.Lines(out.String()) {
			var flat map[string]any
			if err := json.Unmarshal([]byte(line), &flat); err != nil {
				t.Fatal(err)
			}
			records = append(records, nested(flat))
		}
		return records
	})
	if err != nil {
		t.Error(err)
	}
}

// nested makes groups of prefixes, and gives the time the key that slogtest knows.
func nested(flat map[string]any) map[string]any {
	record := make(map[string]any)
	for key, value := range flat {
		if key == "ts" {
			key = slog.TimeKey
		}
		group := record
		parts := strings.Split(key, ".")
		for _, part := range parts[:len(parts)-1] {
			if group[part] == nil {
				group[part] = make(map[string]any)
			}
			group, _ = group[part].(map[string]any)
		}
		group[parts[len(parts)-1]] = value
	}
	return record
}

func TestValuesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, "json", slog.LevelDebug)
	log.Warn("text", "int", 1, "float", 1.5, "bool", true, "string", "a b", "duration", time.Second,
		"error", errors.New("no"), "nil", nil, "list", []int{1}, "token", client.NewToken("secret"))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"int": 1.0, "float": 1.5, "bool": true, "string": "a b", "duration": "1s", "error": "no", "nil": nil, "list": "[1]",
		"token": "<secret>", "level": "warn", "msg": "text",
	} {
		if got[key] != want {
			t.Errorf("%s is %#v, want %#v", key, got[key], want)
		}
	}
}

func TestLogfmt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, "logfmt", slog.LevelInfo)
	log.Debug("not shown")
	log.With("a", 1).WithGroup("g").Info("two words", "b", "x=y", "list", []string{"p", "q"}, slog.Group("h", "c", true))
	_, got, _ := strings.Cut(strings.TrimSpace(out.String()), " ")
	if want := `level=info msg="two words" a=1 g.b="x=y" g.list="[p q]" g.h.c=true`; got != want {
		t.Errorf("line %s, want %s", got, want)
	}
}
