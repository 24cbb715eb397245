"""The ingestion endpoint of Application Insights on this machine: takes what Azure Monitor's exporters send."""
