package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const date = "2026-01-02T03:04:05Z"

// build builds a program that uses a module, as a release would unless told else.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", path}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./testdata/program")...)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return path
}

// extras makes a folder with files for the tarball and files that stay out of it.
func extras(t *testing.T) string {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{"deploy/unit.service", "deploy/unit.service.d/x.conf", "deploy/unit_test.go", "deploy/testdata/x", "deploy/tests/x", "deploy/.hidden", "LICENSE"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("This is "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "deploy LICENSE deploy/unit.service"
}

func TestRelease(t *testing.T) { //nolint:paralleltest // it changes the folder
	program := build(t)
	args := []string{"-version", "1.2.3", "-date", date, "-extras", extras(t), "-out"}
	one, two := t.TempDir(), t.TempDir()
	for _, out := range []string{one, two} {
		var shown bytes.Buffer
		if err := run(append(args, out, program), &shown); err != nil {
			t.Fatal(err)
		}
		wantChecksums(t, out, shown.String())
	}
	name := "greenapi_exporter-1.2.3." + runtime.GOOS + "-" + runtime.GOARCH
	for _, file := range []string{name + ".tar.gz", name + ".cdx.json", "sha256sums.txt"} {
		if !bytes.Equal(readFile(t, filepath.Join(one, file)), readFile(t, filepath.Join(two, file))) {
			t.Errorf("%s differs from one run to the next", file)
		}
	}
	want := []string{
		"-rwxr-xr-x " + name + "/greenapi_exporter",
		"-rw-r--r-- " + name + "/LICENSE",
		"-rw-r--r-- " + name + "/deploy/unit.service",
		"-rw-r--r-- " + name + "/deploy/unit.service.d/x.conf",
	}
	if diff := cmp.Diff(want, entries(t, filepath.Join(one, name+".tar.gz"))); diff != "" {
		t.Errorf("entries of the tarball (-want +got):\n%s", diff)
	}
	wantBill(t, filepath.Join(one, name+".cdx.json"), readFile(t, program))
}

// wantChecksums asserts that what was shown is in the file, and true.
func wantChecksums(t *testing.T, out, shown string) {
	t.Helper()
	if diff := cmp.Diff(string(readFile(t, filepath.Join(out, "sha256sums.txt"))), shown); diff != "" {
		t.Errorf("shown and written checksums differ:\n%s", diff)
	}
	lines := strings.Split(strings.TrimSpace(shown), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d checksums, want 2:\n%s", len(lines), shown)
	}
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		if got := fmt.Sprintf("%x", sha256.Sum256(readFile(t, filepath.Join(out, name)))); got != sum {
			t.Errorf("checksum of %s is %s, want %s", name, sum, got)
		}
	}
}

// entries lists a tarball, and asserts what is the same for every entry.
func entries(t *testing.T, path string) []string {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(readFile(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	if unzipped.Name != "" || !unzipped.ModTime.IsZero() {
		t.Errorf("gzip tells the name %q and the time %s", unzipped.Name, unzipped.ModTime)
	}
	var found []string
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.ModTime.UTC().Format(time.RFC3339) != date {
			t.Errorf("%s is of %d:%d %q and %s", header.Name, header.Uid, header.Gid, header.Uname, header.ModTime)
		}
		found = append(found, header.FileInfo().Mode().String()+" "+header.Name)
	}
}

// wantBill asserts that the bill names the program, its module and Go.
func wantBill(t *testing.T, path string, program []byte) {
	t.Helper()
	var b bill
	if err := json.Unmarshal(readFile(t, path), &b); err != nil {
		t.Fatal(err)
	}
	if b.Format != "CycloneDX" || b.SpecVersion != "1.6" || b.Metadata.Timestamp != date {
		t.Errorf("bill of %s %s at %s", b.Format, b.SpecVersion, b.Metadata.Timestamp)
	}
	if want := []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(program))}}; !cmp.Equal(b.Metadata.Component.Hashes, want) {
		t.Errorf("hashes of the program: %v, want %v", b.Metadata.Component.Hashes, want)
	}
	var parts []string
	for _, part := range b.Components {
		parts = append(parts, part.PURL)
	}
	want := []string{"pkg:golang/std@" + strings.TrimPrefix(runtime.Version(), "go"), "pkg:golang/github.com/go-logfmt/logfmt@v0.5.1", "pkg:golang/github.com/go-kit/log@v0.2.1"}
	if diff := cmp.Diff(sorted(want), sorted(parts)); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	if got := b.Dependencies[0]; got.Ref != b.Metadata.Component.Ref || len(got.DependsOn) != len(parts) {
		t.Errorf("the program depends on %v", got)
	}
}

// TestFaults asserts that no release comes of what is not fit for one, and that
// the error says why.
func TestFaults(t *testing.T) {
	t.Parallel()
	good := build(t)
	withPaths := build(t, "-trimpath=false")
	noProgram := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(noProgram, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no version":         {[]string{"-date", date, good}, `-version ""`},
		"a version with a v": {[]string{"-version", "v1.2.3", "-date", date, good}, `-version "v1.2.3"`},
		"half a version":     {[]string{"-version", "1.2", "-date", date, good}, `-version "1.2"`},
		"no date":            {[]string{"-version", "1.2.3", good}, "-date"},
		"no binary":          {[]string{"-version", "1.2.3", "-date", date}, "no binaries"},
		"a chart and binary": {[]string{"-version", "1.2.3", "-date", date, "-chart", noProgram, "-image", "x", good}, "-chart takes"},
		"a chart of nothing": {[]string{"-version", "1.2.3", "-date", date, "-chart", noProgram}, "-chart takes -image"},
		"a text":             {[]string{"-version", "1.2.3", "-date", date, noProgram}, "how " + noProgram + " was built"},
		"paths inside":       {[]string{"-version", "1.2.3", "-date", date, withPaths}, `-trimpath=""`},
		"no such extra":      {[]string{"-version", "1.2.3", "-date", date, "-extras", "nowhere", good}, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "dist")
			var shown bytes.Buffer
			err := run(append([]string{"-out", out}, test.args...), &shown)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one about %q", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(out, "sha256sums.txt")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("there are checksums of a release that failed: %v", err)
			}
		})
	}
}

// TestChartBill asserts that the bill of a chart names the chart, by its bytes, and
// the image.
func TestChartBill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	packaged := filepath.Join(dir, "greenapi-exporter-1.2.3.tgz")
	if err := os.WriteFile(packaged, []byte("a chart"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-version", "1.2.3", "-date", date, "-out", dir, "-chart", packaged, "-image", "ghcr.io/a/b"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	var got bill
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "greenapi-exporter-1.2.3.chart.cdx.json")), &got); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a chart"))
	chart, image := got.Metadata.Component, got.Components[0]
	if chart.PURL != "pkg:helm/greenapi-exporter@1.2.3" || chart.Hashes[0].Content != hex.EncodeToString(sum[:]) {
		t.Errorf("the chart is %+v", chart)
	}
	if want := "pkg:oci/b?repository_url=ghcr.io%2Fa%2Fb&tag=1.2.3"; image.PURL != want || got.Dependencies[0].DependsOn[0] != image.Ref {
		t.Errorf("the image is %+v, want %s", image, want)
	}
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string][]debug.BuildSetting{
		"darwin-arm64": {{Key: "GOOS", Value: "darwin"}, {Key: "GOARCH", Value: "arm64"}},
		"linux-armv7":  {{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm"}, {Key: "GOARM", Value: "7"}},
		"linux-armv6":  {{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm"}, {Key: "GOARM", Value: "6,softfloat"}},
	} {
		b := binary{info: &debug.BuildInfo{Settings: settings}}
		if got := b.platform(); got != want {
			t.Errorf("platform is %s, want %s", got, want)
		}
	}
}

func TestPackageURL(t *testing.T) {
	t.Parallel()
	const want = "pkg:golang/github.com/example/module/v2@v2.0.0%2Bincompatible"
	if got := packageURL("github.com/example/module/v2", "v2.0.0+incompatible"); got != want {
		t.Errorf("package URL is %s, want %s", got, want)
	}
}

func TestSerialNumberIsAUUID(t *testing.T) {
	t.Parallel()
	got := serialNumber(bytes.Repeat([]byte{0xff}, sha256.Size))
	if want := "urn:uuid:ffffffff-ffff-8fff-bfff-ffffffffffff"; got != want {
		t.Errorf("serial number is %s, want %s", got, want)
	}
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
