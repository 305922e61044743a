{{/* The newest API version the cluster serves; without a cluster (helm template) Istio's current one. */}}
{{- define "istio.apiVersion" -}}
{{- $group := "networking.istio.io" -}}
{{- $version := "v1" -}}
{{- if .Values.apiVersion -}}
  {{- $version = .Values.apiVersion -}}
{{- else if not (.Capabilities.APIVersions.Has (printf "%s/v1" $group)) -}}
  {{- if .Capabilities.APIVersions.Has (printf "%s/v1beta1" $group) -}}
    {{- $version = "v1beta1" -}}
  {{- else if .Capabilities.APIVersions.Has (printf "%s/v1alpha3" $group) -}}
    {{- $version = "v1alpha3" -}}
  {{- end -}}
{{- end -}}
{{ $group }}/{{ $version }}
{{- end -}}

{{- define "istio.host" -}}
{{ .Values.host | default (printf "%s.%s.svc.%s" .Values.app .Release.Namespace .Values.clusterDomain) }}
{{- end -}}

{{- define "istio.labels" -}}
{{- with .Values.app }}
app: {{ . | quote }}
app.kubernetes.io/name: {{ . | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Metadata of an Istio object; takes {root, name}. */}}
{{- define "istio.metadata" -}}
name: {{ .name | default .root.Values.app | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels: {{- include "istio.labels" .root | trim | nindent 2 }}
{{- with .root.Values.annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* One destination; takes {host, subset, port}. */}}
{{- define "istio.destination" -}}
host: {{ .host | quote }}
{{- with .subset }}
subset: {{ . | quote }}
{{- end }}
{{- with .port }}
port:
  number: {{ . }}
{{- end }}
{{- end -}}

{{/* True when a route takes the weighted subsets. */}}
{{- define "istio.isSplit" -}}
{{- if not (or .route .host .subset .redirect .directResponse .delegate) }}true{{ end -}}
{{- end -}}

{{/* Destinations of one route; takes {root, route}. */}}
{{- define "istio.destinations" -}}
{{- $host := .route.host | default (include "istio.host" .root) -}}
{{- $port := .route.port -}}
{{- if .route.route -}}
{{ toYaml .route.route }}
{{- else if and (include "istio.isSplit" .route) .root.Values.weights -}}
{{- range .root.Values.weights }}
- destination: {{- include "istio.destination" (dict "host" $host "subset" .subset "port" $port) | nindent 4 }}
  weight: {{ .weight }}
{{- end }}
{{- else }}
- destination: {{- include "istio.destination" (dict "host" $host "subset" .route.subset "port" $port) | nindent 4 }}
{{- end }}
{{- end -}}

{{/* What an HTTP route says beside its name, match and destinations. */}}
{{- define "istio.httpOptions" -}}
{{- with omit . "name" "match" "route" "host" "subset" "port" }}
{{ toYaml . }}
{{- end }}
{{- end -}}
