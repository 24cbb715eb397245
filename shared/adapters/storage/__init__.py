"""State in Azure Storage: tables, queues and blobs of one account."""
