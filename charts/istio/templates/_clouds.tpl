{{/* Annotations of a load balancer Service by cloud, as a YAML map; takes the ingressGateway values. */}}
{{- define "istio.loadBalancerAnnotations" -}}
{{- if eq .cloud "aws" -}}
# Layer 4, so that TLS ends in the mesh. The first two are read by Kubernetes' own controller, the scheme by
# the AWS Load Balancer Controller: each ignores what is not its own.
service.beta.kubernetes.io/aws-load-balancer-type: nlb
service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled: "true"
service.beta.kubernetes.io/aws-load-balancer-scheme: {{ ternary "internal" "internet-facing" .internal }}
{{- if .internal }}
service.beta.kubernetes.io/aws-load-balancer-internal: "true"
{{- end }}
{{- else if eq .cloud "azure" -}}
# Left alone, Azure may probe HTTP ports for "/", which a mesh gateway answers with 404: every node out.
service.beta.kubernetes.io/azure-load-balancer-health-probe-protocol: tcp
{{- if .internal }}
service.beta.kubernetes.io/azure-load-balancer-internal: "true"
{{- end }}
{{- else if eq .cloud "gcp" -}}
{{- if .internal -}}
networking.gke.io/load-balancer-type: Internal
{{- else -}}
# Backend services instead of target pools: health checks per gateway and connection draining.
cloud.google.com/l4-rbs: enabled
{{- end }}
{{- end }}
{{- end -}}
