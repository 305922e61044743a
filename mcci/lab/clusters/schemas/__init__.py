"""What the kinds look like: built-in ones from Kubernetes' own OpenAPI, custom ones from their definitions."""
