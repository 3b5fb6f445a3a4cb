package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

var equateEmpty = cmpopts.EquateEmpty()

// canned answers each request with a body, without a network.
type canned func() io.Reader

func (c canned) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(c())}, nil
}

// cannedClient returns a client to whom every journal is the body. A new one has
// no rate limit to wait for.
func cannedClient(t testing.TB, body func() io.Reader) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{
		APIURL: "http://greenapi.invalid", IDInstance: id, Token: client.NewToken(sentinel), HTTPClient: canned(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// row is a good call with one member replaced or added.
func row(member string) string {
	return `{"idMessage":"A","timestamp":1754455789,"chatId":"79110000001@c.us","duration":3,"isVideo":false,"status":"pickUp","participants":[{"id":"79110000001@c.us","status":"pickUp"}]` + member + `}`
}

// TestBadBodies is the table of bodies that have broken parsers: each is an error,
// an invalid record, or a good one, and never a wrong number.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	good := row("")
	deep := strings.Repeat("[", 20_000_000)
	tests := []struct {
		name, body            string
		fails                 bool
		records, invalid      int
		wantStatus, wantChat  string
		wantDuration, wantPar int
	}{
		{name: "empty body", fails: true},
		{name: "white space", body: " \n\t\r ", fails: true},
		{name: "null", body: "null", fails: true},
		{name: "true", body: "true", fails: true},
		{name: "number", body: "7", fails: true},
		{name: "string", body: `"[]"`, fails: true},
		{name: "object", body: "{}", fails: true},
		{name: "array in an object", body: `{"data":[]}`, fails: true},
		{name: "error object", body: `{"code":401,"description":"Unauthorized"}`, fails: true},
		{name: "html", body: "<html></html>", fails: true},
		{name: "byte order mark", body: "\ufeff[]", fails: true},
		{name: "opened only", body: "[", fails: true},
		{name: "closed only", body: "]", fails: true},
		{name: "wrong bracket", body: "[}", fails: true},
		{name: "cut in a record", body: "[" + good[:len(good)-9], fails: true},
		{name: "cut after a record", body: "[" + good, fails: true},
		{name: "cut after a comma", body: "[" + good + ",", fails: true},
		{name: "cut in an escape", body: `[{"status":"\u00`, fails: true},
		{name: "cut in a literal", body: "[tru", fails: true},
		{name: "comma first", body: "[," + good + "]", fails: true},
		{name: "comma twice", body: "[" + good + ",," + good + "]", fails: true},
		{name: "comma last", body: "[" + good + ",]", fails: true},
		{name: "no comma", body: "[" + good + good + "]", fails: true},
		{name: "comma last in an object", body: `[{"status":"pickUp",}]`, fails: true},
		{name: "no colon", body: `[{"status" "pickUp"}]`, fails: true},
		{name: "two colons", body: `[{"status"::"pickUp"}]`, fails: true},
		{name: "bare key", body: `[{status:"pickUp"}]`, fails: true},
		{name: "single quotes", body: `[{'status':'pickUp'}]`, fails: true},
		{name: "comment", body: `[/* */]`, fails: true},
		{name: "trailing bytes", body: "[" + good + "]x", fails: true},
		{name: "trailing array", body: "[][]", fails: true},
		{name: "trailing zero byte", body: "[]\x00", fails: true},
		{name: "control character in a string", body: "[{\"status\":\"pick\nUp\"}]", fails: true},
		{name: "bad escape", body: `[{"status":"\x41"}]`, fails: true},
		{name: "leading zero", body: `[{"duration":007}]`, fails: true},
		{name: "plus sign", body: `[{"duration":+7}]`, fails: true},
		{name: "hexadecimal", body: `[{"duration":0x7}]`, fails: true},
		{name: "NaN", body: `[{"duration":NaN}]`, fails: true},
		{name: "lone minus", body: `[{"duration":-}]`, fails: true},
		{name: "exponent without digits", body: `[{"duration":1e}]`, fails: true},
		{name: "nesting", body: deep, fails: true},
		{name: "nesting in an unused field", body: `[{"x":` + deep, fails: true},

		{name: "null element", body: "[null," + good + "]", records: 2, invalid: 1},
		{name: "elements of every other type", body: `[1,"a",true,false,[],[[{}]],null]`, records: 7, invalid: 7},
		{name: "too large for a float", body: "[" + row(`,"duration":1e400`) + "]", records: 1, invalid: 1},
		{name: "too large for an integer", body: "[" + row(`,"timestamp":1180591620717411303424`) + "]", records: 1, invalid: 1},
		{name: "fraction", body: "[" + row(`,"duration":1.5`) + "]", records: 1, invalid: 1},
		{name: "number as string", body: "[" + row(`,"duration":"3"`) + "]", records: 1, invalid: 1},
		{name: "negative duration", body: "[" + row(`,"duration":-1`) + "]", records: 1, invalid: 1},
		{name: "a week and a second", body: "[" + row(`,"duration":604801`) + "]", records: 1, invalid: 1},
		{name: "status is a number", body: "[" + row(`,"status":1`) + "]", records: 1, invalid: 1},
		{name: "status is an object", body: "[" + row(`,"status":{"a":1}`) + "]", records: 1, invalid: 1},
		{name: "chat is a fraction", body: "[" + row(`,"chatId":1.5`) + "]", records: 1, invalid: 1},
		{name: "chat is a boolean", body: "[" + row(`,"chatId":true`) + "]", records: 1, invalid: 1},
		{name: "video is a number", body: "[" + row(`,"isVideo":1`) + "]", records: 1, invalid: 1},
		{name: "participants is an object", body: "[" + row(`,"participants":{}`) + "]", records: 1, invalid: 1},
		{name: "participant is null", body: "[" + row(`,"participants":[null]`) + "]", records: 1, invalid: 1},
		{name: "status of a participant is a number", body: "[" + row(`,"participants":[{"status":1}]`) + "]", records: 1, invalid: 1},
		{name: "id is an array", body: "[" + row(`,"idMessage":[]`) + "]", records: 1, invalid: 1},

		{name: "white space everywhere", body: " [ " + strings.ReplaceAll(good, ",", " ,\n\t") + " ] \n", records: 1, wantStatus: "pickUp", wantDuration: 3},
		{name: "a week", body: "[" + row(`,"duration":604800`) + "]", records: 1, wantDuration: 604800},
		{name: "repeated key, the last holds", body: "[" + row(`,"status":"declined"`) + "]", records: 1, wantStatus: "declined"},
		{name: "repeated key, the first bad", body: `[{"status":7,"status":"declined"}]`, records: 1, wantStatus: "declined"},
		{name: "repeated key, the last null", body: "[" + row(`,"status":null,"duration":null`) + "]", records: 1},
		{name: "repeated participants, the first bad", body: `[{"participants":7,"participants":[{"status":"declined"}]}]`, records: 1, wantPar: 1},
		{name: "keys in another case", body: `[{"Status":"pickUp","DURATION":7,"ChatID":"x"}]`, records: 1},
		{name: "escaped key", body: `[{"st\u0061tus":"pickUp"}]`, records: 1, wantStatus: "pickUp"},
		{name: "escaped value", body: `[{"status":"pick\u0055p","chatId":"\u0031@c.us"}]`, records: 1, wantStatus: "pickUp", wantChat: "1@c.us"},
		{name: "invalid UTF-8 in an unused field", body: "[{\"x\":\"\xff\xfe\",\"status\":\"pickUp\"}]", records: 1, wantStatus: "pickUp"},
		{name: "lone surrogate", body: `[{"x":"\ud83d","status":"pickUp"}]`, records: 1, wantStatus: "pickUp"},
		{name: "empty key", body: `[{"":1,"status":"pickUp"}]`, records: 1, wantStatus: "pickUp"},
		{name: "long unused string", body: `[{"x":"` + strings.Repeat("y", 256<<10) + `","status":"pickUp"}]`, records: 1, wantStatus: "pickUp"},
		{name: "long key", body: `[{"` + strings.Repeat("y", 256<<10) + `":1,"status":"pickUp"}]`, records: 1, wantStatus: "pickUp"},
		{name: "huge unused number", body: `[{"x":1e999999,"status":"pickUp"}]`, records: 1, wantStatus: "pickUp"},
		{name: "participants missing, null and empty", body: `[{},{"participants":null},{"participants":[]}]`, records: 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, reader := range []func(io.Reader) io.Reader{whole, iotest.DataErrReader, smallPieces(len(test.body))} {
				c := cannedClient(t, func() io.Reader { return reader(strings.NewReader(test.body)) })
				records, total, invalid, err := readCalls(t.Context(), c)
				if (err != nil) != test.fails {
					t.Fatalf("error %v", err)
				}
				if test.fails {
					continue
				}
				if total != test.records || invalid != test.invalid {
					t.Errorf("%d records of which %d invalid, want %d and %d", total, invalid, test.records, test.invalid)
				}
				if test.invalid > 0 || total != 1 {
					continue
				}
				r := records[0]
				if test.wantStatus != "" && r.Status.Label() != test.wantStatus || test.wantChat != "" && string(r.ChatID) != test.wantChat ||
					test.wantDuration != 0 && r.Duration != int64(test.wantDuration) || test.wantPar != 0 && len(r.Participants) != test.wantPar {
					t.Errorf("record %+v", r)
				}
			}
		})
	}
}

func whole(r io.Reader) io.Reader { return r }

// smallPieces reads short bodies byte by byte, and long ones whole.
func smallPieces(length int) func(io.Reader) io.Reader {
	if length > 64<<10 {
		return whole
	}
	return iotest.OneByteReader
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	body := "[" + strings.Repeat(row("")+",", 100) + row("") + "]"
	broken := errors.New(sentinel)
	for _, n := range []int{0, 1, 10, len(body) / 2, len(body) - 1, len(body)} {
		c := cannedClient(t, func() io.Reader {
			return io.MultiReader(strings.NewReader(body[:n]), iotest.ErrReader(broken))
		})
		_, _, _, err := readCalls(t.Context(), c)
		checkFailure(t, err, []string{"network"})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"many records":             "[" + strings.Repeat(row("")+",", 50_000),
		"one string":               `[{"x":"` + strings.Repeat("y", 5<<20),
		"white space":              strings.Repeat(" ", 9<<20),
		"white space in the array": "[" + strings.Repeat(" ", 9<<20),
		"one number":               "[1" + strings.Repeat("0", 5<<20),
	} {
		c, err := client.New(client.Options{
			APIURL: "http://greenapi.invalid", Token: client.NewToken(sentinel), MaxBodyBytes: 8 << 20,
			HTTPClient: canned(func() io.Reader { return strings.NewReader(body) }),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := readCalls(t.Context(), c)
			checkFailure(t, err, []string{"too_large"})
		})
	}
}

// TestWordsThatAreNotListed reads a call whose participants' statuses are 60 MiB.
func TestWordsThatAreNotListed(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("z", 1<<20)
	participants := strings.Repeat(`{"status":"`+word+`"},`, 59) + `{"status":"` + word + `"}`
	body := `[{"status":"` + word + `","participants":[` + participants + `]}]`
	calls, _, _, err := readCalls(t.Context(), cannedClient(t, func() io.Reader { return strings.NewReader(body) }))
	if err != nil || len(calls) != 1 || len(calls[0].Participants) != 60 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	for _, status := range append(calls[0].Participants, calls[0].Status) {
		if status.Label() != vocabulary.Other {
			t.Fatalf("a status that is not listed is %s", status.Label())
		}
	}
}

// TestRowsOfTheWrongDirection are no outgoing events, and invalid.
func TestRowsOfTheWrongDirection(t *testing.T) {
	t.Parallel()
	for body, wantInvalid := range map[string]int{
		`[{"type":"outgoing"},{"type":"incoming"},{"type":null},{"type":7},{}]`:                1,
		`[{"type":"incoming","type":"outgoing"},{"type":"\u0069ncoming"}]`:                     1,
		`[{"typeMessage":"incomingCall"},{"typeMessage":"outgoingCall"}]`:                      1,
		`[{"typeMessage":"incomingCall","typeMessage":3},{"typeMessage":"\u0069ncomingCall"}]`: 1,
	} {
		c := cannedClient(t, func() io.Reader { return strings.NewReader(body) })
		if _, _, invalid, err := readCalls(t.Context(), c); err != nil || invalid != wantInvalid {
			t.Errorf("calls of %s: %d invalid, %v, want %d", body, invalid, err, wantInvalid)
		}
		if _, invalid := readAllMessages(t, c); invalid != wantInvalid {
			t.Errorf("messages of %s: %d invalid, want %d", body, invalid, wantInvalid)
		}
	}
}

// TestMistypedLabels holds that no message is lost over a field that only fills a
// label.
func TestMistypedLabels(t *testing.T) {
	t.Parallel()
	const body = `[{"idMessage":"A","sendByApi":"true","typeMessage":3},{"sendByApi":1,"sendByApi":true,"typeMessage":"textMessage"},` +
		`{"statusMessage":5},{"timestamp":"2026-11-25"},{"timestamp":1754455789000}]`
	messages, invalid := readAllMessages(t, cannedClient(t, func() io.Reader { return strings.NewReader(body) }))
	if len(messages) != 2 || invalid != 3 {
		t.Fatalf("%d messages and %d invalid ones, want 2 and 3", len(messages), invalid)
	}
	if m := messages[0]; !m.TypeMistyped || !m.OriginMistyped || m.Type.Label() != vocabulary.Unknown || m.Origin != vocabulary.OriginUnknown {
		t.Errorf("mistyped labels give %+v", m)
	}
	if m := messages[1]; m.TypeMistyped || m.OriginMistyped || m.Type.Label() != "textMessage" || m.Origin != vocabulary.OriginAPI {
		t.Errorf("the last of repeated keys holds: %+v", m)
	}
}

func readAllMessages(t *testing.T, c *client.Client) (all []client.Message, invalid int) {
	t.Helper()
	journal, err := c.LastOutgoingMessages(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	for m := range journal.Records() {
		all = append(all, *m)
	}
	if err := journal.Err(); err != nil {
		t.Fatal(err)
	}
	return all, journal.Invalid()
}

// FuzzJournal holds the streaming decoder against encoding/json into loose types:
// the same records, or both an error, whatever the pieces in which the body comes.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("["+row("")+"]"), 1)
	f.Add([]byte(`[{"status":7,"status":"x"},null,{"chatId":-1,"participants":[{"status":null},{}]}]`), 3)
	f.Add([]byte(`[{"idMessage":"\ud83d","timestamp":1e3,"sendByApi":true,"statusMessage":"read","typeMessage":"textMessage"}]`), 7)
	f.Add([]byte("[{\"a\":[[{}]]}] \n"), 2)
	f.Add([]byte(`[{"status":"`+strings.Repeat("é", 40)+`","participants":[{"status":"`+strings.Repeat("y", 65)+`"}]}]`), 5)
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		wantCalls, wantMessages, wantErr := reference(body)
		piece := func() io.Reader { return &pieces{body: body, size: 1 + abs(size)%5000} }
		calls, total, invalid, err := readCalls(context.Background(), cannedClient(t, piece))
		if (err != nil) != wantErr {
			t.Fatalf("calls: error %v, want one: %t", err, wantErr)
		}
		messages, _, _, err := readMessages(context.Background(), cannedClient(t, piece))
		if (err != nil) != wantErr {
			t.Fatalf("messages: error %v, want one: %t", err, wantErr)
		}
		if wantErr {
			return
		}
		if total-invalid != len(calls) {
			t.Errorf("%d elements, %d invalid, %d records", total, invalid, len(calls))
		}
		if diff := cmp.Diff(wantCalls, calls, equateEmpty); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantMessages, messages, equateEmpty); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

func abs(n int) int { return int(math.Abs(float64(n))) & math.MaxInt32 }

type pieces struct {
	body []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.body) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.body)
	p.body = p.body[n:]
	return n, nil
}

// reference reads a body in the plainest way.
func reference(body []byte) (calls []client.Call, messages []client.Message, fails bool) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	var loose any
	if err := d.Decode(&loose); err != nil {
		return nil, nil, true
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, true
	}
	array, ok := loose.([]any)
	if !ok {
		return nil, nil, true
	}
	for _, element := range array {
		object, ok := element.(map[string]any)
		if !ok {
			continue
		}
		v := view{object: object, good: true}
		call := client.Call{
			ID: v.text("idMessage"), ChatID: v.chat(), Time: v.integer("timestamp", -62167219200, 253402300799),
			Duration: v.integer("duration", 0, 604800), Status: v.callStatus(), Participants: v.participants(),
		}
		if v.boolean("isVideo") {
			call.Media = vocabulary.Video
		}
		v.good = v.good && object["type"] != "incoming" && object["typeMessage"] != "incomingCall"
		if v.good {
			calls = append(calls, call)
		}
		v.good = true
		message := client.Message{
			ID: v.text("idMessage"), ChatID: v.chat(), Time: v.integer("timestamp", -62167219200, 253402300799),
		}
		message.Status, _ = vocabulary.FindMessageStatus(v.text("statusMessage"))
		label := view{object: object, good: true}
		message.Type, _ = vocabulary.FindMessageType(label.text("typeMessage"))
		message.TypeMistyped = !label.good
		switch sendByAPI := object["sendByApi"].(type) {
		case nil:
		case bool:
			message.Origin = vocabulary.OriginPhone
			if sendByAPI {
				message.Origin = vocabulary.OriginAPI
			}
		default:
			message.OriginMistyped = true
		}
		v.good = v.good && object["type"] != "incoming" && object["typeMessage"] != "incomingCall"
		if v.good {
			messages = append(messages, message)
		}
	}
	return calls, messages, false
}

// view reads members of a loose object and notes what has the wrong type.
type view struct {
	object map[string]any
	good   bool
}

func (v *view) text(name string) []byte {
	switch text := v.object[name].(type) {
	case nil:
		return nil
	case string:
		return []byte(text)
	default:
		v.good = false
		return nil
	}
}

func (v *view) callStatus() vocabulary.CallStatus {
	status, _ := vocabulary.FindCallStatus(v.text("status"))
	return status
}

func (v *view) chat() []byte {
	if number, ok := v.object["chatId"].(json.Number); ok {
		return strconv.AppendInt(nil, v.parse(number, math.MinInt64, math.MaxInt64), 10)
	}
	return v.text("chatId")
}

func (v *view) integer(name string, lowest, highest int64) int64 {
	switch number := v.object[name].(type) {
	case nil:
		return 0
	case json.Number:
		return v.parse(number, lowest, highest)
	default:
		v.good = false
		return 0
	}
}

func (v *view) parse(number json.Number, lowest, highest int64) int64 {
	n, err := strconv.ParseInt(number.String(), 10, 64)
	v.good = v.good && err == nil && n >= lowest && n <= highest
	return n
}

func (v *view) boolean(name string) bool {
	value, ok := v.object[name].(bool)
	v.good = v.good && (ok || v.object[name] == nil)
	return value
}

func (v *view) participants() (statuses []vocabulary.CallStatus) {
	list, ok := v.object["participants"].([]any)
	v.good = v.good && (ok || v.object["participants"] == nil) && len(list) <= 4096
	for _, element := range list {
		object, ok := element.(map[string]any)
		participant := view{object: object, good: ok}
		statuses = append(statuses, participant.callStatus())
		v.good = v.good && participant.good
	}
	return slices.Clip(statuses)
}
