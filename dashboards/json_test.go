package dashboards_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

var update = flag.Bool("update", false, "write the JSON of the dashboards again")

func encode(t *testing.T, d dashboards.Dashboard) []byte {
	t.Helper()
	text, err := dashboards.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestJSON holds that the JSON is what the code builds, and that there is no other.
func TestJSON(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, d := range dashboards.All() {
		file := d.UID + ".json"
		want[file] = true
		built := encode(t, d)
		if *update {
			if err := os.WriteFile(file, built, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		committed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(committed), string(built)); diff != "" {
			t.Errorf("%s is not what the code builds; go generate ./dashboards (-committed +built):\n%s", file, diff)
		}
	}
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !want[file] {
			t.Errorf("nothing builds %s", file)
		}
	}
}

// TestJSONIsOfTheSchema reads the committed JSON into the types of the schema: no
// field may be unknown to them, and none get lost.
func TestJSONIsOfTheSchema(t *testing.T) {
	t.Parallel()
	for _, d := range dashboards.All() {
		text, err := os.ReadFile(d.UID + ".json")
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		var read dashboards.Dashboard
		if err := decoder.Decode(&read); err != nil {
			t.Fatalf("%s: %v", d.UID, err)
		}
		var before, after any
		if err := json.Unmarshal(text, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encode(t, read), &after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s (-JSON +schema):\n%s", d.UID, diff)
		}
		if strings.Contains(string(text), ": null") && !strings.Contains(string(text), `"value": null`) {
			t.Errorf("%s has a null that is no threshold's", d.UID)
		}
	}
}

// TestBuildIsStable holds that two builds do not differ.
func TestBuildIsStable(t *testing.T) {
	t.Parallel()
	first, second := dashboards.All(), dashboards.All()
	for n := range first {
		if diff := cmp.Diff(string(encode(t, first[n])), string(encode(t, second[n]))); diff != "" {
			t.Error(diff)
		}
	}
}
