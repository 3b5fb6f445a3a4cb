package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"go.uber.org/goleak"
)

// TestMain lets the test's binary play the other roles too, as the program does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == roleAPI || os.Args[1] == roleReader) {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// startRoles starts an API and a reader of it.
func startRoles(t *testing.T, what serving) *subject {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context()) // ended by the clean-up
	api, err := start(ctx, self, what.args()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.stop(); err != nil {
			t.Error(err)
		}
	})
	reader, err := startReader(ctx, self, api.url, what)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reader.stop(); err != nil {
			t.Error(err)
		}
	})
	return reader
}

func TestReaderReadsWhatTheAPIServes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what  serving
		write func(simulation.Payload, *bytes.Buffer) error
	}{
		{serving{payload: "calls", rows: 500, accounts: 3}, func(p simulation.Payload, b *bytes.Buffer) error { return p.Calls(b) }},
		{serving{payload: "both", rows: 500, accounts: 2}, func(p simulation.Payload, b *bytes.Buffer) error {
			return errors.Join(p.Calls(b), p.Texts(b))
		}},
		{serving{payload: "calls", accounts: 1}, func(p simulation.Payload, b *bytes.Buffer) error { return p.Calls(b) }},
	} {
		t.Run(fmt.Sprintf("%+v", test.what), func(t *testing.T) {
			t.Parallel()
			var bodies bytes.Buffer
			if err := test.write(simulation.Payload{Rows: test.what.rows, Seed: 1}, &bodies); err != nil {
				t.Fatal(err)
			}
			reader := startRoles(t, test.what)
			reader.check = func(body string) error {
				if want := fmt.Sprintln(bodies.Len()); body != want {
					return fmt.Errorf("the reader has read %q bytes, not %q", body, want)
				}
				return nil
			}
			for range 2 {
				if err := reader.turn(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
			}
			if len(reader.turns) != 2 || reader.turns[0] <= 0 || reader.turns[1] <= 0 {
				t.Errorf("processor time by turn: %v", reader.turns)
			}
			if peak, err := reader.peak(); err != nil || peak < 1<<20 || peak > 1<<30 {
				t.Errorf("peak memory: %d bytes, %v", peak, err)
			}
		})
	}
}

// TestSimulatedAccounts reads simulated accounts, whose journals grow by themselves.
func TestSimulatedAccounts(t *testing.T) {
	t.Parallel()
	reader := startRoles(t, serving{payload: "simulated", accounts: 2})
	for range 2 {
		if err := reader.turn(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if resident, err := reader.resident(); err != nil || resident < 1<<20 || resident > 1<<30 {
		t.Errorf("memory: %d bytes, %v", resident, err)
	}
}

func TestBenchmarksOf(t *testing.T) {
	t.Parallel()
	got, err := benchmarksOf(strings.NewReader(`goos: linux
pkg: example.org/greenapi_exporter/client
BenchmarkDecode/calls-2   80  14550000 ns/op  300.00 MB/s  14.40 cpu-ms/op  4.000 times_faster  5828 B/op  52 allocs/op
BenchmarkDecode/calls-2   80  14450000 ns/op  300.00 MB/s  14.40 cpu-ms/op  4.200 times_faster  5830 B/op  52 allocs/op
BenchmarkDecode/calls-2   80  19550000 ns/op  300.00 MB/s  14.40 cpu-ms/op  3.900 times_faster  5828 B/op  52 allocs/op
PASS
pkg: example.org/greenapi_exporter/collector/ledger
BenchmarkSave-2   10  1500 ns/op  7 B/op  1 allocs/op
BenchmarkMemory  1  1500 ns/op  15.10 B/entry
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `| benchmark | time, ms | allocations | allocated, kB | more |
|---|--:|--:|--:|---|
| client: Decode/calls | 14.55 | 52 | 5.7 | 14.4 cpu-ms/op, 4 times_faster |
| collector/ledger: Save | 0.00 | 1 | 0.0 |  |
| collector/ledger: Memory | 0.00 |  |  | 15.1 B/entry |
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "pkg: x\nBenchmarkX 1 a ns/op\n", "BenchmarkX 1 2\n"} {
		if _, err := benchmarksOf(strings.NewReader(text)); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}

func TestProcessorTimeIsTheProcessesOwn(t *testing.T) {
	t.Parallel()
	reader := startRoles(t, serving{payload: "texts", rows: 20_000, accounts: 1})
	before, err := reader.cpu()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.turn(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	after, err := reader.cpu()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.stop(); err != nil {
		t.Fatal(err)
	}
	// What the system says of the ended process, wait4's figure, must agree.
	total := reader.cmd.ProcessState.UserTime() + reader.cmd.ProcessState.SystemTime()
	if before <= 0 || after <= before || after > total {
		t.Errorf("processor time %v before, %v after the turn, %v in all", before, after, total)
	}
}

func TestAProgramThatDoesNotServe(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t.Context(), self, roleAPI, "-no-such-flag"); err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("error %v, want one with what the program said", err)
	}
	if _, err := start(t.Context(), filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a program that does not exist was started")
	}
}

func TestAnswersThatAreNotGood(t *testing.T) {
	t.Parallel()
	reader := startRoles(t, serving{payload: "calls", rows: 10, accounts: 1})
	reader.urls = []string{readerURL(reader.url, []string{"http://127.0.0.1:1/" + url.PathEscape("nobody there")})}
	if err := reader.turn(t.Context(), 1); err == nil {
		t.Error("a reader that could not read passes as good")
	}
	what := serving{payload: "both", rows: 10_000}
	good := `greenapi_up{id_instance="1"} 1
greenapi_window_records{id_instance="1",journal="calls"} 10000
greenapi_window_records{id_instance="1",journal="messages"} 10000
`
	if err := what.checkExposition(good); err != nil {
		t.Errorf("a good exposition: %v", err)
	}
	for name, text := range map[string]string{
		"not up":          strings.Replace(good, "} 1\n", "} 0\n", 1),
		"too few records": strings.Replace(good, "10000", "9999", 1),
		"no messages":     good[:strings.Index(good, "greenapi_window_records{id_instance=\"1\",journal=\"messages\"")],
		"empty":           "",
	} {
		if what.checkExposition(text) == nil {
			t.Errorf("%s: passes as good", name)
		}
	}
}

func TestRivalThatIsNotThere(t *testing.T) {
	t.Parallel()
	if _, err := startRival(t.Context(), filepath.Join(t.TempDir(), "json_exporter"), "http://127.0.0.1:1", serving{payload: "calls", accounts: 1}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that the program does not exist", err)
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-run", rivalScenario}, &stdout, &stderr); err == nil {
		t.Error("a comparison with nothing is made")
	}
}

func TestMemoryOf(t *testing.T) {
	t.Parallel()
	if peak, err := memoryOf("Name:\tx\nVmPeak:\t  90 kB\nVmHWM:\t    1648 kB\nVmRSS:\t 7 kB\n", "VmHWM"); err != nil || peak != 1648<<10 {
		t.Errorf("%d, %v", peak, err)
	}
	for _, text := range []string{"", "VmHWM:\tmuch kB\n"} {
		if _, err := memoryOf(text, "VmHWM"); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}

func TestMedianAndRatios(t *testing.T) {
	t.Parallel()
	for want, values := range map[float64][]float64{2: {3, 1, 2}, 5: {5}, 1: {2, 1}} {
		if got := median(values); got != want {
			t.Errorf("median of %v is %v, want %v", values, got, want)
		}
	}
	got := ratios([]time.Duration{30, 10}, []time.Duration{10, 20})
	if diff := cmp.Diff([]float64{3, 0.5}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	got := markdown([]result{
		{scenario: "10,000 calls", cpu: 25 * time.Millisecond, ratio: 10.54, to: "reading the body", peak: 21 << 20, over: 1 << 19, goal: "at most 15×", met: true},
		{scenario: "16 journals", cpu: time.Second, ratio: 3, to: "reading the body", peak: 80 << 20, goal: "under 64 MB"},
	}, "A computer", build{revision: "0123456789abcdef", goVersion: "go1.26.8"}, settings{rounds: 7})
	want := `Measured on A computer, with go1.26.8, at revision 0123456789ab; medians of 7 turns. Only the ratios carry over to other machines.

| one scrape of | CPU, times | that of | CPU here, ms | peak memory, MB | over that of an empty journal, MB | goal | |
|---|--:|---|--:|--:|--:|---|---|
| 10,000 calls | 10.54 | reading the body | 25.0 | 21.0 | 0.5 | at most 15× | met |
| 16 journals | 3.00 | reading the body | 1000.0 | 80.0 |  | under 64 MB | **missed** |
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for n, want := range map[int]string{7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestRewriteDocument(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "performance.md")
	document := "# Head\n" + beginMarker + "old\n" + endMarker + "tail\n"
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "new\n", "newer\n"} {
		if err := rewriteDocument(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("# Head\n"+beginMarker+text+endMarker+"tail\n", string(got)); diff != "" {
			t.Error(diff)
		}
	}
	for name, document := range map[string]string{
		"no markers":       "x\n",
		"no end":           beginMarker,
		"two beginnings":   beginMarker + beginMarker + endMarker,
		"the wrong way on": endMarker + beginMarker,
	} {
		if _, err := replaced([]byte(document), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := rewriteDocument(filepath.Join(t.TempDir(), "missing.md"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v for a document that does not exist", err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"an argument":         {"x"},
		"an unknown flag":     {"-x"},
		"no rounds":           {"-rounds", "0"},
		"a bad expression":    {"-run", "("},
		"no such scenario":    {"-run", "nothing"},
		"no such document":    {"-write", filepath.Join(t.TempDir(), "missing.md")},
		"no such exporter":    {"-exporter", filepath.Join(t.TempDir(), "missing"), "-run", "scrape", "-rounds", "1", "-rows", "10"},
		"an exporter that is": {"-exporter", "/bin/false", "-run", "million", "-rows", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if err := run(t.Context(), args, &stdout, &stderr); err == nil || stdout.Len() > 0 {
				t.Errorf("error %v, printed %q", err, &stdout)
			}
		})
	}
}
