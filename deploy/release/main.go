// Command release packs built binaries for a release: a tarball and a bill of
// materials for each, and the checksums of all. It is what make release runs.
//
//	release -version 1.2.3 -date 2026-01-02T03:04:05Z -out dist -extras "LICENSE deploy/systemd" binary …
//	release -version 1.2.3 -date 2026-01-02T03:04:05Z -out dist -image ghcr.io/… -chart greenapi-exporter-1.2.3.tgz
//
// The second form writes a bill of materials of a packaged Helm chart.
//
// The extras, files and folders without their Go code, go into every tarball, at
// the paths they have here. Equal inputs give equal bytes.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// semver is what a version looks like, without a leading v.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is what the command line asks for.
type release struct {
	version string
	date    time.Time // of everything in the release
	out     string    // folder for the results
	extras  []string  // files and folders for every tarball
	chart   string    // a packaged Helm chart, instead of binaries
	image   string    // that the chart installs, without the tag
}

func run(args []string, stdout io.Writer) error {
	r, binaries, err := parse(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return fmt.Errorf("the folder of the release: %w", err)
	}
	if r.chart != "" {
		if _, err := r.writeChartBill(); err != nil {
			return fmt.Errorf("bill of materials of %s: %w", r.chart, err)
		}
		return nil
	}
	var made []string
	for _, path := range binaries {
		b, err := readBinary(path)
		if err != nil {
			return err
		}
		tarball, err := r.pack(b)
		if err != nil {
			return fmt.Errorf("pack %s: %w", b.platform(), err)
		}
		bill, err := r.writeBill(b)
		if err != nil {
			return fmt.Errorf("bill of materials of %s: %w", b.platform(), err)
		}
		made = append(made, tarball, bill)
	}
	slices.Sort(made)
	sums, err := checksums(r.out, made)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, "sha256sums.txt"), []byte(sums), 0o644); err != nil {
		return fmt.Errorf("write the checksums: %w", err)
	}
	if _, err := io.WriteString(stdout, sums); err != nil {
		return fmt.Errorf("print the checksums: %w", err)
	}
	return nil
}

func parse(args []string) (r release, binaries []string, err error) {
	set := flag.NewFlagSet("release", flag.ContinueOnError)
	set.StringVar(&r.version, "version", "", "version, e.g. 1.2.3")
	date := set.String("date", "", "date of everything in it, in the form of RFC 3339")
	set.StringVar(&r.out, "out", "dist", "folder of the results")
	extras := set.String("extras", "", "files and folders for every tarball, separated by spaces")
	set.StringVar(&r.chart, "chart", "", "packaged Helm chart to write a bill of materials of")
	set.StringVar(&r.image, "image", "", "image that the chart installs")
	if err := set.Parse(args); err != nil {
		return r, nil, fmt.Errorf("command line: %w", err)
	}
	if !semver.MatchString(r.version) {
		return r, nil, fmt.Errorf("-version %q is none such as 1.2.3 or 1.2.3-rc.1", r.version)
	}
	if r.date, err = time.Parse(time.RFC3339, *date); err != nil {
		return r, nil, fmt.Errorf("-date: %w", err)
	}
	r.date = r.date.UTC()
	r.extras = strings.Fields(*extras)
	switch {
	case r.chart == "" && set.NArg() == 0:
		return r, nil, errors.New("no binaries to pack")
	case r.chart != "" && (set.NArg() > 0 || r.image == ""):
		return r, nil, errors.New("-chart takes -image and no binaries")
	}
	return r, set.Args(), nil
}

// name is what the files of a platform begin with.
func (r release) name(b binary) string {
	return "greenapi_exporter-" + r.version + "." + b.platform()
}

// checksums returns the lines that sha256sum -c reads.
func checksums(dir string, names []string) (string, error) {
	var lines strings.Builder
	for _, name := range names {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("checksum: %w", err)
		}
		sum := sha256.New()
		_, err = io.Copy(sum, file)
		if err := errors.Join(err, file.Close()); err != nil {
			return "", fmt.Errorf("checksum of %s: %w", name, err)
		}
		fmt.Fprintf(&lines, "%x  %s\n", sum.Sum(nil), name)
	}
	return lines.String(), nil
}
