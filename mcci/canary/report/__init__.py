"""What people see of a canary where they look: JUnit, metrics, links on a job's page, a chart, text, JSON, webhooks."""
