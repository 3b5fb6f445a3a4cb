package deploy_test

import (
	"strings"
	"testing"
)

// shellBlocks returns the fenced blocks of shell commands (```sh) below a heading of
// deploy/README.md, down to the next heading. Blocks with prompts (```console) are
// not for pasting.
func shellBlocks(t *testing.T, heading string) []string {
	t.Helper()
	_, section, ok := strings.Cut(read(t, "deploy/README.md"), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("deploy/README.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n#")
	var blocks []string
	for i, part := range strings.Split(section, "\n```") {
		text, isShell := strings.CutPrefix(part, "sh\n")
		if i%2 == 1 && isShell {
			blocks = append(blocks, text+"\n")
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("deploy/README.md has no commands below %q", heading)
	}
	return blocks
}
