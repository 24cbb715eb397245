// Event Grid instead of webhooks, by a system topic that is there already.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param registryEvents = 'event-grid'
param eventGridTopicName = 'registry-events'
param connectWebhook = true
