package client_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

// contact reads a journal of messages again and again.
type contact struct {
	instance *greenapitest.Instance
	client   *client.Client
	last     client.Exchange
}

func newContact(t *testing.T, options ...greenapitest.Option) *contact {
	t.Helper()
	srv := greenapitest.NewPipeServer(options...)
	t.Cleanup(srv.Close)
	c := &contact{instance: srv.AddInstance("1101000001", "abc")}
	var err error
	c.client, err = client.New(client.Options{
		APIURL: srv.URL, IDInstance: "1101000001", Token: client.NewToken("abc"), HTTPClient: srv.Client(),
		Observe: func(x client.Exchange) { c.last = x },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// read reads the journal of the last hour, and returns what was observed.
func (c *contact) read(t *testing.T, rows ...greenapitest.Message) client.RowFacts {
	t.Helper()
	return c.readSince(t, time.Hour, rows...)
}

// readSince is read of another length.
func (c *contact) readSince(t *testing.T, window time.Duration, rows ...greenapitest.Message) client.RowFacts {
	t.Helper()
	c.instance.SetMessages(rows...)
	journal, err := c.client.LastOutgoingMessages(t.Context(), window)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	for range journal.Records() {
	}
	if err := journal.Err(); err != nil {
		t.Fatal(err)
	}
	if c.last.Rows == nil {
		t.Fatal("nothing was observed")
	}
	facts := *c.last.Rows
	facts.LargestBytes = min(facts.LargestBytes, 1)
	return facts
}

// message is one, of which something happened so long ago.
func message(id, chat, status string, ago time.Duration) greenapitest.Message {
	return greenapitest.Message{IDMessage: id, ChatID: chat, Status: status, Timestamp: time.Now().Add(-ago).Unix()}
}

func TestFirstContact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newContact(t)
		const chat = "79995550123@c.us"
		got := c.read(t,
			message("a", chat, "sent", 1*time.Minute),
			message("", chat, "sent", 2*time.Minute),
			message("b", "1234@lid", "sent", 3*time.Minute),
			message("b", chat, "sent", 4*time.Minute))
		want := client.RowFacts{Rows: 4, LargestBytes: 1, Order: "newest first", WithoutID: 1, RepeatedIDs: 1, LIDs: 1, Reads: 1, Watched: 2}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if c.last.Protocol != "HTTP/1.1" || c.last.Encoding == "" {
			t.Errorf("protocol %q, encoding %q", c.last.Protocol, c.last.Encoding)
		}
		got = c.read(t, message("a", chat, "sent", 2*time.Minute), message("c", chat, "sent", time.Minute))
		want = client.RowFacts{Rows: 2, LargestBytes: 1, Order: "oldest first", Reads: 2, Watched: 2, Vanished: 1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestFirstContactOverTime has journals of the kinds that there may be.
func TestFirstContactOverTime(t *testing.T) {
	t.Parallel()
	const chat = "79995550123@c.us"
	for name, test := range map[string]struct {
		reads [][]greenapitest.Message // an hour of window, half an hour apart; Timestamp is in minutes of the test
		want  client.RowFacts
	}{
		"all stay and leave in time": {
			[][]greenapitest.Message{{{IDMessage: "a", Status: "sent", Timestamp: 0}}, {{IDMessage: "a", Status: "delivered", Timestamp: 20}}, {}, {}},
			client.RowFacts{Order: "not known", Reads: 4, BySending: 1},
		},
		"minutes go by the last action": {
			[][]greenapitest.Message{
				{{IDMessage: "a", Status: "sent", Timestamp: 0}},
				{{IDMessage: "a", Status: "delivered", Timestamp: 29}},
				{{IDMessage: "a", Status: "delivered", Timestamp: 29}},
				{{IDMessage: "a", Status: "read", Timestamp: 80}},
				{{IDMessage: "a", Status: "read", Timestamp: 80}},
			},
			client.RowFacts{Rows: 1, LargestBytes: 1, Order: "not known", Reads: 5, Watched: 1, ByLastAction: 1},
		},
		"a row is gone": {
			[][]greenapitest.Message{{{IDMessage: "a", Status: "sent", Timestamp: 0}}, {}},
			client.RowFacts{Order: "not known", Reads: 2, Vanished: 1},
		},
		"a row that was delivered before it was seen, perhaps long after it was sent": {
			[][]greenapitest.Message{{{IDMessage: "a", Status: "delivered", Timestamp: 0}}, {}},
			client.RowFacts{Order: "not known", Reads: 2},
		},
		"a status goes back": {
			[][]greenapitest.Message{{{IDMessage: "a", Status: "read", Timestamp: 0}}, {{IDMessage: "a", Status: "delivered", Timestamp: 20}}},
			client.RowFacts{Rows: 1, LargestBytes: 1, Order: "not known", Reads: 2, Watched: 1, Regressed: 1},
		},
		"rows leave with their window": {
			[][]greenapitest.Message{{{IDMessage: "a", Status: "read", Timestamp: -25}}, {}},
			client.RowFacts{Order: "not known", Reads: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newContact(t)
				began := time.Now()
				var got client.RowFacts
				for _, rows := range test.reads {
					for n := range rows {
						rows[n].ChatID = chat
						rows[n].Timestamp = began.Add(time.Duration(rows[n].Timestamp) * time.Minute).Unix()
					}
					got = c.read(t, rows...)
					time.Sleep(30 * time.Minute)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

// TestFirstContactOfManyRows watches a sample: always the same rows.
func TestFirstContactOfManyRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newContact(t)
		var rows []greenapitest.Message
		for n := range 5000 {
			rows = append(rows, message(fmt.Sprint("M", n), "79995550123@c.us", "sent", time.Minute))
		}
		var got client.RowFacts
		for range 5 {
			got = c.read(t, rows...)
			time.Sleep(time.Minute)
		}
		if got.Watched < 32 || got.Watched > 64 || got.Vanished != 0 || got.RepeatedIDs != 0 || got.Reads != 5 {
			t.Errorf("%+v", got)
		}
		got = c.read(t, rows[:2500]...)
		if got.Vanished < 5 {
			t.Errorf("half of the rows are gone, and of those that are watched %d", got.Vanished)
		}
	})
}

// TestFirstContactOfRecentReads has an API that lists messages by their sending: reads of
// the recent rows lack those whose status has changed, and these have not vanished.
func TestFirstContactOfRecentReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newContact(t)
		const chat = "79995550123@c.us"
		old, fresh := message("a", chat, "sent", 40*time.Minute), message("b", chat, "sent", time.Minute)
		c.read(t, old, fresh)
		for range 3 {
			old.Status, old.Timestamp = "delivered", time.Now().Unix()
			c.read(t, old, fresh)
			got := c.readSince(t, 11*time.Minute, fresh)
			if got.Rows != 1 || got.Watched != 1 || got.Vanished != 0 || got.BySending != 0 {
				t.Errorf("after a recent read: %+v", got)
			}
		}
		if got := c.read(t, old); got.Vanished != 1 || got.Reads != 5 {
			t.Errorf("with a row less in the whole window: %+v", got)
		}
	})
}
