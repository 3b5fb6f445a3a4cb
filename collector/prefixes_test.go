package collector

import (
	"slices"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

func TestPrefixes(t *testing.T) {
	t.Parallel()
	p := newPrefixes([]string{"7", "77", "972", "49"})
	for id, want := range map[string]string{
		"79990000001@c.us":           "7",
		"77010000001@c.us":           "77",
		"972500000001@c.us":          "972",
		"4915100000001@c.us":         "49",
		"79990000001@s.whatsapp.net": "7",
		"99900000001@c.us":           "other",
		"4@c.us":                     "other",
		"@c.us":                      "other",
		"79990000001@lid":            "none",
		"79990000001":                "none", // an id of a user of Telegram or MAX
		"120363000000000001@g.us":    "",
		"79990000001@newsletter":     "",
		"-79990000001":               "",
		"":                           "",
	} {
		if got := p.of([]byte(id)); got != want {
			t.Errorf("%s goes to %q, want %q", id, got, want)
		}
	}
	if got := newPrefixes(nil).of([]byte("79990000001@c.us")); got != "" {
		t.Errorf("without prefixes, a destination is %q", got)
	}
	want := []string{"972", "77", "49", "7", "other", "none"}
	if got := p.destinations(); !slices.Equal(got, want) {
		t.Errorf("destinations %q, want %q", got, want)
	}
}

// TestKinds holds that a collector that the vocabulary names exists, and no other.
func TestKinds(t *testing.T) {
	t.Parallel()
	all := kinds()
	for _, name := range config.Collectors() {
		if all[name].source == nil || len(all[name].families) == 0 || methods[name] == "" {
			t.Errorf("collector %s has no source, no families or no method", name)
		}
		delete(all, name)
	}
	if len(all) > 0 {
		t.Errorf("collectors that no flag and no file can name: %v", all)
	}
}
