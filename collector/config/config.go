package config

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// DefaultAPIURL is where an instance is asked that names no other place.
const DefaultAPIURL = "https://api.green-api.com"

// Defaults are what the flags say where the file is silent.
type Defaults struct {
	Window            time.Duration // see CheckWindow
	WholeReadInterval time.Duration // see CheckWholeReadInterval
	NumberPrefixes    []string      // see CheckNumberPrefixes
	Collectors        []string      // of Collectors; empty when the flags turn every one off
}

// Config says whom to ask, and how.
//
// It is valid by construction: only File.Load, Parse and FromEnvironment make one.
// It shares no memory with another Config, with its Defaults or between its
// instances, so changing what one field holds shows nowhere else; all the same, it
// is meant to be read only once it was handed out.
//
// A Config prints as a summary, because HTTPClient may hold passwords that
// fmt and slog would show.
type Config struct {
	// Instances are the instances of the file, in its order.
	Instances []Instance
	// HTTPClient is how to connect to all of them. Redirects and HTTP/2 are off:
	// a redirect would carry the token, which is in the path, elsewhere.
	HTTPClient promconfig.HTTPClientConfig
	// Partner is the account whose instances are looked up; nil without that section.
	Partner *Partner
	// Warnings are to be logged once, each with its place, in the order of the file.
	Warnings []Warning
}

// Instance is one WhatsApp account at GREEN-API.
type Instance struct {
	ID     string // idInstance: 5 to 20 digits, unique
	Name   string // the target's name: the ID unless given, unique, at most 128 characters
	APIURL string // scheme, host and perhaps a path prefix, without a trailing slash
	Token  client.TokenSource
	Window time.Duration // how far back to ask: whole minutes, see CheckWindow
	// WholeReadInterval is how often the whole window is read; 0 for every time.
	WholeReadInterval time.Duration
	NumberPrefixes    []string          // destinations to count by; see CheckNumberPrefixes
	Collectors        []string          // sorted, without duplicates, not empty; see Collectors
	Labels            map[string]string // target labels; may be nil
}

// String, for fmt, gives a summary: how much there is of everything.
func (c Config) String() string {
	return fmt.Sprintf("configuration (instances: %d, partner: %t, warnings: %d)", len(c.Instances), c.Partner != nil, len(c.Warnings))
}

// Format implements fmt.Formatter: the summary, for every verb and flag.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements slog.LogValuer: the summary.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use too: the summary.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
