package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// historyPage lists the last refreshes.
type historyPage struct {
	page

	Rows []historyRow
}

// historyRow is a refresh in the list.
type historyRow struct {
	Name, ID string
	At       moment
	Linked   bool // whether there is a page of the account
	Badge    badge
	Outcome  string
	Took     string
}

// history serves the list of the last refreshes or, with the parameters instance
// and at, what one of them did.
func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	if query := r.URL.Query(); query.Has("instance") || query.Has("at") {
		snapshot := s.remembered(query.Get("instance"), query.Get("at"))
		if snapshot == nil {
			say(w, http.StatusNotFound, "This refresh is not remembered any more; "+historyPath+" lists those that are.")
			return
		}
		s.render(w, r, "refresh", s.newRefreshPage(snapshot))
		return
	}
	p := historyPage{page: s.newPage("history", "Last reads")}
	p.Reload = true
	for _, past := range s.opts.Fleet.History() {
		p.Rows = append(p.Rows, historyRow{
			Name: past.Name, ID: past.ID, Linked: s.known(past.Name), At: newMoment(past.Attempted, time.Since(past.Attempted)),
			Badge: newBadge(past), Outcome: outcome(past), Took: took(past.Duration),
		})
	}
	s.render(w, r, p.Here, p)
}

// remembered returns the refresh of an instance that began at a time, in Unix
// nanoseconds; nil when nobody remembers it. An instance remembers its last one.
func (s *Server) remembered(id, at string) *collector.Snapshot {
	is := func(past *collector.Snapshot) bool {
		return past != nil && past.ID == id && strconv.FormatInt(past.Attempted.UnixNano(), 10) == at
	}
	for _, past := range s.opts.Fleet.History() {
		if is(past) {
			return past
		}
	}
	for _, instance := range s.opts.Fleet.Roster().Instances() {
		if last := instance.Last(); is(last) {
			return last
		}
	}
	return nil
}

// known tells whether there is an account of this name.
func (s *Server) known(name string) bool { return s.opts.Fleet.Roster().Lookup(name) != nil }
