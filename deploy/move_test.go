//go:build linux

package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kubectl stands in for the real one: exec runs its command here, with the folder of
// the pod's volume in the place of /ledger, as long as the exporters are stopped.
const kubectl = `#!/bin/sh
set -e
echo "$@" >>"$VOLUMES/log"
[ "$1 $2" != "apply -f" ] || { sed -n 's/^        claimName: //p' >>"$VOLUMES/log"; exit; }
[ "$1 $2" = "--namespace greenapi" ] || exit 1
[ "$3" = exec ] || exit 0
grep -q 'replicas=0$' "$VOLUMES/log"
shift 3; [ "$1" != -i ] || shift
pod="$1"; [ "$2" = -- ]; shift 2
volume="$VOLUMES/${pod#ledger-shell-}"
for argument; do shift; set -- "$@" "$(echo "$argument" | sed "s,/ledger/,$volume/,g")"; done
exec "$@"
`

// TestMoveAccount runs the commands by which deploy/README.md moves an account to
// another shard, with a kubectl that is a script.
func TestMoveAccount(t *testing.T) {
	t.Parallel()
	volumes, tools := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "kubectl"), []byte(kubectl), 0o700); err != nil {
		t.Fatal(err)
	}
	const ledger = "\x00 the counters\n\xff"
	for name, text := range map[string]string{"0/1101000001.ledger": ledger, "0/1101000002.ledger": "stays", "1/1101000003.ledger": "stays"} {
		if err := os.MkdirAll(filepath.Join(volumes, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(volumes, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	here := t.TempDir()
	if err := os.CopyFS(filepath.Join(here, "deploy/kubernetes"), os.DirFS("kubernetes")); err != nil {
		t.Fatal(err)
	}
	blocks := shellBlocks(t, "### Move an account to another shard")
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.Join(blocks, ""))
	cmd.Dir = here
	cmd.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "VOLUMES="+volumes)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := map[string]string{"0/1101000002.ledger": "stays", "1/1101000001.ledger": ledger, "1/1101000003.ledger": "stays"}
	got := map[string]string{}
	names, err := filepath.Glob(filepath.Join(volumes, "*/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		inside, _ := filepath.Rel(volumes, name)
		got[inside] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
	log, err := os.ReadFile(filepath.Join(volumes, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range []string{"\nledger-greenapi-exporter-0\n", "\nledger-greenapi-exporter-1\n"} {
		if !strings.Contains(string(log), claim) {
			t.Errorf("no pod has the volume %q:\n%s", claim, log)
		}
	}
}
