{{/* Name of everything that belongs to one version. */}}
{{- define "microservice.fullname" -}}
{{ .Values.app }}-{{ .Values.version }}
{{- end -}}

{{/* What this release owns. False too while a required value is missing: checks.yaml says which, except under
     `helm lint` without values, which must not then stumble over half-written objects. */}}
{{- define "microservice.hasService" -}}
{{- if and (has .Values.parts (list "all" "service")) .Values.app }}true{{ end -}}
{{- end -}}

{{- define "microservice.hasVersion" -}}
{{- if and (has .Values.parts (list "all" "version")) .Values.app .Values.version .Values.image.digest }}true{{ end -}}
{{- end -}}

{{/* Selectors are immutable: they hold what never changes while the version lives, so neither track nor chart. */}}
{{- define "microservice.selector" -}}
app: {{ .Values.app | quote }}
version: {{ .Values.version | quote }}
{{- end -}}

{{/* Labels of the objects that all versions share. */}}
{{- define "microservice.sharedLabels" -}}
app: {{ .Values.app | quote }}
app.kubernetes.io/name: {{ .Values.app | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of one version's objects. */}}
{{- define "microservice.labels" -}}
{{ include "microservice.sharedLabels" . }}
version: {{ .Values.version | quote }}
track: {{ .Values.track }}
app.kubernetes.io/version: {{ .Values.version | quote }}
{{- end -}}

{{- define "microservice.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default .Values.app }}
{{- end -}}

{{- define "microservice.image" -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- end -}}

{{/* Name of the port that a probe or the metrics use. */}}
{{- define "microservice.port" -}}
{{ .port | default (first .root.Values.ports).name }}
{{- end -}}

{{/* Data of the ConfigMap: "" when there is none. */}}
{{- define "microservice.configData" -}}
{{- with .Values.profile.content }}
profile: {{ . | quote }}
{{- end }}
{{- if and .Values.caBundle.content (not .Values.caBundle.existingConfigMap) }}
ca-bundle: {{ .Values.caBundle.content | quote }}
{{- end }}
{{- end -}}

{{- define "microservice.hasBundle" -}}
{{- if or .Values.caBundle.content .Values.caBundle.existingConfigMap }}true{{ end -}}
{{- end -}}
