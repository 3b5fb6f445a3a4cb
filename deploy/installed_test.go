//go:build e2e && nspawn && linux

package deploy_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const token = "0123456789abcdef0123456789abcdef0123456789abcdef01"

// distribution makes a release with packages, and returns its folder.
func distribution(t *testing.T) string {
	t.Helper()
	dist := makeRelease(t, "installed")
	top := filepath.Dir(dist)
	if err := os.MkdirAll(filepath.Join(top, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	tools, err := filepath.Glob(filepath.Join(root, "bin/*nfpm*"))
	if err != nil {
		t.Fatal(err)
	}
	stamps, err := filepath.Glob(filepath.Join(root, "bin/.nfpm*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(tools, stamps...) {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(top, "bin", filepath.Base(name))); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	// Twice, and the same bytes come out.
	var sums [2]string
	for i := range sums {
		run(t, top, nil, "make", "packages", "VERSION=1.2.3", "RELEASE_PLATFORMS=linux/"+runtime.GOARCH)
		text, err := os.ReadFile(filepath.Join(dist, "sha256sums.txt"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(text)
	}
	if diff := cmp.Diff(sums[0], sums[1]); diff != "" {
		t.Errorf("checksums of two builds (-first +second):\n%s", diff)
	}
	return dist
}

// boot starts Debian with its systemd in a container without a network, has it run a
// script in a folder that holds some files, and returns what the script wrote. The
// script must end well.
func boot(t *testing.T, script string, files ...string) string {
	t.Helper()
	machine := t.TempDir()
	run(t, "", nil, "tar", "-C", machine, "--numeric-owner", "-xf", tool(t, "debian-bookworm.tar"))
	home := filepath.Join(machine, "root")
	for _, file := range files {
		run(t, "", nil, "cp", file, home)
	}
	for name, text := range map[string]string{
		"steps":       "set -euxo pipefail\ncd /root\n" + script + "\necho all done\n",
		"steps.token": token + "\n",
	} {
		if err := os.WriteFile(filepath.Join(machine, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unit := "[Unit]\nAfter=multi-user.target\nSuccessAction=poweroff-force\nFailureAction=poweroff-force\n" +
		"[Service]\nType=oneshot\nEnvironment=HOME=/root LC_ALL=C.UTF-8\nExecStart=/bin/bash /steps\nStandardOutput=file:/steps.out\nStandardError=inherit\n"
	units := filepath.Join(machine, "etc/systemd/system")
	if err := os.WriteFile(filepath.Join(units, "steps.service"), []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	wants := filepath.Join(units, "graphical.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../steps.service", filepath.Join(wants, "steps.service")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	console, err := exec.CommandContext(ctx, "systemd-nspawn", "--directory="+machine, "--boot",
		"--register=no", "--keep-unit", "--private-network", "--quiet").CombinedOutput()
	out, _ := os.ReadFile(filepath.Join(machine, "steps.out"))
	if err != nil || !strings.HasSuffix(string(out), "\nall done\n") {
		t.Fatalf("systemd-nspawn: %v\n%s\nthe steps wrote:\n%s", err, console, out)
	}
	return string(out)
}

// pasted is a script of blocks. Each gets the token as its standard input, as if
// somebody pasted it.
func pasted(blocks []string) string {
	var script strings.Builder
	for _, block := range blocks {
		script.WriteString("{\n" + block + "} </steps.token\n")
	}
	return script.String()
}

// wantServing asserts how the last step of the documentation ends.
func wantServing(t *testing.T, out string) {
	t.Helper()
	for _, want := range []string{
		"The configuration is valid.",
		"Active: active (running)",
		`greenapi_up{id_instance="1101000001"} 0`, // there is no network
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the steps did not print %q:\n%s", want, out)
		}
	}
}

// TestInstalled installs a release in the ways of deploy/README.md, one after the
// other: two containers in one control group would disturb each other.
//
//nolint:paralleltest // see above
func TestInstalled(t *testing.T) {
	dist := distribution(t)
	run(t, dist, nil, "sha256sum", "--check", "--strict", "sha256sums.txt")
	t.Run("from the tarball", func(t *testing.T) { fromTarball(t, dist) })
	t.Run("from the .deb", func(t *testing.T) { fromPackage(t, dist) })
	t.Run("from the .rpm", func(t *testing.T) { fromRPM(t, dist) })
}

// fromTarball runs exactly the commands of deploy/README.md, and then tries what it
// says of changes.
func fromTarball(t *testing.T, dist string) {
	t.Helper()
	blocks := slices.Concat(shellBlocks(t, "### From a tarball"), shellBlocks(t, "### Configure, check and start"))
	out := boot(t, pasted(blocks)+`
copy=/run/credentials/greenapi_exporter.service/token_support
cmp $copy /steps.token
echo 1123456789abcdef0123456789abcdef0123456789abcdef01 >/etc/greenapi_exporter/tokens/support
cmp $copy /steps.token
systemctl restart greenapi_exporter
curl --silent --show-error --retry 5 --retry-connrefused localhost:10174/-/ready
cmp $copy /etc/greenapi_exporter/tokens/support
[ "$(stat -c %a /etc/greenapi_exporter/tokens/support)" = 600 ]
sed -i 's/token_support/token_nobody/' /etc/greenapi_exporter/greenapi.yml
! greenapi_exporter-check
systemctl is-active greenapi_exporter
[ -d /var/lib/private/greenapi_exporter ]
`, filepath.Join(dist, "greenapi_exporter-1.2.3.linux-"+runtime.GOARCH+".tar.gz"))
	wantServing(t, out)
	if !strings.Contains(out, "greenapi.yml:7") {
		t.Errorf("the check does not say where the fault is:\n%s", out)
	}
}

// fromPackage does the same with the .deb, installs it again, removes it, and purges
// it.
func fromPackage(t *testing.T, dist string) {
	t.Helper()
	deb := "greenapi-exporter_1.2.3-1_" + runtime.GOARCH + ".deb"
	blocks := slices.Concat(shellBlocks(t, "### From a package"), shellBlocks(t, "### Configure, check and start"))
	out := boot(t, pasted(blocks)+`
dpkg --verify greenapi-exporter | tee verified
[ "$(grep -vc /etc/greenapi_exporter/greenapi.yml verified)" = 0 ]
bash -c '. /usr/share/bash-completion/completions/greenapi_exporter; complete -p greenapi_exporter'
zcat /usr/share/man/man1/greenapi_exporter.1.gz | head -1
before=$(systemctl show --property=MainPID greenapi_exporter)
dpkg -i `+deb+`
systemctl is-active greenapi_exporter
[ "$before" != "$(systemctl show --property=MainPID greenapi_exporter)" ]
apt-get --yes remove greenapi-exporter
! systemctl is-active greenapi_exporter
! systemctl cat greenapi_exporter
grep -q 1101000001 /etc/greenapi_exporter/greenapi.yml
[ -f /etc/greenapi_exporter/tokens/support ]
[ -d /var/lib/private/greenapi_exporter ]
apt-get --yes purge greenapi-exporter
find / -xdev -path /root -prune -o -path /proc -prune -o \( -name '*greenapi*' -a ! -path '/var/log/*' \) -print | tee left
[ ! -s left ]
`, filepath.Join(dist, deb))
	wantServing(t, out)
	if !strings.Contains(out, `.TH greenapi_exporter 1 "" "greenapi_exporter 1.2.3"`) {
		t.Errorf("the manual page does not begin with its name and the version:\n%s", out)
	}
}

// fromRPM installs and removes the .rpm in an empty folder, without its scripts,
// which are those of the .deb, and compares what is in it.
func fromRPM(t *testing.T, dist string) {
	t.Helper()
	debs, _ := filepath.Glob(filepath.Join(dist, "*.deb"))
	rpms, _ := filepath.Glob(filepath.Join(dist, "*.rpm"))
	if len(debs) != 1 || len(rpms) != 1 {
		t.Fatalf("the packages are %v and %v", debs, rpms)
	}
	machine := t.TempDir()
	erased := []string{"--root", machine, "--noscripts", "--erase", "greenapi-exporter"}
	run(t, "", nil, "rpm", "--root", machine, "--nodeps", "--noscripts", "--ignorearch", "--install", rpms[0])
	other := t.TempDir()
	run(t, "", nil, "dpkg-deb", "--extract", debs[0], other)
	own := func(dir string) []string {
		var found []string
		for _, name := range files(t, dir) {
			if !regexp.MustCompile(`^(root|var|usr/lib/sysimage)/|/rpm/|_greenapi_exporter$`).MatchString(name) {
				found = append(found, name)
			}
		}
		return found
	}
	if diff := cmp.Diff(own(other), own(machine)); diff != "" {
		t.Errorf("files (-deb +rpm):\n%s", diff)
	}
	for _, script := range []string{"postinstall.sh", "preremove.sh", "postremove.sh"} {
		if all := run(t, "", nil, "rpm", "--query", "--package", "--scripts", rpms[0]); !strings.Contains(all, strings.TrimSpace(read(t, "deploy/packages/"+script))) {
			t.Errorf("the .rpm lacks %s:\n%s", script, all)
		}
	}
	write(t, filepath.Join(machine, "etc/greenapi_exporter/tokens/support"), token)
	run(t, "", nil, "rpm", erased...)
	if diff := cmp.Diff([]string{"etc/greenapi_exporter/tokens/support"}, own(machine)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}
