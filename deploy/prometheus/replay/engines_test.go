//go:build e2e

package replay_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/prometheus/replay"
)

const (
	// shortIncident is how soon an incident has to be told of to be replayed here.
	shortIncident = 90 * time.Minute
	shortStep     = 10 * time.Minute
	shortDays     = 2
	// shortTolerance is how far the engines may be apart: an increase that Prometheus
	// estimates up to the edges of its range, VictoriaMetrics takes from sample to sample.
	shortTolerance = 3 * shortStep
)

// TestEngines has promtool and vmalert evaluate the rules on what was scraped during
// incidents, as judge does: the same alerts fire about the same accounts.
func TestEngines(t *testing.T) {
	t.Parallel()
	begin, end := start.Add(34*time.Hour), start.Add(40*time.Hour)
	w := world{length: shortDays * 24 * time.Hour, step: shortStep}
	for n, i := range allIncidents() {
		if i.within > shortIncident {
			continue
		}
		if i.incident.From != start {
			i.incident.From, i.incident.To = begin, end
		}
		w.accounts = append(w.accounts, i.struck(n))
	}
	w.accounts = append(w.accounts, account(len(allIncidents()))) // all is well
	needed := rules(t).Needed()
	recording := w.record(t, needed.Reads())
	want := evaluate(t, needed, recording)
	t.Run("promtool", func(t *testing.T) {
		promtool, err := filepath.Abs(filepath.Join(root, "bin/promtool"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := replay.Promtool{Binary: promtool, Rules: needed, Dir: t.TempDir()}.Evaluate(t.Context(), recording)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("fires in promtool: %v\nin judge: %v", got, want)
		}
	})
	t.Run("vmalert", func(t *testing.T) { compareFirings(t, want, fireInVictoria(t, needed, recording)) })
}

// fireInVictoria lets vmalert replay the rules on a recording.
func fireInVictoria(t *testing.T, rules *replay.Rules, recording *replay.Recording) []replay.Firing {
	t.Helper()
	storage := e2e.StartVictoriaMetrics(t, "-search.disableCache", "-search.maxStalenessInterval=5m")
	var lines bytes.Buffer
	if err := recording.WriteImport(&lines); err != nil {
		t.Fatal(err)
	}
	post(t, storage.URL+"/api/v1/import", &lines)
	levels, err := rules.Levels(recording.Step)
	if err != nil {
		t.Fatal(err)
	}
	vmalert := e2e.VictoriaBinary(t, "vmalert")
	for n, text := range levels {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("level%d.yml", n))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		post(t, storage.URL+"/internal/force_flush", nil)
		output, err := exec.CommandContext(t.Context(), vmalert, "-rule="+file,
			"-datasource.url="+storage.URL, "-remoteRead.url="+storage.URL, "-remoteWrite.url="+storage.URL, "-httpListenAddr=127.0.0.1:0",
			"-replay.timeFrom="+start.Format(time.RFC3339), "-replay.timeTo="+start.Add(recording.Length()).Format(time.RFC3339),
			"-replay.rulesDelay=0s", "-replay.disableProgressBar", "-disableAlertgroupLabel", "-remoteWrite.flushInterval=100ms",
		).CombinedOutput()
		if err != nil {
			t.Fatalf("vmalert: %v\n%s", err, output)
		}
	}
	post(t, storage.URL+"/internal/force_flush", nil)
	value, _, _, err := storage.API.QueryRange(t.Context(), `max by (alertname, id_instance) (ALERTS{alertstate="firing"})`,
		promv1.Range{Start: start, End: start.Add(recording.Length()), Step: recording.Step})
	if err != nil {
		t.Fatal(err)
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		t.Fatalf("ALERTS is a %T", value)
	}
	var firings []replay.Firing
	for _, series := range matrix {
		firings = append(firings, replay.Firing{
			Alert: string(series.Metric["alertname"]), IDInstance: string(series.Metric["id_instance"]),
			First: series.Values[0].Timestamp.Time().UTC(), Last: series.Values[len(series.Values)-1].Timestamp.Time().UTC(),
		})
	}
	return firings
}

func post(t *testing.T, url string, body *bytes.Buffer) {
	t.Helper()
	if body == nil {
		body = new(bytes.Buffer)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		t.Fatalf("%s answers %s", url, response.Status)
	}
}

// compareFirings holds that both engines tell of the same, at about the same time.
func compareFirings(t *testing.T, want, got []replay.Firing) {
	t.Helper()
	type key struct{ alert, id string }
	first := make(map[key]time.Time)
	for _, f := range got {
		first[key{f.Alert, f.IDInstance}] = f.First
	}
	for _, f := range want {
		k := key{f.Alert, f.IDInstance}
		at, fired := first[k]
		delete(first, k)
		switch {
		case !fired:
			t.Errorf("%s of %s fires in Prometheus at %v, and not in VictoriaMetrics", k.alert, k.id, f.First)
		case at.Sub(f.First).Abs() > shortTolerance:
			t.Errorf("%s of %s fires in Prometheus at %v, in VictoriaMetrics at %v", k.alert, k.id, f.First, at)
		case !at.Equal(f.First):
			t.Logf("%s of %s fires in Prometheus at %v, in VictoriaMetrics %v later", k.alert, k.id, f.First, at.Sub(f.First))
		}
	}
	for k, at := range first {
		t.Errorf("%s of %s fires in VictoriaMetrics at %v, and not in Prometheus", k.alert, k.id, at)
	}
	if len(want) < 10 {
		t.Errorf("only %d alerts fire", len(want))
	}
	t.Logf("%d alerts fire in Prometheus, %d in VictoriaMetrics", len(want), len(got))
}
