//go:build e2e && linux

package deploy_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestRelease has make build a release for this platform from two clones at two
// places. Both give the same bytes, and the tarball's program serves under the
// command line of the tarball's unit.
func TestRelease(t *testing.T) {
	t.Parallel()
	first := makeRelease(t, "a")
	second := makeRelease(t, "another")
	names := files(t, first)
	if len(names) != 3 {
		t.Errorf("the release has %v, want a tarball, a bill of materials and checksums", names)
	}
	for _, name := range names {
		one, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(second, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, two) {
			t.Errorf("%s differs from one clone to the other", name)
		}
	}
	run(t, first, nil, "sha256sum", "--check", "--strict", "sha256sums.txt")

	name := "greenapi_exporter-1.2.3.linux-" + runtime.GOARCH
	elsewhere := t.TempDir()
	run(t, elsewhere, nil, "tar", "-xzf", filepath.Join(first, name+".tar.gz"))
	unpacked := filepath.Join(elsewhere, name)
	program := filepath.Join(unpacked, "greenapi_exporter")
	wantStatic(t, program)
	version, err := exec.CommandContext(t.Context(), program, "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(version), "version 1.2.3 ") {
		t.Errorf("--version says %q, %v", version, err)
	}
	wantUnitServes(t, program, filepath.Join(unpacked, "deploy/systemd"), `version="1.2.3"`)
	wantFilesNamed(t, unpacked)
}

// wantFilesNamed asserts that the files are there which the pages of a tarball link
// to and its units install.
func wantFilesNamed(t *testing.T, unpacked string) {
	t.Helper()
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	install := regexp.MustCompile(`(?m)^[$ ]*sudo install .*`)
	links, installed := 0, 0
	for _, name := range files(t, unpacked) {
		path := filepath.Join(unpacked, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var named []string
		if strings.HasSuffix(name, ".md") {
			for _, m := range link.FindAllStringSubmatch(string(text), -1) {
				// Code and what containers are made of are in the repository.
				if filepath.Dir(name) != "deploy" || !regexp.MustCompile(`^(compose\.yaml|helm/|kubernetes/|release/|schemas/)|\.go$`).MatchString(m[1]) {
					named = append(named, filepath.Join(filepath.Dir(path), m[1]))
					links++
				}
			}
		}
		for _, command := range install.FindAllString(string(text), -1) {
			for _, file := range regexp.MustCompile(` (deploy/\S+)`).FindAllStringSubmatch(command, -1) {
				named = append(named, filepath.Join(unpacked, file[1]))
				installed++
			}
		}
		for _, file := range named {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s names what is not in the tarball: %v", name, err)
			}
		}
	}
	if links < 20 || installed < 6 {
		t.Errorf("only %d links and %d commands were found", links, installed)
	}
}

// makeRelease commits the present files in a new folder, makes a release there, and
// returns where it is.
func makeRelease(t *testing.T, branch string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), branch)
	tracked := run(t, root, nil, "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	for file := range strings.SplitSeq(strings.TrimRight(tracked, "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, file))
		switch {
		case err != nil: // deleted, and not committed yet
		case info.Mode().Type() == fs.ModeSymlink:
			copyLink(t, filepath.Join(root, file), filepath.Join(dir, file))
		default:
			copyFiles(t, filepath.Join(root, file), root, dir, func(string) bool { return true })
		}
	}
	env := []string{
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	}
	run(t, dir, env, "git", "init", "--quiet", "--initial-branch="+branch)
	run(t, dir, env, "git", "add", "--all")
	run(t, dir, env, "git", "commit", "--quiet", "--message=everything")
	run(t, dir, env, "make", "release", "VERSION=1.2.3", "RELEASE_PLATFORMS=linux/"+runtime.GOARCH)
	return filepath.Join(dir, "dist")
}

func copyLink(t *testing.T, source, target string) {
	t.Helper()
	to, err := os.Readlink(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, target); err != nil {
		t.Fatal(err)
	}
}
