package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
)

// announcement says where to look once the exporter listens, and not before: a port
// that is taken must not be named as if it served.
type announcement struct {
	exporter *exporter
	intro    string
	target   string // of /probe; empty when no account is known yet

	mu   sync.Mutex // listeners begin at once
	once sync.Once
	done chan struct{} // closed when the exporter listens
}

func newAnnouncement(e *exporter, cfg *config.Config) *announcement {
	a := &announcement{exporter: e, intro: "The exporter is running.", done: make(chan struct{})}
	if e.flags.demo {
		a.intro = fmt.Sprintf("The demo serves %d simulated accounts.", len(cfg.Instances))
	}
	if len(cfg.Instances) > 0 {
		a.target = cfg.Instances[0].Name
	}
	return a
}

// listening notes that the exporter listens at an address.
func (a *announcement) listening(address net.Addr, tls bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	base := baseURL(address, tls)
	if a.exporter.flags.logFormat == "json" {
		// JSON is read by programs: no other text in between.
		a.exporter.log.Info("serving", "url", base+"/", "metrics", base+a.exporter.flags.telemetryPath, "documentation", web.DocumentationURL)
	} else {
		fmt.Fprint(a.exporter.stdout, a.text(base))
	}
	a.once.Do(func() { close(a.done) })
}

// text tells a person who has just started the exporter where to look.
func (a *announcement) text(base string) string {
	lines := [][2]string{{"/", "the accounts, and what is wrong"}}
	telemetry := a.exporter.flags.telemetryPath
	if telemetry == "/" {
		lines = [][2]string{{"/", "the metrics of all accounts, for Prometheus"}}
	} else {
		lines = append(lines, [2]string{telemetry, "the metrics of all accounts, for Prometheus"})
	}
	if a.target != "" {
		lines = append(lines, [2]string{"/probe?target=" + url.QueryEscape(a.target), "the metrics of one account"})
	}
	lines = append(lines,
		[2]string{"/history", "the last reads, and what failed"},
		[2]string{"/sd", "the list of accounts, for Prometheus"})
	text := a.intro + " Look at\n"
	for _, line := range lines {
		text += fmt.Sprintf("  %-48s %s\n", base+line[0], line[1])
	}
	return text + "Documentation: " + web.DocumentationURL + "\n"
}

// baseURL returns the URL under which a listener is reached from this machine.
func baseURL(address net.Addr, tls bool) string {
	scheme := "http"
	if tls {
		scheme = "https"
	}
	tcp, ok := address.(*net.TCPAddr)
	if !ok { // a socket of systemd may be of another kind
		return scheme + "://" + address.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

// demoInterval is how often the demo reads its accounts, as Prometheus would.
const demoInterval = time.Minute

// firstRead reads all accounts once the exporter listens, unless that is turned off;
// those of the demo each minute, so that its pages live without Prometheus.
func (e *exporter) firstRead(ctx context.Context, fleet *collector.Fleet, bound <-chan struct{}) {
	if !e.flags.firstRead {
		return
	}
	select {
	case <-bound:
	case <-ctx.Done():
		return
	}
	fleet.FirstRead(ctx)
	if !e.flags.demo {
		return
	}
	tick := time.NewTicker(demoInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			collector.Refresh(ctx, fleet.Roster().Instances())
		case <-ctx.Done():
			return
		}
	}
}
