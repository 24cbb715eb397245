// Event Grid instead of webhooks, by a system topic that is there already; the app may be called from a few addresses.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param registryEvents = 'event-grid'
param eventGridTopicName = 'registry-events'
param connectWebhook = true
param allowedAddresses = ['203.0.113.0/24', '198.51.100.7', '2001:db8::1']
param furtherSettings = { REBUILDS_AT_ONCE: '20' }
