package dashboards

import (
	"fmt"
	"slices"
)

// variableRef is what Grafana calls the query of a variable.
const variableRef = "PrometheusVariableQueryEditor-VariableQuery"

// datasourceVariable chooses the Prometheus.
func datasourceVariable() Variable {
	return Variable{
		Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus", Refresh: 1,
		// Without, Grafana takes the first of the alphabet.
		Current: &VariableValue{Text: "default", Value: "default"},
	}
}

// labelVariable chooses values of a label that a selector's series have.
func labelVariable(name, title, selector string) Variable {
	values := fmt.Sprintf("label_values(%s, %s)", selector, name)
	return Variable{
		Name: name, Label: title, Type: "query", Datasource: &prom, Definition: values,
		Query:   VariableQuery{QryType: 1, Query: values, RefID: variableRef},
		Refresh: 2, Sort: 1,
	}
}

// many lets a variable choose several values, and all at first.
func many(v Variable) Variable {
	v.Multi, v.IncludeAll, v.AllValue = true, true, ".+"
	v.Current = &VariableValue{Selected: true, Text: []string{"All"}, Value: []string{"$__all"}}
	return v
}

// hidden takes variables out of the controls. Links and addresses still set them.
func hidden(variables []Variable, names ...string) []Variable {
	for n := range variables {
		if slices.Contains(names, variables[n].Name) {
			variables[n].Hide = 2
		}
	}
	return variables
}

// targetVariables choose the data source and the exporter's targets. All jobs are
// those that have one: they are listed, and not taken as any, because up and the
// metrics of processes would be those of other programs, too.
func targetVariables() []Variable {
	const names = `__name__=~"greenapi_up|greenapi_exporter_build_info"`
	job := many(labelVariable("job", "Job", "{"+names+"}"))
	job.AllValue = ""
	return []Variable{
		datasourceVariable(),
		job,
		many(labelVariable("instance", "Instance", "{"+names+`, job=~"$job"}`)),
	}
}

// accountVariable chooses accounts by their names and ids.
func accountVariable() Variable {
	info := "max by (id_instance, name) (last_over_time(" + exporters("greenapi_instance_info") + "[$__range]))"
	v := labelVariable("id_instance", "Account", "")
	v.Definition = "query_result(" + withAccount(info) + ")"
	v.Query = VariableQuery{QryType: 3, Query: v.Definition, RefID: variableRef}
	v.Regex = `/account="(?<text>[^"]+)",id_instance="(?<value>[^"]+)"/`
	return v
}

// annotations mark what explains a turn in the lines. Grafana asks for few points of
// them and shows those that are above 0: each looks back as far as the point before
// it, so that nothing falls between two.
func annotations(firing ...string) []Annotation {
	alerts := selected("ALERTS", `alertname=~"GreenAPI.+", alertstate="firing"`, firing)
	return []Annotation{
		{
			Name: "Annotations & Alerts", Type: "dashboard", BuiltIn: 1, Enable: true, Hide: true, IconColor: sky,
			Datasource: Datasource{Type: "grafana", UID: "-- Grafana --"},
		},
		annotation("Exporter restarts", purple,
			age(exporters("process_start_time_seconds"))+" < $__rate_interval_ms / 1000",
			"The exporter started", "Counters go on, or begin at 0 without --ledger.path.", "instance"),
		annotation("State changes", amber,
			once("changes("+accounts("greenapi_instance_state", isAuthorized)+"[$__rate_interval])")+" > 0",
			"Authorisation came or went", "Account {{id_instance}}", "id_instance"),
		// That an alert begins, and not that it fires: one that fires for days would cover the graphs.
		annotation("Alerts that began to fire", vermilion,
			"max_over_time("+alerts+"[$__interval]) unless max_over_time("+alerts+"[$__interval] offset $__interval)",
			"{{alertname}}", "{{severity}} {{id_instance}}", "alertname,severity,id_instance"),
	}
}

func annotation(name, color, expr, title, text, tags string) Annotation {
	return Annotation{
		Name: name, Datasource: prom, Enable: true, Hide: true, IconColor: color, Expr: expr, Step: "60s",
		TitleFormat: title, TextFormat: text, TagKeys: tags,
		Target: &AnnotationTarget{Expr: expr, Interval: "60s", RefID: "Anno"},
	}
}
