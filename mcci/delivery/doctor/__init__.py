"""`mcci doctor`: whether every cluster, and what the jobs need beside them, is as the commands want it."""
