package greenapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// Instance is one instance of a Server: an account of a messenger. Its methods
// may be called while the server serves.
type Instance struct {
	script

	id, token string
	clock     func() time.Time
	backend   backend
	scripted  scripted
}

// A backend knows what an instance's methods answer. It leaves the answer
// untouched when it does not know the method.
type backend interface {
	answer(a *answer, method string, minutes int)
}

func newInstance(id, token string, clock func() time.Time, keep int) *Instance {
	return &Instance{
		script:   script{owner: id, keep: keep},
		id:       id,
		token:    token,
		clock:    clock,
		scripted: newScripted(),
	}
}

// ID is the idInstance.
func (in *Instance) ID() string { return in.id }

// Token is the apiTokenInstance.
func (in *Instance) Token() string { return in.token }

func (in *Instance) answer(a *answer, method string, minutes int, r *http.Request) {
	body, unsupported := in.arranged(method)
	switch {
	case body != nil:
		a.status = http.StatusOK
		a.stream(body)
	case !unsupported:
		in.backend.answer(a, method, minutes)
	}
	if a.status == 0 {
		a.notFound(r)
	}
}

// simulated is the backend of an account of a simulation.
type simulated struct {
	sim *simulation.Simulation
	id  string
}

func (s simulated) answer(a *answer, method string, minutes int) {
	answer := s.sim.Answer(s.id, method, minutes)
	a.status, a.body, a.streamed, a.date = answer.Status, answer.Body, answer.Stream, answer.Date
}

// scripted is the backend of an instance whose answers a test sets.
type scripted struct {
	mu     sync.Mutex
	bodies map[string][]byte
}

func newScripted() scripted {
	return scripted{bodies: map[string][]byte{
		MethodLastOutgoingCalls:    []byte("[]"),
		MethodLastOutgoingMessages: []byte("[]"),
		MethodLastIncomingCalls:    []byte("[]"),
		MethodLastIncomingMessages: []byte("[]"),
		MethodGetStateInstance:     mustJSON(map[string]any{"stateInstance": "authorized"}),
		MethodGetMessagesCount:     mustJSON(map[string]any{"count": 0}),
		MethodGetSettings:          mustJSON(simulation.UsualSettings()),
		MethodGetWaSettings:        mustJSON(simulation.UsualWaSettings()),
	}}
}

func (s *scripted) answer(a *answer, method string, _ int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if body, ok := s.bodies[method]; ok {
		a.status = http.StatusOK
		a.body = body
	}
}

func (s *scripted) set(method string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies[method] = body
}

// SetCalls sets the rows of lastOutgoingCalls, served as they are whatever
// minutes says. It panics when a row cannot be written as JSON.
func (in *Instance) SetCalls(rows ...Call) {
	in.scripted.set(MethodLastOutgoingCalls, journal(rows))
}

// SetMessages sets the rows of lastOutgoingMessages, served as they are
// whatever minutes says. It panics when a row cannot be written as JSON.
func (in *Instance) SetMessages(rows ...Message) {
	in.scripted.set(MethodLastOutgoingMessages, journal(rows))
}

// SetState sets what getStateInstance answers. The empty state is the body
// null: an instance that is being created.
func (in *Instance) SetState(state string) {
	if state == "" {
		in.scripted.set(MethodGetStateInstance, []byte("null"))
		return
	}
	in.scripted.set(MethodGetStateInstance, mustJSON(map[string]any{"stateInstance": state}))
}

// SetQueue sets what getMessagesCount answers.
func (in *Instance) SetQueue(n int) {
	in.scripted.set(MethodGetMessagesCount, mustJSON(map[string]any{"count": n}))
}

// SetSettings changes fields of the answer of getSettings, beginning from the
// usual ones with every webhook on. The value Missing leaves a field out.
func (in *Instance) SetSettings(fields Fields) {
	in.scripted.set(MethodGetSettings, mustJSON(override(simulation.UsualSettings(), fields)))
}

// SetWaSettings changes fields of the answer of getWaSettings, as SetSettings
// does. Unix seconds in suspendedUntil tell of a restriction.
func (in *Instance) SetWaSettings(fields Fields) {
	in.scripted.set(MethodGetWaSettings, mustJSON(override(simulation.UsualWaSettings(), fields)))
}

// Both stand in the answers of getSettings and getWaSettings. Neither may come out of an
// exporter anywhere.
const (
	SecretWebhookToken = simulation.SecretWebhookToken
	SecretPhone        = simulation.SecretPhone
)

func override(object map[string]any, fields Fields) map[string]any {
	maps.Copy(object, fields)
	maps.DeleteFunc(object, func(_ string, v any) bool { return v == Missing })
	return object
}

// journal writes rows as a JSON array, a row a line so that a failing test can
// be read.
func journal[Row json.Marshaler](rows []Row) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			b.WriteString(",\n")
		}
		text, err := row.MarshalJSON()
		if err != nil {
			panic(fmt.Sprintf("greenapitest: row %d: %v", i, err))
		}
		b.Write(text)
	}
	b.WriteByte(']')
	return b.Bytes()
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("greenapitest: %v", err))
	}
	return text
}
