package web_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
)

// gone is a client to whom nothing can be written any more.
type gone struct{ *httptest.ResponseRecorder }

func (gone) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A client that leaves is no fault of the exporter; one that stays, and gets no
// whole exposition, is.
func TestLeavingIsNoError(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]bool{"left": true, "stayed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				var logged bytes.Buffer
				f := newFace(t, func(o *web.Options) { o.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if left {
					cancel()
				}
				f.ServeHTTP(gone{httptest.NewRecorder()}, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
				if complained := strings.Contains(logged.String(), "exposition incomplete"); complained == left {
					t.Errorf("logged:\n%s", &logged)
				}
			})
		})
	}
}
