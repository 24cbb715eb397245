// Webhooks connected, no housekeeping, a base registry with a replica, accounts at upstreams.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param tags = { owner: 'platform' }
param baseReplicaLocations = ['North Europe']
param connectWebhook = true
param webhookSecret = 'sixteen-characters-or-more'
param dockerHubUsername = 'somebody'
param useRegistryCredentials = true
param housekeeping = 'off'
