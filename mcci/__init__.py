"""mcci: delivery of microservices to many clouds with GitLab, Helm and Istio, proved before it is pushed."""

__version__ = "0.1.0"
