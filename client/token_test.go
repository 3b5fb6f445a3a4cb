package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"go.yaml.in/yaml/v3"
)

const sentinel = "SENTINEL0TOKEN0d75b3a2"

// TestTokenNeverPrints holds tokens in every place that printers reach, unexported
// fields included, where fmt cannot see a String method.
func TestTokenNeverPrints(t *testing.T) {
	t.Parallel()
	token := client.NewToken(sentinel)
	type holder struct {
		Exported client.Token
		hidden   client.Token
		Pointer  *client.Token
		List     []client.Token
		Map      map[string]client.Token
	}
	held := holder{token, token, &token, []client.Token{token}, map[string]client.Token{"a": token}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%p", "%c", "%U", "%e"} {
		for _, value := range []any{token, &token, held, &held, []any{token}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("token", "token", token, "pointer", &token, "held", held, "group", slog.GroupValue(slog.Any("t", token)))
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		text, err := marshal(struct {
			Token client.Token
			List  []client.Token
		}{token, []client.Token{token}})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	for _, form := range []string{sentinel, fmt.Sprintf("%x", sentinel), fmt.Sprintf("%X", sentinel)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the token was printed:\n%s", out.String())
		}
	}
	if token.Reveal() != sentinel {
		t.Error("Reveal does not give the token")
	}
}

func TestZeroToken(t *testing.T) {
	t.Parallel()
	var zero client.Token
	if !zero.IsZero() || zero.Reveal() != "" || !client.NewToken("").IsZero() || client.NewToken("x").IsZero() {
		t.Error("IsZero is wrong")
	}
}
