package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// moment is a time as the pages show it.
type moment struct {
	ISO  string // for machines
	UTC  string
	Ago  string
	Nano int64 // Unix time in nanoseconds
}

func newMoment(t time.Time, ago time.Duration) moment {
	utc := t.UTC()
	return moment{
		ISO: utc.Format(time.RFC3339), UTC: utc.Format("2006-01-02 15:04:05 UTC"),
		Ago: sinceThen(ago), Nano: t.UnixNano(),
	}
}

// sinceThen says how long something is ago.
func sinceThen(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return span(d) + " ago"
}

// took says how long something took.
func took(d time.Duration) string {
	switch {
	case d > 0 && d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
}

// thousands writes a count with commas.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// size says how many bytes something has.
func size(bytes int64) string {
	switch n := float64(bytes); {
	case bytes < 1000:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 999_950:
		return fmt.Sprintf("%.1f kB", n/1e3)
	default:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
}

// span says how long something takes or lasts.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "a moment"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int64(d/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int64(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int64(d/time.Hour))
	default:
		return fmt.Sprintf("%d days", int64(d/(24*time.Hour)))
	}
}

// period writes a length that somebody has chosen.
func period(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	default:
		return fmt.Sprintf("%d s", d/time.Second)
	}
}

// outcome says how a refresh ended.
func outcome(s *collector.Snapshot) string {
	said := []string{trouble(s)}
	if said[0] == "" {
		said[0] = "all collectors succeeded"
	}
	var lacks []string
	for _, r := range s.Results {
		if r.Unsupported {
			lacks = append(lacks, r.Collector)
		}
	}
	if len(lacks) > 0 {
		said = append(said, list(lacks)+": not offered for this instance")
	}
	return strings.Join(said, "; ")
}

// trouble says what is wrong with an account; nothing when nothing is.
func trouble(s *collector.Snapshot) string {
	condition := s.Condition()
	switch {
	case s == nil:
		return ""
	case len(s.Results) == 0:
		return "no collector is turned on"
	case condition.Failed != nil:
		return strings.Join(failures(s), "; ")
	case condition.State != "":
		return "the API answers, but the account's state is " + condition.State
	case condition.Setting != "":
		return "the setting " + condition.Setting + " is off"
	case condition.Severity == collector.Critical:
		return "the API offers none of the collectors that are turned on"
	default:
		return ""
	}
}

// failures says what failed in a refresh; once what failed alike.
func failures(s *collector.Snapshot) []string {
	var causes []string
	failed := make(map[string][]string)
	for _, r := range s.Results {
		if r.Err == nil {
			continue
		}
		why := cause(r.Err)
		if failed[why] == nil {
			causes = append(causes, why)
		}
		failed[why] = append(failed[why], r.Collector)
	}
	for n, why := range causes {
		causes[n] = list(failed[why]) + ": " + why
	}
	return causes
}

// cause says why a request failed, and the status code of the answer.
func cause(err *client.Error) string {
	if err.Status == 0 {
		return phrase(err)
	}
	return fmt.Sprintf("%s (HTTP %d)", phrase(err), err.Status)
}

// phrase says why a request failed, without the method and the answer's figures.
func phrase(err *client.Error) string {
	bare := *err
	bare.Status = 0
	return strings.TrimPrefix(bare.Error(), bare.Method+": ")
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
