"""API v4 of the local GitLab: the endpoints that mcci's commands, its page and runners use, with GitLab's own words.

Source: https://docs.gitlab.com/api/rest/
"""
