package web

import (
	"net/http"
	"sync"
)

// Reloader loads the configuration again, once at a time. Who asks while one load
// goes on shares the next one with all others who ask meanwhile.
type Reloader struct {
	load func() error

	mu      sync.Mutex
	waiting *reload
	loading sync.Mutex
}

type reload struct {
	once sync.Once
	err  error
}

// NewReloader returns a reloader that loads with load.
func NewReloader(load func() error) *Reloader { return &Reloader{load: load} }

// Reload loads the configuration: what it read was read after the call.
func (r *Reloader) Reload() error {
	r.mu.Lock()
	if r.waiting == nil {
		r.waiting = new(reload)
	}
	mine := r.waiting
	r.mu.Unlock()
	mine.once.Do(func() {
		r.loading.Lock()
		defer r.loading.Unlock()
		r.mu.Lock()
		r.waiting = nil // from here on it is too late to join
		r.mu.Unlock()
		mine.err = r.load()
	})
	return mine.err
}

// reload serves POST /-/reload. Browsers are kept from sending it from other sites.
func (s *Server) reload(w http.ResponseWriter, _ *http.Request) {
	if err := s.opts.Reload(); err != nil {
		say(w, http.StatusInternalServerError, "The configuration was not loaded, the old one stays in force:\n"+err.Error())
		return
	}
	say(w, http.StatusOK, "The configuration was loaded.")
}
