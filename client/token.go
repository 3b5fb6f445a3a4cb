package client

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "<secret>"

// Token is the apiTokenInstance of an instance. GREEN-API wants it in the path
// of every request, so whoever sees a URL sees the token: it prints as a
// placeholder through every verb of fmt, and in slog, JSON and YAML.
//
// The value hides behind a function because fmt reads the unexported fields of
// a struct by reflection, past any String method they have.
type Token struct {
	reveal func() string
}

// NewToken wraps a token that is given in clear.
func NewToken(text string) Token {
	return Token{reveal: func() string { return text }}
}

// Reveal returns the token in clear. It belongs in a request's path and nowhere else.
func (t Token) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero tells whether there is no token, or an empty one.
func (t Token) IsZero() bool { return t.Reveal() == "" }

// String implements fmt.Stringer.
func (Token) String() string { return redacted }

// Format implements fmt.Formatter for every verb and flag.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML implements yaml.Marshaler.
func (Token) MarshalYAML() (any, error) { return redacted, nil }

// TokenSource gives the token to use for the next request. The token may change
// from one request to the next (a file that is rotated).
type TokenSource interface {
	Token() (Token, error)
}

// Token makes a fixed Token a TokenSource.
func (t Token) Token() (Token, error) { return t, nil }
