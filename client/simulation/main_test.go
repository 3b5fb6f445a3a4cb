package simulation_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No server, client or simulation may leave a goroutine behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
