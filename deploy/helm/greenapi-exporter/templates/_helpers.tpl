{{/* The name of every object. */}}
{{- define "greenapi.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Labels by which the pods are found; they never change. */}}
{{- define "greenapi.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "greenapi.labels" -}}
{{ include "greenapi.selector" . }}
{{- with .Values.commonLabels }}
{{ include "greenapi.tpl" (dict "value" . "context" $) }}
{{- end }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "greenapi.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{/* A value as YAML, its templates evaluated. */}}
{{- define "greenapi.tpl" -}}
{{- $text := .value }}
{{- if not (kindIs "string" $text) }}
{{- $text = toYaml $text }}
{{- end }}
{{- tpl $text .context }}
{{- end }}

{{- define "greenapi.metadata" -}}
name: {{ include "greenapi.fullname" . }}
namespace: {{ include "greenapi.namespace" . }}
labels:
  {{- include "greenapi.labels" . | nindent 2 }}
{{- end }}

{{- define "greenapi.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "greenapi.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "greenapi.image" -}}
{{- .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The Secret with the tokens: the user's, or the one that this chart creates. */}}
{{- define "greenapi.tokensSecret" -}}
{{- if .Values.tokens.existingSecret }}
{{- tpl .Values.tokens.existingSecret . }}
{{- else if .Values.tokens.create }}
{{- include "greenapi.fullname" . }}-tokens
{{- end }}
{{- end }}

{{/* How many pods there are. */}}
{{- define "greenapi.replicas" -}}
{{- if .Values.shards }}{{ len .Values.shards }}{{ else }}{{ .Values.replicaCount }}{{ end }}
{{- end }}

{{/* What the schema cannot say, or cannot explain: checked before anything is made. */}}
{{- define "greenapi.check" -}}
{{- $sources := list }}
{{- range list "demo" "config" "existingConfigSecret" "shards" }}
{{- if index $.Values . }}{{ $sources = append $sources . }}{{ end }}
{{- end }}
{{- if not $sources }}
{{- fail "the exporter needs accounts. For simulated ones: --set demo=true. For yours, put these lines into values.yaml and add --values values.yaml:\n\nconfig:\n  instances: [{id: \"1101000001\", token_file: /run/secrets/greenapi/support}]\ntokens: {create: {support: YOUR-API-TOKEN}}\n" }}
{{- end }}
{{- if gt (len $sources) 1 }}
{{- printf "set exactly one of config, existingConfigSecret, shards and demo, not %s" (join " and " $sources) | fail }}
{{- end }}
{{- if .Values.config }}
{{- include "greenapi.checkConfig" (dict "config" .Values.config "path" "config") }}
{{- end }}
{{- range $i, $config := .Values.shards }}
{{- if not (or $config.instances $config.partner) }}
{{- printf "shards[%d] needs instances or partner: a pod without accounts does not start" $i | fail }}
{{- end }}
{{- include "greenapi.checkConfig" (dict "config" $config "path" (printf "shards[%d]" $i)) }}
{{- end }}
{{- include "greenapi.checkFlags" . }}
{{- if and .Values.tokens.existingSecret .Values.tokens.create }}
{{- fail "set one of tokens.existingSecret and tokens.create, not both" }}
{{- end }}
{{- if and .Values.shards (not .Values.ledger.enabled) }}
{{- fail "shards need ledger.enabled: true, because only the pods of a StatefulSet have a number" }}
{{- end }}
{{- if and .Values.ledger.enabled (not .Values.shards) (gt (int .Values.replicaCount) 1) }}
{{- fail "with ledger.enabled, replicaCount must be 1: for more accounts use shards; for a second exporter of the same accounts install the chart twice" }}
{{- end }}
{{- if and .Values.scrapeConfig.enabled (not .Values.ledger.enabled) (gt (int .Values.replicaCount) 1) }}
{{- fail "scrapeConfig.enabled with replicaCount over 1 needs ledger.enabled: otherwise one address leads to several pods, and Prometheus mixes their counters" }}
{{- end }}
{{- if not (contains "greenapi" .Values.scrapeConfig.jobName) }}
{{- printf "scrapeConfig.jobName is %q, and must contain greenapi: the alerts find the accounts by it" .Values.scrapeConfig.jobName | fail }}
{{- end }}
{{- range list "relabelings" "metricRelabelings" "port" "path" "interval" "scrapeTimeout" "scheme" "tlsConfig" }}
{{- if hasKey $.Values.serviceMonitor.endpoint . }}
{{- if has . (list "port" "path") }}
{{- printf "serviceMonitor.endpoint.%s is set by the chart: remove it" . | fail }}
{{- end }}
{{- printf "serviceMonitor.endpoint.%s: set serviceMonitor.%s instead" . . | fail }}
{{- end }}
{{- end }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" (include "greenapi.fullname" .)) }}
{{- printf "%q cannot be the name of a Service: set fullnameOverride to lower-case letters, digits and dashes, starting with a letter" (include "greenapi.fullname" .) | fail }}
{{- end }}
{{- end }}

{{/* A configuration ends up in a ConfigMap, which may be read by many. */}}
{{- define "greenapi.checkConfig" -}}
{{- $hint := "a ConfigMap must not contain a token. Put it into a Secret (tokens.existingSecret or tokens.create), and set token_file: /run/secrets/greenapi/NAME" }}
{{- range $i, $instance := .config.instances }}
{{- $path := printf "%s.instances[%d]" $.path $i }}
{{- if not $instance.id }}
{{- printf "%s.id is missing: set it to the idInstance that the GREEN-API console shows, in quotes" $path | fail }}
{{- end }}
{{- if not (kindIs "string" $instance.id) }}
{{- printf "%s.id is a number: put it in quotes" $path | fail }}
{{- end }}
{{- if hasKey $instance "token" }}
{{- printf "%s.token: %s" $path $hint | fail }}
{{- end }}
{{- end }}
{{- if hasKey (default dict .config.partner) "token" }}
{{- printf "%s.partner.token: %s" .path $hint | fail }}
{{- end }}
{{- end }}

{{/* Flags that the chart sets itself, with the values that set them. */}}
{{- define "greenapi.ownFlags" -}}
config.file: config, existingConfigSecret or shards
config.check: nothing, as it would end the exporter
config.test: nothing, as it would end the exporter
demo: demo
ledger.path: ledger.enabled
web.listen-address: nothing, as the port is fixed; see service
web.config.file: webConfig.existingSecret
web.systemd-socket: nothing, as there is no systemd
web.telemetry-path: nothing, as the path is fixed
web.instances-on-metrics: scrapeConfig.enabled
{{- end }}

{{- define "greenapi.checkFlags" -}}
{{- $own := include "greenapi.ownFlags" . | fromYaml }}
{{- range $name, $value := .Values.flags }}
{{- if hasPrefix "-" $name }}
{{- printf "flags.%s: write it without the leading dashes, as %s" $name (trimPrefix "no-" (trimAll "-" $name)) | fail }}
{{- end }}
{{- if hasKey $own $name }}
{{- printf "flags.%s is set by the chart: use %s" $name (get $own $name) | fail }}
{{- end }}
{{- if has $value (list "true" "false") }}
{{- printf "flags.%s is text: write %s without quotes" $name $value | fail }}
{{- end }}
{{- end }}
{{- end }}

{{/* The command line. */}}
{{- define "greenapi.args" -}}
{{- if .Values.demo }}
- --demo
{{- else if .Values.shards }}
- --config.file=/etc/greenapi_exporter/$(POD_NAME).yml
{{- else }}
- --config.file=/etc/greenapi_exporter/greenapi.yml
{{- end }}
{{- if .Values.ledger.enabled }}
- --ledger.path=/var/lib/greenapi_exporter
{{- end }}
{{- if .Values.webConfig.existingSecret }}
- --web.config.file=/etc/greenapi_exporter_web/web.yml
{{- end }}
{{- if .Values.scrapeConfig.enabled }}
- --no-web.instances-on-metrics
{{- end }}
{{- range $name, $value := .Values.flags }}
{{- if kindIs "bool" $value }}
- --{{ ternary "" "no-" $value }}{{ $name }}
{{- else if kindIs "float64" $value }}
- --{{ $name }}={{ int64 $value }}
{{- else }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraArgs }}
{{ include "greenapi.tpl" (dict "value" . "context" $) }}
{{- end }}
{{- end }}

{{/* 90 % of a quantity of memory, in bytes. */}}
{{- define "greenapi.mostOf" -}}
{{- $number := regexFind "^[0-9.]+([eE][+]?[0-9]+)?" (toString .) }}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 0x1p10 "Mi" 0x1p20 "Gi" 0x1p30 "Ti" 0x1p40 }}
{{- $unit := get $units (trimPrefix $number (toString .)) | required "resources.limits.memory needs a unit such as Mi or Gi" }}
{{- mulf 0.9 (float64 $number) $unit | int64 }}
{{- end }}

{{/* A probe with its own handler, or the chart's: a page, or with webConfig the port, as the kubelet has no certificate and no password. */}}
{{- define "greenapi.probe" -}}
{{- if not (or .probe.httpGet .probe.tcpSocket .probe.exec .probe.grpc) }}
{{- if .context.Values.webConfig.existingSecret }}
tcpSocket:
  port: http
{{- else }}
httpGet:
  path: {{ .path }}
  port: http
{{- end }}
{{- end }}
{{- with .probe }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The pod's security context. OpenShift assigns user, group and fsGroup itself, and refuses others. */}}
{{- define "greenapi.podSecurityContext" -}}
{{- $openshift := eq .Values.openshift "enabled" }}
{{- if eq .Values.openshift "auto" }}
{{- $openshift = .Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- end }}
{{- $c := .Values.podSecurityContext }}
{{- if $openshift }}
{{- $c = omit $c "runAsUser" "runAsGroup" "fsGroup" "fsGroupChangePolicy" }}
{{- end }}
{{- with $c }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}


{{/* The pods, of a Deployment or a StatefulSet. */}}
{{- define "greenapi.pod" -}}
metadata:
  labels:
    {{- include "greenapi.selector" . | nindent 4 }}
    {{- with .Values.commonLabels }}
    {{- include "greenapi.tpl" (dict "value" . "context" $) | nindent 4 }}
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: exporter
    {{- with .Values.podAnnotations }}
    {{- include "greenapi.tpl" (dict "value" . "context" $) | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "greenapi.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  # Scrapes in progress have 20 s to end.
  terminationGracePeriodSeconds: 30
  {{- include "greenapi.podSecurityContext" . | trim | nindent 2 }}
  {{- with .Values.extraInitContainers }}
  initContainers:
    {{- include "greenapi.tpl" (dict "value" . "context" $) | nindent 4 }}
  {{- end }}
  containers:
    - name: exporter
      image: {{ include "greenapi.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- include "greenapi.args" . | trim | nindent 8 }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        {{- with dig "limits" "memory" "" .Values.resources }}
        # 90 % of the memory limit: above it, the garbage collector works harder.
        - name: GOMEMLIMIT
          value: {{ include "greenapi.mostOf" . | quote }}
        {{- end }}
        {{- with .Values.env }}
        {{- include "greenapi.tpl" (dict "value" . "context" $) | nindent 8 }}
        {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- include "greenapi.tpl" (dict "value" . "context" $) | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: 10174
          protocol: TCP
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- range list (list "startupProbe" "/-/ready") (list "readinessProbe" "/-/ready") (list "livenessProbe" "/-/healthy") }}
      {{- $probe := index $.Values (first .) }}
      {{- if $probe }}
      {{ first . }}:
        {{- include "greenapi.probe" (dict "context" $ "probe" $probe "path" (last .)) | trim | nindent 8 }}
      {{- end }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      {{- $mounts := include "greenapi.mounts" . | trim }}
      {{- if $mounts }}
      volumeMounts:
        {{- $mounts | nindent 8 }}
      {{- end }}
    {{- with .Values.extraContainers }}
    {{- include "greenapi.tpl" (dict "value" . "context" $) | nindent 4 }}
    {{- end }}
  {{- $volumes := include "greenapi.volumes" . | trim }}
  {{- if $volumes }}
  volumes:
    {{- $volumes | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if gt (int (include "greenapi.replicas" .)) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "greenapi.selector" . | nindent 10 }}
  {{- end }}
{{- end }}

{{/* Folders, not single files: only these follow a change of a ConfigMap or a Secret. */}}
{{- define "greenapi.mounts" -}}
{{- if not .Values.demo }}
- name: config
  mountPath: /etc/greenapi_exporter
  readOnly: true
{{- end }}
{{- if include "greenapi.tokensSecret" . }}
- name: tokens
  mountPath: /run/secrets/greenapi
  readOnly: true
{{- end }}
{{- if .Values.webConfig.existingSecret }}
- name: web
  mountPath: /etc/greenapi_exporter_web
  readOnly: true
{{- end }}
{{- if .Values.ledger.enabled }}
- name: ledger
  mountPath: /var/lib/greenapi_exporter
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ include "greenapi.tpl" (dict "value" . "context" $) }}
{{- end }}
{{- end }}

{{- define "greenapi.volumes" -}}
{{- if .Values.existingConfigSecret }}
- name: config
  secret:
    secretName: {{ tpl .Values.existingConfigSecret . }}
    defaultMode: 0440
{{- else if not .Values.demo }}
- name: config
  configMap:
    name: {{ include "greenapi.fullname" . }}
{{- end }}
{{- with include "greenapi.tokensSecret" . }}
- name: tokens
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.webConfig.existingSecret }}
- name: web
  secret:
    secretName: {{ tpl . $ }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ include "greenapi.tpl" (dict "value" . "context" $) }}
{{- end }}
{{- end }}

{{/* The rules of files/rules as groups, with the thresholds of the values. A threshold is the last number of its rule. */}}
{{- define "greenapi.ruleGroups" -}}
{{- $wanted := .Values.prometheusRule.thresholds }}
{{- $known := list }}
{{- $groups := list }}
{{- range $path, $content := .Files.Glob "files/rules/*.yml" }}
{{- range ($.Files.Get $path | fromYaml).groups }}
{{- range .rules }}
{{- $name := regexFind "threshold:[a-z0-9_]+$" (default "" .record) | trimPrefix "threshold:" }}
{{- if $name }}
{{- $known = append $known $name }}
{{- if hasKey $wanted $name }}
{{- $number := get $wanted $name | toJson }}
{{- $_ := set . "expr" (regexReplaceAll "(?s)^(.*(?:\\+ |vector\\())[0-9][0-9.e* ]*(\\)?\\s*)$" .expr (printf "${1}%s${2}" $number)) }}
{{- end }}
{{- end }}
{{- end }}
{{- $groups = append $groups . }}
{{- end }}
{{- end }}
{{- range $name, $value := $wanted }}
{{- if not (has $name $known) }}
{{- printf "prometheusRule.thresholds.%s: there is no such threshold. There are: %s" $name (sortAlpha $known | join ", ") | fail }}
{{- end }}
{{- end }}
{{- $rules := list }}
{{- range $id, $thresholds := .Values.prometheusRule.accountThresholds }}
{{- range $name, $value := $thresholds }}
{{- if not (has $name $known) }}
{{- printf "prometheusRule.accountThresholds.%s.%s: there is no such threshold. There are: %s" $id $name (sortAlpha $known | join ", ") | fail }}
{{- end }}
{{- $rules = append $rules (dict "record" "greenapi:threshold:override" "labels" (dict "threshold" $name "id_instance" $id) "expr" (printf "vector(%s)" (toJson $value))) }}
{{- end }}
{{- end }}
{{- with $rules }}
{{- $groups = append $groups (dict "name" "greenapi-account-thresholds" "interval" "1m" "rules" .) }}
{{- end }}
{{- toYaml $groups }}
{{- end }}

{{/* Whether there is a second Service: that of a StatefulSet is headless and has no type of its own. */}}
{{- define "greenapi.hasAccessService" -}}
{{- if and .Values.ledger.enabled (ne .Values.service.type "ClusterIP") }}true{{ end }}
{{- end }}
