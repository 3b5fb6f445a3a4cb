package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// The other roles of this program, as its first argument.
const (
	roleAPI    = "api"
	roleReader = "read"
)

// largestKept is how many records a body may have that the server keeps in memory;
// others are made anew for each request.
const largestKept = 100_000

// serving is what the server's accounts hold.
type serving struct {
	payload  string // a key of payloads; "both": calls and text messages; or "simulated"
	rows     int    // of a journal; not of simulated ones
	accounts int
	gzip     bool
	moving   bool // rows go by with time, and an answer holds the minutes that it is asked for; of one account
}

const (
	// simulatedPerDay is how many messages a simulated account sends a day.
	simulatedPerDay = 300
	// simulatedSpeed is how much faster than ours the clock of simulated accounts is.
	simulatedSpeed = 20
)

// payloads are the kinds of journals, each with the method that answers with it.
func payloads() map[string]payload {
	return map[string]payload{
		"calls":              {greenapitest.MethodLastOutgoingCalls, simulation.Payload.Calls},
		"texts":              {greenapitest.MethodLastOutgoingMessages, simulation.Payload.Texts},
		"thumbnails":         {greenapitest.MethodLastOutgoingMessages, simulation.Payload.Thumbnails},
		"escaped thumbnails": {greenapitest.MethodLastOutgoingMessages, simulation.Payload.EscapedThumbnails},
	}
}

type payload struct {
	method string
	write  func(simulation.Payload, io.Writer) error
}

func (s serving) kinds() []payload {
	all := payloads()
	if s.payload == "both" || s.payload == "simulated" {
		return []payload{all["calls"], all["texts"]}
	}
	return []payload{all[s.payload]}
}

// args are the arguments of the role that serves it.
func (s serving) args() []string {
	return []string{
		roleAPI, "-payload", s.payload, "-rows", strconv.Itoa(s.rows),
		"-accounts", strconv.Itoa(s.accounts), "-gzip=" + strconv.FormatBool(s.gzip), "-moving=" + strconv.FormatBool(s.moving),
	}
}

// token opens every account.
const token = "token-of-the-load-test"

func accountID(n int) string { return strconv.Itoa(1101000000 + n) }

// urls are the addresses of an account's journals.
func (s serving) urls(api string, account int) []string {
	var all []string
	for _, kind := range s.kinds() {
		all = append(all, api+"/waInstance"+accountID(account)+"/"+kind.method+"/"+token)
	}
	return all
}

// serveAPI is GREEN-API until the context ends.
func serveAPI(ctx context.Context, args []string, stderr io.Writer) error {
	var s serving
	flags := flag.NewFlagSet("load api", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.payload, "payload", "calls", "kind of journal")
	flags.IntVar(&s.rows, "rows", 0, "records of a journal")
	flags.IntVar(&s.accounts, "accounts", 1, "how many accounts")
	flags.BoolVar(&s.gzip, "gzip", false, "answer with gzip")
	flags.BoolVar(&s.moving, "moving", false, "let rows go by with time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.moving {
		api, err := s.movingAPI()
		if err != nil {
			return err
		}
		return serve(ctx, api, stderr)
	}
	server, err := s.server()
	if err != nil {
		return err
	}
	defer server.Close()
	server.SetEncoding(greenapitest.EncodingPlain)
	api, err := url.Parse(server.URL)
	if err != nil {
		return fmt.Errorf("the server's address: %w", err)
	}
	if err := sayListening(stderr, api.Host); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// server starts a server whose accounts hold that.
func (s serving) server() (*greenapitest.Server, error) {
	if s.payload == "simulated" {
		return greenapitest.NewSimulationServer(s.simulation()), nil
	}
	server := greenapitest.NewServer()
	for _, kind := range s.kinds() {
		answer, err := s.answer(kind)
		if err != nil {
			server.Close()
			return nil, err
		}
		for n := range s.accounts {
			instance := server.Instance(accountID(n))
			if instance == nil {
				instance = server.AddInstance(accountID(n), token)
			}
			instance.Fault(kind.method, answer, 0)
		}
	}
	return server, nil
}

// simulation is of accounts whose clock runs fast.
func (s serving) simulation() *simulation.Simulation {
	accounts := simulation.Fleet(1, s.accounts, simulatedPerDay)
	for n := range accounts {
		accounts[n].ID, accounts[n].Token = accountID(n), token
	}
	// The middle of a working day.
	begin, started := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC), time.Now()
	return simulation.New(simulation.Settings{
		Seed:  1,
		Clock: func() time.Time { return begin.Add(simulatedSpeed * time.Since(started)) },
	}, accounts...)
}

// answer makes the answer of all accounts, in memory unless it is very large.
func (s serving) answer(kind payload) (greenapitest.Fault, error) {
	rows := simulation.Payload{Rows: s.rows, Seed: 1}
	if s.rows > largestKept {
		return greenapitest.Fault{
			BodyFunc: func(_ context.Context, w io.Writer) error { return kind.write(rows, w) },
		}, nil
	}
	var body bytes.Buffer
	if !s.gzip {
		err := kind.write(rows, &body)
		return greenapitest.Fault{Body: body.Bytes()}, err
	}
	zip := gzip.NewWriter(&body)
	if err := kind.write(rows, zip); err != nil {
		return greenapitest.Fault{}, err
	}
	if err := zip.Close(); err != nil {
		return greenapitest.Fault{}, fmt.Errorf("zip the body: %w", err)
	}
	return greenapitest.Fault{Body: body.Bytes(), Header: http.Header{"Content-Encoding": {"gzip"}}}, nil
}
