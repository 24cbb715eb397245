"""What queues, webhooks and Event Grid carry."""
