"""Azure Container Registry and its tasks, as Resource Manager and the registries themselves serve them."""
