package dashboards

import "strings"

// histogram is one of accounts, as the panels select it. A Prometheus that converts
// classic histograms stores one native histogram in place of the series _bucket, _sum
// and _count, or beside them (deploy/engines.md): each query answers in all three cases.
type histogram struct {
	name      string
	labels    []string // beside id_instance
	selectors []string
}

// histogram_sum, histogram_count and histogram_fraction are not used: MetricsQL knows
// none of them, and refuses the whole query.

// buckets is how much the classic buckets grew by, by le.
func (h histogram) buckets(window string) string {
	bucket := accounts(h.name+"_bucket", h.selectors...)
	return sum(once(over(window, bucket), append([]string{"le"}, h.labels...)...), "le")
}

// native is by how much the native histogram grew. Histograms have no maximum: where
// several exporters watch an account, it counts once by their average.
func (h histogram) native(window string) string {
	return "sum(avg by (" + strings.Join(append([]string{"id_instance"}, h.labels...), ", ") + ") (" + over(window, accounts(h.name, h.selectors...)) + "))"
}

// quantile is what a share of the observations of a window stay below.
func (h histogram) quantile(q, window string) string {
	return quantile(q, h.buckets(window), h.native(window))
}

func quantile(q, buckets, native string) string {
	return "(histogram_quantile(" + q + ", " + buckets + ") or histogram_quantile(" + q + ", " + native + "))"
}

// cells are what a heatmap shows of a histogram: nothing where it counted nothing in
// the time range, as of zeros alone Grafana would show a scale from ∞ to -∞.
func (h histogram) cells() string {
	bucket, whole := accounts(h.name+"_bucket", h.selectors...), accounts(h.name, h.selectors...)
	return cells(
		"round("+h.buckets("$__interval")+") and on () (max(increase("+bucket+"[$__range] @ end())) > 0)",
		h.native("$__interval")+" and on () (max(histogram_quantile(0.5, increase("+whole+"[$__range] @ end()))) >= 0)",
	)
}

// cells are those of the classic buckets, or else those of the native histogram.
func cells(buckets, native string) string { return buckets + " or on () (" + native + ")" }
