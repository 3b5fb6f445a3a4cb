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
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "greenapi.metadata" -}}
name: {{ include "greenapi.fullname" . }}
namespace: {{ .Release.Namespace }}
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

{{/* A Secret or ConfigMap of ours, or the one that is there. */}}
{{- define "greenapi.tokensSecret" -}}
{{- if .Values.tokens.existingSecret }}
{{- .Values.tokens.existingSecret }}
{{- else if .Values.tokens.create }}
{{- include "greenapi.fullname" . }}-tokens
{{- end }}
{{- end }}

{{/* How many pods there are. */}}
{{- define "greenapi.replicas" -}}
{{- if .Values.shards }}{{ len .Values.shards }}{{ else }}{{ .Values.replicaCount }}{{ end }}
{{- end }}

{{/* What does not go together, said before anything is made. */}}
{{- define "greenapi.check" -}}
{{- $sources := 0 }}
{{- range list .Values.demo .Values.config .Values.existingConfigSecret .Values.shards }}
{{- if . }}{{ $sources = add1 $sources }}{{ end }}
{{- end }}
{{- if ne (int $sources) 1 }}
{{- fail "the exporter needs accounts: set exactly one of config, existingConfigSecret, shards and demo" }}
{{- end }}
{{- if and .Values.tokens.existingSecret .Values.tokens.create }}
{{- fail "set one of tokens.existingSecret and tokens.create, not both" }}
{{- end }}
{{- if and .Values.shards (not .Values.ledger.enabled) }}
{{- fail "shards need ledger.enabled: only the pods of a StatefulSet know their number" }}
{{- end }}
{{- if and .Values.ledger.enabled (not .Values.shards) (gt (int .Values.replicaCount) 1) }}
{{- fail "with ledger.enabled, replicaCount must be 1: for more accounts set shards, for a second look at the same ones install the chart twice" }}
{{- end }}
{{- if and .Values.scrapeConfig.enabled (not .Values.ledger.enabled) (gt (int .Values.replicaCount) 1) }}
{{- fail "scrapeConfig with replicaCount over 1 needs ledger.enabled: through one address, Prometheus would meet the counters of one pod and of another in turns" }}
{{- end }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" (include "greenapi.fullname" .)) }}
{{- fail "a Service cannot have this name: set fullnameOverride to lower-case letters, digits and dashes, a letter first" }}
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
{{- end }}

{{/* Nine tenths of a quantity of memory, in bytes. */}}
{{- define "greenapi.mostOf" -}}
{{- $number := regexFind "^[0-9.]+([eE][+]?[0-9]+)?" (toString .) }}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 0x1p10 "Mi" 0x1p20 "Gi" 0x1p30 "Ti" 0x1p40 }}
{{- $unit := get $units (trimPrefix $number (toString .)) | required "resources.limits.memory needs a unit such as Mi or Gi" }}
{{- mulf 0.9 (float64 $number) $unit | int64 }}
{{- end }}

{{/* What kubelet asks: a page, or whether the port is open when pages are for those with a certificate or a password. */}}
{{- define "greenapi.probe" -}}
{{- if .context.Values.webConfig.existingSecret -}}
tcpSocket:
  port: http
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
{{- end }}
{{- end }}

{{/* The pods, of a Deployment or a StatefulSet. */}}
{{- define "greenapi.pod" -}}
metadata:
  labels:
    {{- include "greenapi.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: exporter
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
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
  # Scrapes under way have 20 s to end.
  terminationGracePeriodSeconds: 30
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
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
        # Nine tenths of the memory limit: from there on, the garbage collector works harder.
        - name: GOMEMLIMIT
          value: {{ include "greenapi.mostOf" . | quote }}
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: http
          containerPort: 10174
          protocol: TCP
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      # Ledgers are read before the port is open: that of a large account takes a moment.
      startupProbe:
        {{- include "greenapi.probe" (dict "context" . "path" "/-/ready") | nindent 8 }}
        periodSeconds: 2
        failureThreshold: 60
      readinessProbe:
        {{- include "greenapi.probe" (dict "context" . "path" "/-/ready") | nindent 8 }}
        periodSeconds: 10
      livenessProbe:
        {{- include "greenapi.probe" (dict "context" . "path" "/-/healthy") | nindent 8 }}
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 6
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      {{- $mounts := include "greenapi.mounts" . | trim }}
      {{- if $mounts }}
      volumeMounts:
        {{- $mounts | nindent 8 }}
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

{{/* Folders, and no single files: only these follow a change of a ConfigMap or a Secret. */}}
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
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "greenapi.volumes" -}}
{{- if .Values.existingConfigSecret }}
- name: config
  secret:
    secretName: {{ .Values.existingConfigSecret }}
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
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
