"""What GitLab would do: which pipelines an event starts, with which jobs, and their statuses as events arrive."""
