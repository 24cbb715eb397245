// Everything Tidegate needs in one subscription, in a resource group of its own. Registries that are there already may
// stand anywhere. docs/deployment.md says how to deploy it and in which order, docs/security.md who may do what.
targetScope = 'subscription'

@description('Name of this deployment; part of every name that is made here.')
@minLength(2)
@maxLength(16)
param environmentName string

@description('Region of everything that is made here.')
param location string

@description('Resource group of everything that is made here.')
param resourceGroupName string = 'rg-tidegate-${environmentName}'

// Registries.

@description('Resource id of a registry to stage in; empty makes one.')
param stagingRegistryId string = ''

@description('Resource id of the registry for trusted base images; empty makes one.')
param baseRegistryId string = ''

@description('Resource ids of the registries whose tasks build application images; empty for the base registry alone.')
param applicationRegistryIds array = []

@description('Tier of registries made here. Private networking, replicas and own keys make it Premium.')
@allowed(['Basic', 'Standard', 'Premium'])
param registrySku string = 'Standard'

@description('Further regions of the base registry: made for a new one, given webhooks, if there are any, in any case.')
param baseReplicaLocations array = []

@description('Days after which tags are purged from a staging registry made here.')
@minValue(1)
param stagingRetentionDays int = 30

@description('custom: a role with just the calls that are made. built-in: Container Registry Tasks Contributor, for who may not define roles.')
@allowed(['custom', 'built-in'])
param runsRole string = 'custom'

// Upstreams and schedules.

@description('Docker Hub account to check and import with; empty for anonymous.')
param dockerHubUsername string = ''

@description('Personal access token of that account. Empty keeps the one that is in the vault.')
@secure()
param dockerHubToken string = ''

@description('Accounts at other registries, as REGISTRY_CREDENTIALS takes them. Empty keeps those that are in the vault.')
@secure()
param registryCredentials string = ''

@description('Whether the vault has such accounts, from this deployment or an earlier one.')
param useRegistryCredentials bool = false

@description('When Docker Hub is checked: NCRONTAB of six fields.')
param checkDockerHubSchedule string = '0 */15 * * * *'

@description('When MCR is checked: NCRONTAB of six fields.')
param checkMcrSchedule string = '0 */15 * * * *'

@description('When every other watched registry is checked: NCRONTAB of six fields.')
param checkOtherRegistriesSchedule string = '0 */15 * * * *'

@description('When what was left behind is taken up again: NCRONTAB of six fields.')
param sweepSchedule string = '30 * * * * *'

// How the app hears of what others push into the base registry.

@description('webhooks: the registry calls the app. event-grid: Event Grid puts events into a queue, and nothing calls the app.')
@allowed(['webhooks', 'event-grid'])
param registryEvents string = 'webhooks'

@description('Event Grid system topic that the base registry has already, with a system-assigned identity; empty makes one.')
param eventGridTopicName string = ''

@description('What the webhook sends to be believed. A new one for every deployment unless it is given.')
@secure()
param webhookSecret string = '${newGuid()}${newGuid()}'

@description('Whether to make the webhooks: they need a key that is there only once the app has been published.')
param connectWebhook bool = false

// The app.

@description('Memory of an instance.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Instances kept warm for HTTP. With none, the registry may give up on a webhook while the app starts.')
@minValue(0)
param warmHttpInstances int = 0

// Storage, networks and keys.

@description('How storage is kept; regions without zones know Standard_LRS only.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'

@description('Closes storage, vault and registries made here to the public network, and joins the app to a network of its own.')
param privateNetworking bool = false

@description('Address space of that network.')
param networkAddressSpace string = '10.72.0.0/24'

@description('The part of it that the app sends from, /26 or larger.')
param appSubnetPrefix string = '10.72.0.0/26'

@description('The part of it with the private endpoints, /28 or larger.')
param endpointSubnetPrefix string = '10.72.0.64/26'

@description('Key in a Key Vault, without version, for storage and new registries; empty for keys of the platform.')
param encryptionKeyUri string = ''

@description('Resource id of a user-assigned identity that may wrap and unwrap with that key.')
param encryptionIdentityId string = ''

@description('Client id of that identity.')
param encryptionIdentityClientId string = ''

// Alerts.

@description('Resource id of an action group that alerts go to.')
param actionGroupId string = ''

@description('Address that alerts are mailed to, where there is no action group yet.')
param alertEmail string = ''

var token = uniqueString(subscription().id, environmentName, location)
var groupId = '${subscription().id}/resourceGroups/${resourceGroupName}'
var registryPath = 'providers/Microsoft.ContainerRegistry/registries'
var stagingId = empty(stagingRegistryId) ? '${groupId}/${registryPath}/tidegatestaging${token}' : stagingRegistryId
var baseId = empty(baseRegistryId) ? '${groupId}/${registryPath}/tidegatebase${token}' : baseRegistryId
var applicationIds = empty(applicationRegistryIds) ? [baseId] : applicationRegistryIds
var stagingParts = split(stagingId, '/')
var baseParts = split(baseId, '/')
var networkAccess = privateNetworking ? 'Disabled' : 'Enabled'
var premium = privateNetworking || !empty(encryptionKeyUri)
var stagingSku = premium ? 'Premium' : registrySku
var baseSku = premium || !empty(baseReplicaLocations) ? 'Premium' : registrySku

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: resourceGroupName
  location: location
  tags: { 'azd-env-name': environmentName }
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-tidegate-${token}'
    location: location
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'tidegate-${token}'
    location: location
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'tidegate${token}'
    location: location
    sku: storageSku
    publicNetworkAccess: networkAccess
    encryptionKeyUri: encryptionKeyUri
    encryptionIdentityId: encryptionIdentityId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-tg-${token}'
    location: location
    publicNetworkAccess: networkAccess
    webhookSecret: webhookSecret
    dockerHubToken: dockerHubToken
    registryCredentials: registryCredentials
  }
}

module staging 'modules/registry.bicep' = {
  name: 'staging-${token}'
  scope: resourceGroup(stagingParts[2], stagingParts[4])
  dependsOn: [group]
  params: {
    name: stagingParts[8]
    create: empty(stagingRegistryId)
    location: location
    sku: stagingSku
    replicaLocations: []
    untaggedRetentionDays: stagingRetentionDays
    publicNetworkAccess: networkAccess
    encryptionKeyUri: encryptionKeyUri
    encryptionIdentityId: encryptionIdentityId
    encryptionIdentityClientId: encryptionIdentityClientId
  }
}

module base 'modules/registry.bicep' = {
  name: 'base-${token}'
  scope: resourceGroup(baseParts[2], baseParts[4])
  dependsOn: [group]
  params: {
    name: baseParts[8]
    create: empty(baseRegistryId)
    location: location
    sku: baseSku
    replicaLocations: baseReplicaLocations
    untaggedRetentionDays: 0
    publicNetworkAccess: networkAccess
    encryptionKeyUri: encryptionKeyUri
    encryptionIdentityId: encryptionIdentityId
    encryptionIdentityClientId: encryptionIdentityClientId
  }
}

module stagingRetention 'modules/staging-retention.bicep' = if (empty(stagingRegistryId)) {
  name: 'staging-retention'
  scope: group
  dependsOn: [staging]
  params: {
    registryName: stagingParts[8]
    location: location
    days: stagingRetentionDays
  }
}

// What the app's identity may do. Each module says which call needs it.

module storageAccess 'modules/access-storage.bicep' = {
  name: 'access-storage'
  scope: group
  params: {
    storageName: storage.outputs.name
    principalId: identity.outputs.principalId
  }
}

module vaultAccess 'modules/access-vault.bicep' = {
  name: 'access-vault'
  scope: group
  params: {
    vaultName: vault.outputs.name
    principalId: identity.outputs.principalId
  }
}

module monitoringAccess 'modules/access-monitoring.bicep' = {
  name: 'access-monitoring'
  scope: group
  params: {
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    principalId: identity.outputs.principalId
  }
}

module importAccess 'modules/access-imports.bicep' = [for id in union([stagingId], [baseId]): {
  name: 'access-imports-${uniqueString(id, token)}'
  scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
  dependsOn: [staging, base]
  params: {
    registryName: split(id, '/')[8]
    principalId: identity.outputs.principalId
  }
}]

module runsAccess 'modules/access-runs.bicep' = [for id in union([stagingId], applicationIds): {
  name: 'access-runs-${uniqueString(id, token)}'
  scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
  dependsOn: [staging, base]
  params: {
    registryName: split(id, '/')[8]
    principalId: identity.outputs.principalId
    custom: runsRole == 'custom'
  }
}]

// Private networking.

module network 'modules/network.bicep' = if (privateNetworking) {
  name: 'network'
  scope: group
  params: {
    name: 'tidegate-${token}'
    location: location
    addressSpace: networkAddressSpace
    appPrefix: appSubnetPrefix
    endpointPrefix: endpointSubnetPrefix
  }
}

module endpoints 'modules/private-endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
  scope: group
  params: {
    location: location
    subnetId: privateNetworking ? network.outputs.endpointSubnetId : ''
    networkId: privateNetworking ? network.outputs.id : ''
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    registryIds: union([staging.outputs.id], [base.outputs.id])
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  // The app reads its secrets and its storage as soon as it is there, by roles that must be there before it.
  dependsOn: [storageAccess, vaultAccess, monitoringAccess, importAccess, runsAccess, endpoints]
  params: {
    name: 'func-tidegate-${token}'
    location: location
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    instanceMemoryMB: instanceMemoryMB
    warmHttpInstances: warmHttpInstances
    subnetId: privateNetworking ? network.outputs.appSubnetId : ''
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    deploymentContainerUri: storage.outputs.deploymentContainerUri
    blobServiceUri: storage.outputs.blobServiceUri
    queueServiceUri: storage.outputs.queueServiceUri
    tableServiceUri: storage.outputs.tableServiceUri
    stagingRegistryId: stagingId
    baseRegistryId: baseId
    applicationRegistryIds: applicationIds
    stagingLoginServer: staging.outputs.loginServer
    baseLoginServer: base.outputs.loginServer
    webhookSecretUri: vault.outputs.webhookSecretUri
    dockerHubUsername: dockerHubUsername
    dockerHubTokenUri: vault.outputs.dockerHubTokenUri
    useRegistryCredentials: useRegistryCredentials
    registryCredentialsUri: vault.outputs.registryCredentialsUri
    checkDockerHubSchedule: checkDockerHubSchedule
    checkMcrSchedule: checkMcrSchedule
    checkOtherRegistriesSchedule: checkOtherRegistriesSchedule
    sweepSchedule: sweepSchedule
    registryEvents: registryEvents
  }
}

module webhooks 'modules/webhooks.bicep' = if (connectWebhook && registryEvents == 'webhooks') {
  name: 'webhooks-${token}'
  scope: resourceGroup(baseParts[2], baseParts[4])
  params: {
    registryName: baseParts[8]
    locations: union([base.outputs.location], baseReplicaLocations)
    functionAppId: functionApp.outputs.id
    functionAppHost: functionApp.outputs.host
    secret: webhookSecret
  }
}

module eventGrid 'modules/event-grid.bicep' = if (registryEvents == 'event-grid') {
  name: 'event-grid-${token}'
  scope: resourceGroup(baseParts[2], baseParts[4])
  params: {
    registryName: baseParts[8]
    location: base.outputs.location
    topicName: eventGridTopicName
    storageId: storage.outputs.id
  }
}

module operator 'modules/operator.bicep' = {
  name: 'operator'
  scope: group
  params: {
    name: 'tidegate-${token}'
    location: location
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    actionGroupId: actionGroupId
    alertEmail: alertEmail
  }
}

// azd keeps outputs in capitals as the environment's values.
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = functionApp.outputs.name
output FUNCTION_APP_HOST string = functionApp.outputs.host
output STORAGE_ACCOUNT_NAME string = storage.outputs.name
output KEY_VAULT_NAME string = vault.outputs.name
output STAGING_LOGIN_SERVER string = staging.outputs.loginServer
output BASE_LOGIN_SERVER string = base.outputs.loginServer
