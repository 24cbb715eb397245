"""What people decided, as one document that outlives the storage account."""
