//go:build e2e

package alertmanager_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func amtool(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/amtool")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; make tools builds it", err)
	}
	text, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("amtool %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return string(text)
}

func TestAmtoolAcceptsTheConfiguration(t *testing.T) {
	t.Parallel()
	if text := amtool(t.Context(), t, "check-config", "alertmanager.yml"); !strings.Contains(text, "1 templates") {
		t.Errorf("the template was not checked:\n%s", text)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	for alert, severity := range severities(t) {
		t.Run(alert, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{"critical": "on-call", "warning": "messaging-team", "info": "dashboards-only"}[severity]
			amtool(t.Context(), t, "config", "routes", "test", "--config.file=alertmanager.yml",
				"--verify.receivers="+want, "alertname="+alert, "severity="+severity, "id_instance=1101000001")
		})
	}
}

// TestTemplate renders a notification of two alerts about one account.
func TestTemplate(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(data, []byte(`{
		"status": "firing", "commonAnnotations": {"account": "1101000001 (support)"},
		"alerts": [
			{"status": "firing", "startsAt": "2026-01-02T03:04:05Z", "labels": {"alertname": "GreenAPIAccountBlocked", "severity": "critical"},
			 "annotations": {"account": "1101000001 (support)", "summary": "An account is blocked.", "description": "State 1.", "runbook_url": "https://r", "dashboard_url": "/d/a"}},
			{"status": "resolved", "startsAt": "2026-01-02T03:04:05Z", "labels": {"alertname": "GreenAPINoCalls", "severity": "warning"},
			 "annotations": {"summary": "No calls.", "description": "20 a week ago.", "runbook_url": "https://r", "dashboard_url": "/d/a"}}
		]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got := amtool(t.Context(), t, "template", "render", "--template.glob=greenapi.tmpl", "--template.data="+data,
		`--template.text={{ template "greenapi.title" . }}`+"\n"+`{{ template "greenapi.text" . }}`)
	want := `[FIRING: 1] 1101000001 (support): 2 alerts
CRITICAL GreenAPIAccountBlocked (1101000001 (support))
An account is blocked. State 1.
Since 2026-01-02 03:04 UTC. What to do: https://r
Dashboard: /d/a

Over:
WARNING GreenAPINoCalls
No calls. 20 a week ago.
Since 2026-01-02 03:04 UTC. What to do: https://r
Dashboard: /d/a
`
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
