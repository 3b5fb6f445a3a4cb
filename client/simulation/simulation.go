package simulation

import (
	"fmt"
	"time"
)

// Reading is how journals understand their parameter minutes. GREEN-API's
// documentation does not say.
type Reading int

const (
	// ByLastAction: rows whose timestamp lies in the window.
	ByLastAction Reading = iota
	// BySendingTime: rows of messages sent, and calls begun, in the window.
	BySendingTime
)

// JournalCap is how many rows a journal has at most; the oldest go first.
const JournalCap = 10000

// Settings of a Simulation.
type Settings struct {
	Seed    uint64
	Clock   func() time.Time // time.Now when nil
	Reading Reading
	Cap     int // rows of a journal at most, JournalCap when zero
}

// A Simulation is a set of accounts with all their past and future. It
// computes what it is asked for and remembers nothing but the hours it made
// last: no goroutine runs, and the clock may go anywhere, also back. All its
// methods may be called concurrently.
type Simulation struct {
	seed     uint64
	clock    func() time.Time
	reading  Reading
	cap      int
	accounts []*account
	byID     map[string]*account
	bulk     string   // fake base64, of which thumbnails are slices
	phrases  []string // of which texts are made
}

// New returns a simulation of accounts. It panics when an account
// has no id or that of another, a negative number, or an incident of no known
// kind or reason.
func New(settings Settings, accounts ...Account) *Simulation {
	s := &Simulation{
		seed:    settings.Seed,
		byID:    make(map[string]*account, len(accounts)),
		clock:   settings.Clock,
		reading: settings.Reading,
		cap:     settings.Cap,
		bulk:    fakeBase64(hash(settings.Seed, saltPayload), 1<<16),
		phrases: makePhrases(hash(settings.Seed, saltText)),
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.cap == 0 {
		s.cap = JournalCap
	}
	for _, settings := range accounts {
		if s.byID[settings.ID] != nil {
			panic(fmt.Sprintf("simulation: two accounts with the id %s", settings.ID))
		}
		a := newAccount(s, settings)
		s.byID[settings.ID] = a
		s.accounts = append(s.accounts, a)
	}
	return s
}

// Accounts returns the accounts as they were given, with what was left zero
// filled in.
func (s *Simulation) Accounts() []Account {
	accounts := make([]Account, len(s.accounts))
	for i, a := range s.accounts {
		accounts[i] = a.Account
	}
	return accounts
}

// Now is the time by the simulation's clock.
func (s *Simulation) Now() time.Time { return s.clock() }

// AddIncident lets an incident befall an account while the simulation runs.
// One that begins in the past would change what has been seen already. It
// panics when there is no such account, kind or reason.
func (s *Simulation) AddIncident(id string, incident Incident) {
	s.account(id).addIncident(incident)
}

// State is what getStateInstance says of an account at t; empty for null.
func (s *Simulation) State(id string, t time.Time) string {
	return s.account(id).stateAt(t)
}

// Pending counts the messages that wait in an account's queue at t, and says since when
// the oldest of them does; the zero time when none waits.
func (s *Simulation) Pending(id string, t time.Time) (count int, oldest time.Time) {
	return s.account(id).pending(t)
}

func (s *Simulation) account(id string) *account {
	a := s.byID[id]
	if a == nil {
		panic(fmt.Sprintf("simulation: no account has the id %s", id))
	}
	return a
}
