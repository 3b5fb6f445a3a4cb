package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/config"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

// demo is a GREEN-API server of our own, with simulated accounts.
type demo struct {
	flags  *flags
	server *greenapitest.Server
	sim    *greenapitest.Simulation
}

func startDemo(f *flags) (*demo, error) {
	if f.configFile != "" {
		return nil, fmt.Errorf("--demo serves simulated accounts and takes no --config.file: leave one of them out")
	}
	sim := greenapitest.Demo(uint64(time.Now().UTC().Truncate(24*time.Hour).Unix()), time.Now)
	return &demo{flags: f, server: greenapitest.NewSimulationServer(sim), sim: sim}, nil
}

// Close stops the server.
func (d *demo) Close() { d.server.Close() }

// config is the configuration that a user of these accounts would write.
func (d *demo) config() (*config.Config, error) {
	var yaml strings.Builder
	yaml.WriteString("instances:\n")
	for _, account := range d.sim.Accounts() {
		fmt.Fprintf(&yaml, "- {id: %q, name: %q, token: %q, api_url: %q, labels: {demo: \"true\"}}\n",
			account.ID, account.Name, account.Token, d.server.URL)
	}
	cfg, err := config.Parse("demo", []byte(yaml.String()), d.flags.defaults())
	if err != nil {
		return nil, fmt.Errorf("the demo's own configuration: %w", err)
	}
	cfg.Warnings = nil // about tokens that open nothing
	return cfg, nil
}

// whereToLook returns addresses for a person who has just started the demo.
func (d *demo) whereToLook(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	base := "http://" + net.JoinHostPort(host, port)
	return fmt.Sprintf(`The demo serves %d simulated accounts. Look at
  %s/                    what there is
  %s%-20s all metrics
  %s/probe?target=%-6s one account
  %s/sd                  the targets, for Prometheus
`, len(d.sim.Accounts()), base, base, d.flags.telemetryPath, base, d.sim.Accounts()[0].Name, base)
}
