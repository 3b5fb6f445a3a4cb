package config_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

func openTokenFile(t *testing.T, path string) *config.TokenFile {
	t.Helper()
	c, err := config.Parse(filepath.Join(filepath.Dir(path), "file.yml"),
		fmt.Appendf(nil, "instances: [{id: '1101000001', token_file: %q}]", path), defaults())
	if err != nil {
		t.Fatal(err)
	}
	file, ok := c.Instances[0].Token.(*config.TokenFile)
	if !ok {
		t.Fatalf("the token comes from a %T", c.Instances[0].Token)
	}
	return file
}

// replace puts a new file in the place of another at once.
func replace(t *testing.T, path, content string) {
	t.Helper()
	writeFile(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestTokenFileRotates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	writeFile(t, path, "first")
	file := openTokenFile(t, path)
	for _, step := range []struct{ content, want string }{
		{"first", "first"},
		{"other", "other"},
		{"\n\t third \r\n", "third"},
		{"third", "third"},
		{strings.Repeat("x", 4096), strings.Repeat("x", 4096)},
	} {
		writeFile(t, path, step.content) // in place: same length, perhaps the same time
		if got := reveal(t, file); got != step.want {
			t.Errorf("token %q, want %q", got, step.want)
		}
	}
}

// Kubernetes mounts a secret as a link into a folder that is itself a link, and
// swaps the latter.
func TestTokenFileFollowsASymlinkSwap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, token string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name, "token"), token)
		if err := os.Symlink(name, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..2026_01", "january")
	if err := os.Symlink(filepath.Join("..data", "token"), filepath.Join(dir, "token")); err != nil {
		t.Fatal(err)
	}
	file := openTokenFile(t, filepath.Join(dir, "token"))
	if got := reveal(t, file); got != "january" {
		t.Errorf("token %q, want january", got)
	}
	version("..2026_02", "february")
	if err := os.RemoveAll(filepath.Join(dir, "..2026_01")); err != nil {
		t.Fatal(err)
	}
	if got := reveal(t, file); got != "february" {
		t.Errorf("token %q, want february", got)
	}
}

func TestTokenFileKeepsTheLastGoodToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	writeFile(t, path, "good")
	file := openTokenFile(t, path)
	var told []string
	file.Notify(func(err error) { told = append(told, fmt.Sprint(err)) })
	remove := func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "good"},
		{remove, "good"},
		{func() {}, "good"},
		{func() { writeFile(t, path, " \n") }, "good"},
		{func() { writeFile(t, path, "two tokens") }, "good"},
		{func() { writeFile(t, path, strings.Repeat("x", 4097)) }, "good"},
		{func() { writeFile(t, path, "good") }, "good"},
		{remove, "good"},
		{func() { writeFile(t, path, "better") }, "better"},
		{func() {}, "better"},
		{func() { remove(); mkdir(t, path) }, "better"},
	} {
		step.change()
		for range 2 { // the second time is no news
			if got := reveal(t, file); got != step.want {
				t.Errorf("token %q, want %q", got, step.want)
			}
		}
	}
	want := []string{
		"the token file cannot be read: no such file or directory",
		"the token file is empty: put the apiTokenInstance there",
		"the token file holds a space, a line break or a control character: put the token alone there",
		"the token file is larger than 4 KiB",
		"<nil>",
		"the token file cannot be read: no such file or directory",
		"<nil>",
		"the token file is a folder: it must be a regular file",
	}
	if diff := gocmp.Diff(want, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestTokenFileNotifyMayAskForTheToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	writeFile(t, path, "good")
	file := openTokenFile(t, path)
	var got string
	file.Notify(func(error) { got = reveal(t, file) })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	reveal(t, file)
	if got != "good" {
		t.Errorf("token %q, want good", got)
	}
}

func TestTokenFileConcurrently(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	writeFile(t, path, "token-0")
	file := openTokenFile(t, path)
	file.Notify(func(err error) { t.Errorf("told %v of a file that is always there", err) })
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 200 {
				if token, err := file.Token(); err != nil || !strings.HasPrefix(token.Reveal(), "token-") {
					t.Errorf("token %q, %v", token.Reveal(), err)
				}
			}
		})
	}
	for i := range 100 {
		replace(t, path, fmt.Sprintf("token-%d", i))
	}
	readers.Wait()
	if got := reveal(t, file); got != "token-99" {
		t.Errorf("token %q, want token-99", got)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	const (
		tokenFile = "instances: [{id: \"1101000001\", token_file: token}]\n"
		inline    = "instances: [{id: \"1101000001\", token: good}]\n"
		changed   = " can be changed by others than its owner: chmod go-w"
		read      = " holds a token and can be read by every user of the machine: chmod o-r"
		inFile    = "file.yml:1:39: instances[0].token: is in the configuration file itself: " +
			"whoever reads that can act as the instance, better use token_file"
		tokenPlace = "file.yml:1:44: instances[0].token_file: the file"
	)
	for name, test := range map[string]struct {
		document    string
		file, token fs.FileMode
		want        []string
	}{
		"private":                  {tokenFile, 0o600, 0o400, nil},
		"file may be read":         {tokenFile, 0o644, 0o440, nil},
		"file changed by group":    {tokenFile, 0o620, 0o400, []string{"file.yml: the configuration file" + changed}},
		"file changed by all":      {tokenFile, 0o602, 0o400, []string{"file.yml: the configuration file" + changed}},
		"token may be read by all": {tokenFile, 0o644, 0o644, []string{tokenPlace + read}},
		"token changed by group":   {tokenFile, 0o644, 0o620, []string{tokenPlace + changed}},
		"token changed by all":     {tokenFile, 0o644, 0o646, []string{tokenPlace + changed, tokenPlace + read}},
		"inline, private":          {inline, 0o640, 0o400, []string{inFile}},
		"inline, read by all":      {inline, 0o644, 0o400, []string{"file.yml: the configuration file" + read, inFile}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "file.yml"), test.document)
			writeFile(t, filepath.Join(dir, "token"), "good")
			for file, mode := range map[string]fs.FileMode{"file.yml": test.file, "token": test.token} {
				if err := os.Chmod(filepath.Join(dir, file), mode); err != nil {
					t.Fatal(err)
				}
			}
			c, err := load(filepath.Join(dir, "file.yml"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range c.Warnings {
				got = append(got, strings.TrimPrefix(w.String(), dir+string(filepath.Separator)))
			}
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
