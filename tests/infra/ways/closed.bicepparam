// Closed: networks made here, an agent pool, keys of one's own, a replica, Event Grid, and the app closed too.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param tags = { owner: 'platform', costCenter: '4711' }
param privateNetworking = true
param closeFunctionApp = true
param agentPoolName = 'gates'
param registryEvents = 'event-grid'
param baseReplicaLocations = ['northeurope']
param encryptionKeyUri = 'https://keys.vault.azure.net/keys/tidegate'
param encryptionIdentityId = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-keys/providers/Microsoft.ManagedIdentity/userAssignedIdentities/keys'
param encryptionIdentityClientId = '99999999-9999-9999-9999-999999999999'
param diagnosticLogs = true
param alertEmail = 'ops@example.com'
