package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

// writeChartBill writes what a packaged Helm chart is made of, and returns the
// file's name: the chart, and the image that it installs.
func (r release) writeChartBill() (string, error) {
	packaged, err := os.ReadFile(r.chart)
	if err != nil {
		return "", fmt.Errorf("read: %w", err)
	}
	sum := sha256.Sum256(packaged)
	name := strings.TrimSuffix(path.Base(r.chart), "-"+r.version+".tgz")
	chart := component{
		Type: "application", Name: name, Version: r.version,
		PURL:     "pkg:helm/" + name + "@" + r.version,
		Hashes:   []hash{{"SHA-256", hex.EncodeToString(sum[:])}},
		Licenses: []license{{licenseID{"Apache-2.0"}}},
	}
	image := component{
		Type: "container", Name: r.image, Version: r.version, Scope: "required",
		PURL: "pkg:oci/" + path.Base(r.image) + "?repository_url=" + url.QueryEscape(r.image) + "&tag=" + r.version,
	}
	chart.Ref, image.Ref = chart.PURL, image.PURL
	return r.write(name+"-"+r.version+".chart.cdx.json", bill{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		SerialNumber: serialNumber(sum[:]),
		Metadata:     metadata{Timestamp: r.date.Format(time.RFC3339), Lifecycles: []lifecycle{{"build"}}, Component: chart},
		Components:   []component{image},
		Dependencies: []dependency{{Ref: chart.Ref, DependsOn: []string{image.Ref}}, {Ref: image.Ref, DependsOn: []string{}}},
	})
}
