package config

import (
	"context"
	"crypto/sha256"
	"os"
	"time"
)

// watchInterval is how often the configuration file is looked at. Kubernetes takes
// about a minute to bring a change to a mounted file, so this adds little.
const watchInterval = 10 * time.Second

// Watch calls changed when the content of a file has changed, until the context
// ends, and while that fails again and again: what the file names, such as a token
// file, may come later than it. It reads the file rather than waiting for events of
// the file system: those get lost behind the symbolic links of Kubernetes and on
// network file systems.
func Watch(ctx context.Context, path string, changed func() error) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	before, failed := contentSum(path), false
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		// A file that cannot be read is about to be replaced, or will be missed at the
		// next reload.
		if now := contentSum(path); (now != before || failed) && now != [sha256.Size]byte{} {
			before = now
			failed = changed() != nil
		}
	}
}

// contentSum returns the hash of a file's content, zero when it cannot be read, and
// for a pipe, which would hold up whoever opens it.
func contentSum(path string) [sha256.Size]byte {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return [sha256.Size]byte{}
	}
	content, err := os.ReadFile(path) //nolint:gosec // The path is the operator's.
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(content)
}
