package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// binary is a program as Go built it.
type binary struct {
	content []byte
	sum     [sha256.Size]byte
	info    *debug.BuildInfo
}

// readBinary reads a program. It fails on one that was not built for a release:
// one that needs a C library, or that holds paths of the machine that built it.
func readBinary(path string) (binary, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return binary{}, fmt.Errorf("read the binary: %w", err)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return binary{}, fmt.Errorf("how %s was built: %w", path, err)
	}
	b := binary{content: content, sum: sha256.Sum256(content), info: info}
	for setting, want := range map[string]string{"CGO_ENABLED": "0", "-trimpath": "true", "-race": ""} {
		if got := b.setting(setting); got != want {
			return binary{}, fmt.Errorf("%s was built with %s=%q, a release wants %q", path, setting, got, want)
		}
	}
	return b, nil
}

// setting returns a setting of the build, such as GOOS.
func (b binary) setting(key string) string {
	for _, s := range b.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// platform names the system and the processor, e.g. linux-armv7.
func (b binary) platform() string {
	arch := b.setting("GOARCH")
	if arch == "arm" {
		version, _, _ := strings.Cut(b.setting("GOARM"), ",")
		arch = "armv" + version
	}
	return b.setting("GOOS") + "-" + arch
}
