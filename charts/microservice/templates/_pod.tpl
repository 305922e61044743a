{{/* Environment, mounts and volumes: the same for the service and its migration.
     Each takes {root, configMap}: the migration runs before the release's own ConfigMap exists. */}}
{{- define "microservice.env" -}}
{{- $values := .root.Values -}}
{{- if $values.cloud }}
- name: CLOUD
  value: {{ $values.cloud | quote }}
{{- end }}
{{- if $values.profile.content }}
- name: PROFILE
  value: {{ $values.profile.path | quote }}
{{- else if $values.profile.name }}
- name: PROFILE
  value: {{ $values.profile.name | quote }}
{{- end }}
{{- if include "microservice.hasBundle" .root }}
{{- range $values.caBundle.variables }}
- name: {{ . | quote }}
  value: {{ $values.caBundle.path | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := merge (dict) (.extra | default dict) $values.env }}
- name: {{ $name | quote }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $from := $values.secretEnv }}
- name: {{ $name | quote }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret | quote }}
      key: {{ $from.key | quote }}
      {{- if $from.optional }}
      optional: true
      {{- end }}
{{- end }}
{{- end -}}

{{- define "microservice.envFrom" -}}
{{- range .Values.envFromSecrets }}
- secretRef:
    name: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "microservice.mounts" -}}
{{- $values := .root.Values -}}
{{- if $values.profile.content }}
- name: config
  mountPath: {{ $values.profile.path | quote }}
  subPath: profile
  readOnly: true
{{- end }}
{{- if $values.caBundle.existingConfigMap }}
- name: ca-bundle
  mountPath: {{ $values.caBundle.path | quote }}
  subPath: {{ $values.caBundle.key | quote }}
  readOnly: true
{{- else if $values.caBundle.content }}
- name: config
  mountPath: {{ $values.caBundle.path | quote }}
  subPath: ca-bundle
  readOnly: true
{{- end }}
{{- range $index, $file := $values.secretFiles }}
- name: secret-{{ $index }}
  mountPath: {{ $file.mountPath | quote }}
  readOnly: true
{{- end }}
{{- range $index, $path := $values.writablePaths }}
- name: writable-{{ $index }}
  mountPath: {{ $path | quote }}
{{- end }}
{{- end -}}

{{- define "microservice.volumes" -}}
{{- $values := .root.Values -}}
{{- if include "microservice.configData" .root }}
- name: config
  configMap:
    name: {{ .configMap | quote }}
{{- end }}
{{- with $values.caBundle.existingConfigMap }}
- name: ca-bundle
  configMap:
    name: {{ . | quote }}
{{- end }}
{{- range $index, $file := $values.secretFiles }}
- name: secret-{{ $index }}
  secret:
    secretName: {{ $file.secret | quote }}
{{- end }}
{{- range $index, $path := $values.writablePaths }}
- name: writable-{{ $index }}
  emptyDir: {}
{{- end }}
{{- end -}}

{{/* One probe; takes {root, probe}. */}}
{{- define "microservice.probe" -}}
{{- $port := include "microservice.port" (dict "root" .root "port" .probe.port) -}}
{{- if eq .probe.type "http" }}
httpGet:
  path: {{ .probe.path | quote }}
  port: {{ $port | quote }}
{{- else if eq .probe.type "tcp" }}
tcpSocket:
  port: {{ $port | quote }}
{{- else }}
grpc:
  {{- range .root.Values.ports }}
  {{- if eq .name $port }}
  port: {{ .containerPort }}
  {{- end }}
  {{- end }}
{{- end }}
periodSeconds: {{ .probe.periodSeconds }}
timeoutSeconds: {{ .probe.timeoutSeconds }}
failureThreshold: {{ .probe.failureThreshold }}
{{- end -}}

{{/* Wait before SIGTERM: the built-in action where the cluster has it, a command where not. */}}
{{- define "microservice.lifecycle" -}}
{{- with .Values.termination -}}
{{- if .preStopCommand -}}
preStop:
  exec:
    command: {{ toJson .preStopCommand }}
{{- else if semverCompare ">=1.30-0" $.Capabilities.KubeVersion.Version -}}
preStop:
  sleep:
    seconds: {{ .preStopSeconds }}
{{- else -}}
preStop:
  exec:
    command: ["sleep", {{ .preStopSeconds | toString | quote }}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "microservice.podAnnotations" -}}
{{- with include "microservice.configData" . }}
checksum/config: {{ sha256sum . | quote }}
{{- end }}
{{- if .Values.metrics.enabled }}
{{- $name := include "microservice.port" (dict "root" . "port" .Values.metrics.port) }}
prometheus.io/scrape: "true"
prometheus.io/path: {{ .Values.metrics.path | quote }}
{{- range .Values.ports }}
{{- if eq .name $name }}
prometheus.io/port: {{ .containerPort | toString | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.mesh.enabled }}
proxy.istio.io/config: |
  holdApplicationUntilProxyStarts: true
  proxyMetadata:
    EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"
    MINIMUM_DRAIN_DURATION: "{{ .Values.mesh.minimumDrainSeconds }}s"
{{- end }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
