"""Clusters that Rancher manages: brought into it, made by it, and waited for."""
