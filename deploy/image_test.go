//go:build e2e && linux

package deploy_test

import (
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nonroot is the user of the image.
const nonroot = 65532

// TestImage follows the Dockerfile without Docker: the commands of its first stage
// run in a folder that holds what .dockerignore lets in, its second stage fills an
// empty folder, and the entry point serves with that folder as its root.
func TestImage(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	src := buildStage(t, stages[0])
	image := t.TempDir()
	var entrypoint []string
	for _, i := range stages[1] {
		switch i.name {
		case "COPY":
			copyFromBuild(t, i, src, image)
		case "ENTRYPOINT":
			if err := json.Unmarshal([]byte(i.rest), &entrypoint); err != nil || len(entrypoint) == 0 {
				t.Fatalf("ENTRYPOINT %s: %v", i.rest, err)
			}
		case "USER":
			if i.rest != "65532:65532" {
				t.Errorf("USER is %s", i.rest)
			}
		case "FROM":
			if i.rest != "scratch" {
				t.Errorf("the image begins with %s, want scratch", i.rest)
			}
		case "RUN":
			t.Error("RUN in an image that has no shell")
		}
	}

	want := []string{"LICENSE", "bin/greenapi_exporter", "etc/ssl/certs/ca-certificates.crt"}
	if diff := cmp.Diff(want, files(t, image)); diff != "" {
		t.Errorf("files in the image (-want +got):\n%s", diff)
	}
	wantStatic(t, filepath.Join(image, entrypoint[0]))
	certificates, err := os.ReadFile(filepath.Join(image, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(certificates) {
		t.Errorf("the certificates of the image cannot be read: %v", err)
	}

	cmd := exec.CommandContext(t.Context(), entrypoint[0], "--demo", "--web.listen-address=127.0.0.1:0", "--ledger.path=/var/lib/greenapi_exporter")
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = inRoot(image)
	s := serve(t, cmd)
	wantMetrics(t, s, `version="1.2.3"`, `revision="abcdef"`, "greenapi_ledger_last_write_successful{")
	s.stop(t)
	if states := files(t, filepath.Join(image, "var/lib/greenapi_exporter")); len(states) == 0 {
		t.Error("the exporter kept nothing in its ledger folder")
	}
}

// inRoot puts a process into a root and makes it the image's user. Who is not root
// does it in a user namespace.
func inRoot(dir string) *syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		return &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: nonroot, Gid: nonroot}}
	}
	return &syscall.SysProcAttr{
		Chroot: dir, Cloneflags: syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Getegid(), Size: 1}},
	}
}

// buildStage runs the stage that builds and returns the folder it worked in.
func buildStage(t *testing.T, stage []instruction) string {
	t.Helper()
	src := t.TempDir()
	arguments := []string{
		"TARGETOS=linux", "TARGETARCH=" + runtime.GOARCH, "TARGETVARIANT=",
		"VERSION=1.2.3", "REVISION=abcdef", "BRANCH=", "BUILD_DATE=",
	}
	ignored := strings.Split(strings.TrimSpace(regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, ".dockerignore"), "")), "\n")
	for _, i := range stage {
		switch i.name {
		case "WORKDIR":
			if i.rest != "/src" {
				t.Fatalf("WORKDIR is %s", i.rest)
			}
		case "ARG":
			for _, argument := range strings.Fields(i.rest) {
				name, _, _ := strings.Cut(argument, "=")
				if !slices.ContainsFunc(arguments, func(a string) bool { return strings.HasPrefix(a, name+"=") }) {
					t.Fatalf("the test does not know ARG %s", name)
				}
			}
		case "COPY":
			copyContext(t, ignored, i, src)
		case "RUN":
			run(t, src, arguments, "/bin/sh", "-c", i.rest)
		}
	}
	return src
}

// copyContext carries out a COPY from the build context.
func copyContext(t *testing.T, ignored []string, i instruction, dst string) {
	t.Helper()
	words := strings.Fields(i.rest)
	sources, target := words[:len(words)-1], filepath.Join(dst, words[len(words)-1])
	for _, pattern := range sources {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("COPY %s finds nothing: %v", pattern, err)
		}
		for _, source := range found {
			base := filepath.Dir(source)
			if info, err := os.Stat(source); err == nil && info.IsDir() {
				base = source
			}
			copyFiles(t, source, base, target, func(file string) bool {
				inside, err := filepath.Rel(root, file)
				return err == nil && inBuildContext(t, ignored, inside)
			})
		}
	}
}

// copyFromBuild carries out a COPY of the second stage.
func copyFromBuild(t *testing.T, i instruction, src, image string) {
	t.Helper()
	source, target, _ := strings.Cut(i.rest, " ")
	if i.flag("--from") != "build" {
		t.Fatalf("COPY %s comes from %q", i.rest, i.flag("--from"))
	}
	if inside, ok := strings.CutPrefix(source, "/src/"); ok {
		source = filepath.Join(src, inside)
	}
	info, err := os.Stat(source)
	if err != nil {
		t.Fatal(err)
	}
	target = filepath.Join(image, target)
	if !info.IsDir() {
		copyFiles(t, source, filepath.Dir(source), target, func(string) bool { return true })
		return
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		t.Fatal(err)
	}
	if i.flag("--chown") == "65532:65532" && os.Geteuid() == 0 {
		if err := os.Chown(target, nonroot, nonroot); err != nil {
			t.Fatal(err)
		}
	}
}

// copyFiles copies a file, or those below a folder, that are wanted; their paths
// below base stay.
func copyFiles(t *testing.T, source, base, target string, wanted func(file string) bool) {
	t.Helper()
	err := filepath.WalkDir(source, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !wanted(file) {
			return err
		}
		inside, err := filepath.Rel(base, file)
		if err != nil {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		to := filepath.Join(target, inside)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, text, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// inBuildContext tells whether .dockerignore lets a file into the build: the last
// pattern decides that matches the file or a folder above it.
func inBuildContext(t *testing.T, patterns []string, file string) bool {
	t.Helper()
	in := true
	for _, pattern := range patterns {
		pattern, include := strings.CutPrefix(pattern, "!")
		anywhere, isAnywhere := strings.CutPrefix(pattern, "**/")
		for name := file; name != "."; name = path.Dir(name) {
			matched, err := path.Match(pattern, name)
			if isAnywhere {
				matched, err = path.Match(anywhere, path.Base(name))
			}
			if err != nil {
				t.Fatalf(".dockerignore: %s: %v", pattern, err)
			}
			if matched {
				in = include
				break
			}
		}
	}
	return in
}

// files returns the paths of the files below a folder, sorted.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(dir, file)
		found = append(found, inside)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantStatic asserts that a program needs no other file to run.
func wantStatic(t *testing.T, program string) {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Errorf("%s asks for a dynamic linker", program)
		}
	}
	if libraries, err := file.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("%s needs %v", program, libraries)
	}
}
