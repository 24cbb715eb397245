// Registries that are there already, in three subscriptions, with the tasks that may be run.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param stagingRegistryId = '/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-quarantine/providers/Microsoft.ContainerRegistry/registries/quarantine'
param baseRegistryId = '/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg-platform/providers/Microsoft.ContainerRegistry/registries/platformbase'
param applicationRegistryIds = [
  '/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg-platform/providers/Microsoft.ContainerRegistry/registries/platformbase'
  '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-apps/providers/Microsoft.ContainerRegistry/registries/apps'
]
param applicationTaskIds = [
  '/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg-platform/providers/Microsoft.ContainerRegistry/registries/platformbase/tasks/portal'
  '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-apps/providers/Microsoft.ContainerRegistry/registries/apps/tasks/shop'
  '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-apps/providers/Microsoft.ContainerRegistry/registries/apps/tasks/stock'
]
param connectWebhook = true
param webhookSecret = 'sixteen-characters-or-more'
param diagnosticLogs = true
