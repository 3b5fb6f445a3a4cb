package dashboards

// Limits are the thresholds of the rules that the dashboards draw or say.
var Limits = limits
