//go:build e2e && look

package dashboards_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

var (
	shotsTo     = flag.String("shots.to", "", "the folder that the pictures go to; by default, a temporary one")
	shotsReadme = flag.String("shots.readme", "", "the folder that the pictures of the README go to; by default, none")
	shotsOnly   = flag.String("shots.only", "", "take only the pictures whose names contain this")
)

const (
	renderTimeout = 2 * time.Minute
	renderQuiet   = 2500 * time.Millisecond // without a change, a page is done

	// Pixels: what the side menu leaves of 1280, and a phone, where Grafana puts the panels
	// below each other.
	withMenuOpen, phone = 980, 390
)

// shot is a picture of a dashboard.
type shot struct {
	name    string
	uid     string
	account string // whose dashboard; empty for all accounts
	source  string // the data source; by default, the one with the rules
	over    string // the time range; by default, the dashboard's
	width   int
	theme   string
	readme  bool // whether it is one for the README: with the rows as they are at first
}

// readmeBytes is what a picture of the README has less than.
const readmeBytes = 400_000

// accountShots are the accounts of the demo that are shown, by what they stand for.
var accountShots = []struct{ what, id string }{
	{"support", "1101000001"},
	{"truncated", "1101000003"},
	{"suspended", "1101000004"},
	{"logged-out", "1101000005"},
	{"calls-only", "1101000006"},
	{"small", "1101000007"},
}

// shots returns the pictures to take while the exporter answers.
func shots() []shot {
	var all []shot
	for _, theme := range []string{"dark", "light"} {
		for _, width := range []int{1280, 1920} {
			for _, uid := range []string{"greenapi-fleet", "greenapi-account", "greenapi-exporter"} {
				s := shot{name: fmt.Sprintf("%s-%d-%s", strings.TrimPrefix(uid, "greenapi-"), width, theme), uid: uid, width: width, theme: theme}
				if uid == "greenapi-account" {
					s.account = accountShots[0].id
				}
				all = append(all, s)
			}
		}
	}
	all = append(all, shot{name: "fleet", uid: "greenapi-fleet", readme: true},
		shot{name: "account", uid: "greenapi-account", account: accountShots[0].id, readme: true})
	for _, a := range accountShots[1:] {
		all = append(all, shot{name: "account-" + a.what, uid: "greenapi-account", account: a.id})
	}
	for _, width := range []int{withMenuOpen, phone} {
		all = append(all, shot{name: fmt.Sprintf("fleet-%d", width), uid: "greenapi-fleet", width: width},
			shot{name: fmt.Sprintf("account-%d", width), uid: "greenapi-account", account: accountShots[0].id, width: width},
			shot{name: fmt.Sprintf("exporter-%d", width), uid: "greenapi-exporter", width: width})
	}
	for _, uid := range []string{"greenapi-fleet", "greenapi-account", "greenapi-exporter"} {
		s := shot{name: strings.TrimPrefix(uid, "greenapi-") + "-no-rules", uid: uid, source: sourceNoRules, over: "now-15m"}
		if uid == "greenapi-account" {
			s.account = accountShots[0].id
		}
		all = append(all, s)
	}
	return all
}

// downShots returns the pictures to take when the exporter is down.
func downShots() []shot {
	return []shot{
		{name: "fleet-down", uid: "greenapi-fleet", over: "now-1h"},
		{name: "account-down", uid: "greenapi-account", account: accountShots[0].id, over: "now-1h"},
		{name: "exporter-down", uid: "greenapi-exporter", over: "now-1h"},
	}
}

// TestShots takes pictures of the dashboards in a real Grafana, whole, and fails when a
// panel shows an error, no data without a reason, or what is no value; with the build
// tag look.
func TestShots(t *testing.T) {
	t.Parallel()
	if _, err := findBrowser(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, true)
	if w.grafana == "" {
		t.Fatal("no pictures without a Grafana")
	}
	w.awaitAlerts(t)
	to := *shotsTo
	if to == "" {
		to = t.TempDir()
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	take := func(all []shot) {
		for _, s := range all {
			if !strings.Contains(s.name, *shotsOnly) {
				continue
			}
			png := s.take(t, b, w)
			if s.readme {
				png = withPalette(t, png)
			}
			file := filepath.Join(to, s.name+".png")
			if err := os.WriteFile(file, png, 0o644); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d kB", file, len(png)/1000)
			if s.readme && *shotsReadme != "" {
				if len(png) >= readmeBytes {
					t.Errorf("%s has %d kB, too many for the README", s.name, len(png)/1000)
				}
				if err := os.WriteFile(filepath.Join(*shotsReadme, s.name+".png"), png, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	take(shots())
	w.exporter.Kill()
	w.awaitDown(t)
	take(downShots())
}

// address is the page of a picture.
func (s shot) address(w *world) string {
	values := url.Values{"kiosk": {"1"}, "theme": {"dark"}, "var-datasource": {sourceWithRules}, "from": {"now-24h"}, "to": {"now"}, "refresh": {""}}
	if s.theme != "" {
		values.Set("theme", s.theme)
	}
	if s.source != "" {
		values.Set("var-datasource", s.source)
	}
	if s.over != "" {
		values.Set("from", s.over)
	}
	if s.account != "" {
		values.Set("var-id_instance", s.account)
	}
	return w.grafana + "/d/" + s.uid + "?" + values.Encode()
}

// take opens a dashboard whole, with the rows that are closed, looks for what must not
// be there, and returns the picture.
func (s shot) take(t *testing.T, b *browser, w *world) []byte {
	t.Helper()
	width := s.width
	if width == 0 {
		width = 1280
	}
	b.resize(width, 1000)
	b.call("Page.navigate", map[string]any{"url": s.address(w)}, nil)
	s.settle(t, b)
	height := 0
	for range 8 { // a page that is taller draws more panels and rows, which may be taller
		var open, now int
		if !s.readme {
			b.evaluate(`(() => {
			const closed = document.querySelectorAll('[aria-label="Expand row"]');
			closed.forEach(b => b.click());
			return closed.length;
		})()`, &open)
		}
		s.settle(t, b)
		b.evaluate(pageHeight, &now)
		if now == height && open == 0 {
			break
		}
		height = now
		b.resize(width, height)
		s.settle(t, b)
	}
	s.settle(t, b)
	var faults []string
	b.evaluate(pageFaults, &faults)
	panels := shown(s.dashboard(t))
	for _, p := range panels { // Grafana gives an empty heatmap no text of ours
		if p.Type == "heatmap" {
			faults = slices.DeleteFunc(faults, func(f string) bool {
				return f == p.Title+": empty: No data" || f == p.Title+": shows No data"
			})
		}
	}
	for _, fault := range faults {
		if title, text, ok := strings.Cut(fault, ": empty: "); ok && s.mayBeEmpty(panels, title, text) {
			continue
		}
		t.Errorf("%s: %s", s.name, fault)
	}
	return b.screenshot()
}

func (s shot) dashboard(t *testing.T) dashboards.Dashboard {
	t.Helper()
	all := dashboards.All()
	n := slices.IndexFunc(all, func(d dashboards.Dashboard) bool { return d.UID == s.uid })
	if n < 0 {
		t.Fatalf("there is no dashboard %s", s.uid)
	}
	return all[n]
}

// mayBeEmpty reports whether a panel that is empty says its own reason.
func (s shot) mayBeEmpty(panels []dashboards.Panel, title, text string) bool {
	return slices.ContainsFunc(panels, func(p dashboards.Panel) bool {
		return p.Title == title && strings.Contains(text, p.FieldConfig.Defaults.NoValue)
	})
}

// settle waits until the page has loaded, and nothing has changed for a while.
func (s shot) settle(t *testing.T, b *browser) {
	t.Helper()
	var before string
	unchanged := time.Now()
	for end := time.Now().Add(renderTimeout); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var now string
		b.evaluate(pageState, &now)
		if now == "" || now != before {
			before, unchanged = now, time.Now()
		} else if time.Since(unchanged) > renderQuiet {
			return
		}
	}
	t.Errorf("%s: still loading after %v: %s", s.name, renderTimeout, before)
}

const (
	// pageState is empty while something is loading.
	pageState = `(() => {
		const panels = document.querySelectorAll('[data-testid^="data-testid Panel header"]');
		const loading = document.querySelectorAll('[aria-label="Panel loading bar"], [data-testid="Spinner"]');
		if (document.readyState != 'complete' || panels.length == 0 || loading.length > 0) return '';
		return panels.length + ' ' + document.body.innerText.length + ' ' + document.querySelectorAll('canvas').length;
	})()`

	// pageHeight is that of all that the page scrolls through.
	pageHeight = `Math.ceil(Math.max(document.documentElement.scrollHeight,
		...[...document.querySelectorAll('[class*="scroll"], main, #pageContent')].map(e => e.scrollHeight + e.getBoundingClientRect().top)))`

	// pageFaults lists what must not be shown: errors, texts that are cut, values that
	// are none, and panels that are empty, with what they say.
	pageFaults = `(() => {
		const faults = [];
		for (const panel of document.querySelectorAll('section[data-testid^="data-testid Panel header"]')) {
			const head = panel.querySelector('h2');
			const title = head ? head.innerText : '?';
			if (head && head.scrollWidth > head.clientWidth) faults.push(title + ': the title is cut');
			const error = panel.querySelector('[data-testid^="data-testid Panel status"]');
			if (error) faults.push(title + ': error: ' + (error.getAttribute('aria-label') || error.innerText));
			const content = panel.querySelector('[data-testid="data-testid panel content"]') || panel;
			const text = content.innerText;
			for (const bad of ['-∞', '∞', 'NaN', 'Data does not have a time field', 'No data', 'unexpected error', 'undefined', '1970'])
				if (text.includes(bad)) faults.push(title + ': shows ' + bad);
			for (const cell of content.querySelectorAll('[role="columnheader"]'))
				if (cell.firstElementChild && cell.firstElementChild.scrollWidth > cell.clientWidth + 1) faults.push(title + ': the column ' + cell.innerText + ' is cut');
			const empty = panel.querySelector('[data-testid="data-testid Panel data error message"]');
			if (empty) faults.push(title + ': empty: ' + empty.innerText);
		}
		return faults;
	})()`
)
