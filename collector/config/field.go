package config

import (
	"slices"
	"strings"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/prometheus/common/model"
)

// Collectors returns the names of all collectors, sorted.
func Collectors() []string {
	var names []string
	for _, c := range vocabulary.Collectors() {
		names = append(names, c.Label)
	}
	slices.Sort(names)
	return names
}

func noCollector() string {
	return "is no collector: the collectors are " + strings.Join(Collectors(), ", ")
}

// collectors reads what to collect, by default what the flags turn on.
func (r *reader) collectors(parent place, f map[string]place) []string {
	at, ok := f["collectors"]
	if !ok {
		if len(r.defaults.Collectors) == 0 && !r.idle {
			r.idle = true // and is not said of each account
			r.fault(parent, "reads nothing, because the flags turn every collector off: turn one on, such as --collector.messages, or list collectors in the configuration file (said once for all accounts)")
		}
		collectors := slices.Sorted(slices.Values(r.defaults.Collectors))
		return slices.Compact(collectors)
	}
	if isNone(at.node) {
		r.fault(at, "is empty: list at least one of "+strings.Join(Collectors(), ", ")+", or remove the key")
	}
	var collectors []string
	for _, item := range r.items(at) {
		name, ok := r.text(item)
		switch {
		case !ok:
		case !slices.Contains(Collectors(), name):
			r.fault(item, noCollector())
		case slices.Contains(collectors, name):
			r.fault(item, "is listed twice: keep one of them")
		default:
			collectors = append(collectors, name)
		}
	}
	slices.Sort(collectors)
	return collectors
}

// labels reads the target labels; nil when there are none.
func (r *reader) labels(f map[string]place) map[string]string {
	at, ok := f["labels"]
	if !ok {
		return nil
	}
	var labels map[string]string
	for _, e := range r.entries(at) {
		if message := labelFault(e.key); message != "" {
			r.fault(place{e.at.node, e.at.path}, message)
		}
		value, ok := r.text(e.value)
		if !ok {
			continue
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[e.key] = value
	}
	return labels
}

// labelFault says what is wrong with the name of a target label, "" if nothing is.
func labelFault(name string) string {
	switch {
	case !model.LegacyValidation.IsValidLabelName(name):
		return "is no label name: use letters, digits and _, and no digit at the front"
	case strings.HasPrefix(name, "__"):
		return "begins with __, which Prometheus keeps to itself: choose another name"
	case name == "job", name == "instance", name == "target":
		return "is set by Prometheus or by the exporter's service discovery: choose another name"
	case slices.Contains(metricLabels(), name):
		return "is a label of the exporter's own metrics: choose another name"
	}
	return ""
}

// metricLabels are the labels that the exposition uses. A target label of the same
// name would make Prometheus rename them to exported_….
func metricLabels() []string {
	return []string{
		"id_instance", "name", "api_host", "collector", "reason", "journal", "field", "status", "media", "chat_type",
		"message_type", "origin", "method", "state", "setting", "stage", "prefix", "attempts", "reached", "le", "quantile",
	}
}
