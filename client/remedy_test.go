package client_test

import (
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// Every reason says how to mend it, but for the one after which nobody waits.
func TestRemedies(t *testing.T) {
	t.Parallel()
	for _, reason := range client.Reasons() {
		if (reason.Remedy() == "") != (reason == client.ReasonCanceled) {
			t.Errorf("%s: %q", reason, reason.Remedy())
		}
	}
}
