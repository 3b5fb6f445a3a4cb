package web

import (
	"encoding/json"
	"maps"
	"net/http"
)

// targetGroup is an element of Prometheus's HTTP service discovery.
// https://prometheus.io/docs/prometheus/latest/http_sd/
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// sd lists the targets. Their address is the one the request was sent to, so that
// each replica is asked by its own.
func (s *Server) sd(w http.ResponseWriter, r *http.Request) {
	groups := []targetGroup{} // an empty list, not null
	for _, target := range s.opts.Fleet.Roster().Targets {
		labels := make(map[string]string, len(target.Labels)+5)
		maps.Copy(labels, target.Labels)
		labels["__metrics_path__"] = probePath
		labels["__param_target"] = target.Name
		labels["target"] = target.Name
		labels["__meta_greenapi_id_instance"] = target.Instance.ID
		labels["__meta_greenapi_name"] = target.Name
		groups = append(groups, targetGroup{Targets: []string{r.Host}, Labels: labels})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // it repeats the request's Host
	if err := json.NewEncoder(w).Encode(groups); err != nil {
		s.opts.Logger.DebugContext(r.Context(), "service discovery answer not sent", "err", err)
	}
}
