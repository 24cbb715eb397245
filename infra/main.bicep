// Everything Tidegate needs in one subscription, in a resource group of its own. Registries that are there already may
// stand anywhere. docs/deployment.md says how to deploy it and in which order, docs/security.md who may do what.
targetScope = 'subscription'

import { accountOf, networkOf, registryOf, same, taskOf } from 'ids.bicep'

@description('Name of this deployment; part of every name that is made here. Letters, digits and hyphens.')
@minLength(2)
@maxLength(16)
param environmentName string

@description('Region of everything that is made here.')
param location string

@description('Resource group of everything that is made here.')
param resourceGroupName string = 'rg-tidegate-${environmentName}'

@description('Tags of everything that is made here.')
param tags { *: string } = {}

// Registries.

@description('Resource id of a registry to stage in; empty makes one.')
param stagingRegistryId string = ''

@description('Resource id of the registry for trusted base images; empty makes one.')
param baseRegistryId string = ''

@description('Resource ids of the registries whose tasks build application images; empty for the base registry alone.')
param applicationRegistryIds string[] = []

@description('Tier of registries made here. Private networking, replicas and own keys make it Premium.')
@allowed(['Basic', 'Standard', 'Premium'])
param registrySku string = 'Standard'

@description('Further regions of the base registry: made for a new one, given webhooks, if there are any, in any case.')
param baseReplicaLocations string[] = []

@description('How roles on the staging registry work. AbacRepositoryPermissions takes from a run, and so from what is tested, the right to write there. Of a registry that is there already: what it has.')
@allowed(['AbacRepositoryPermissions', 'LegacyRegistryPermissions'])
param stagingRoleAssignmentMode string = 'AbacRepositoryPermissions'

@description('The same for the base registry. AbacRepositoryPermissions changes what every other user of the registry needs.')
@allowed(['AbacRepositoryPermissions', 'LegacyRegistryPermissions'])
param baseRoleAssignmentMode string = 'LegacyRegistryPermissions'

@description('Where the app deletes, once a day, what nobody needs any more; it is given the right to delete there, and nowhere else.')
@allowed(['off', 'staging', 'base', 'staging,base'])
param housekeeping string = 'staging'

@description('Days that what was written into the staging registry stays there at least.')
@minValue(1)
@maxValue(3650)
param stagingRetentionDays int = 30

@description('Resource id of a role definition with the actions of modules/access-deletes.bicep, for who may not define roles. Empty defines one for each registry.')
param deletesRoleId string = ''

@description('Pool of agents of the staging registry that gates run in; needed where that registry is closed. Made for a registry made here, else it must be there. Empty for the shared ones.')
param agentPoolName string = ''

// What the app may do with locks.

@description('Whether the app may lock and unlock images in the base registry, as entries of the watch list ask (`lock:`). Whoever has that right can open every lock there.')
param lockImages bool = false

@description('Resource id of a role definition with the actions of modules/access-locks.bicep, for who may not define roles. Empty defines one.')
param locksRoleId string = ''

// What the app may do with tasks.

@description('Resource ids of the tasks that build application images and that the app runs again. Each gets the role that lets it: whoever has it could also rewrite that task.')
param applicationTaskIds string[] = []

@description('Gives that role on every application registry as a whole, but never on the staging or the base registry.')
param allApplicationTasks bool = false

@description('Whether gates that are too large for a task run may be scheduled as runs without a name.')
param gatesByScheduleRun bool = false

@description('Resource id of a role definition with the actions of modules/access-runs.bicep, for who may not define roles. Empty defines one for each registry.')
param runsRoleId string = ''

@description('The same with the action that running a task needs, registries/tasks/write.')
param taskRoleId string = ''

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

@description('Client id of the app registration by which people and managed identities sign in; empty for API keys alone.')
param signInClientId string = ''

@description('Where people reach the app, such as https://tidegate.example.net: links in notices begin with it.')
param publicUrl string = ''

@description('Short name of this installation, such as prod-weu: in titles of pages and in notices.')
@maxLength(40)
param installation string = ''

@description('Resource id of another storage account that keeps what people decided, every day; empty for none.')
param decisionsAccountId string = ''

@description('Makes a key in the vault that signs what is decided of images, and lets the app push such records into staging.')
param signRecords bool = false

@description('Forms of records beside the bundle, separated by commas: att, sig, platforms.')
param recordForms string = ''

@description('Whether records say that something failed: failed, or none.')
param recordOverrides string = 'none'

@description('When Docker Hub is checked: NCRONTAB of six fields.')
param checkDockerHubSchedule string = '0 */15 * * * *'

@description('When MCR is checked: NCRONTAB of six fields.')
param checkMcrSchedule string = '0 */15 * * * *'

@description('When every other watched registry is checked: NCRONTAB of six fields.')
param checkOtherRegistriesSchedule string = '0 */15 * * * *'

@description('When the base registry is compared with what is wanted: NCRONTAB of six fields.')
param lookAtBaseSchedule string = '0 */30 * * * *'

@description('When what was left behind is taken up again: NCRONTAB of six fields.')
param sweepSchedule string = '30 */5 * * * *'

@description('The share of the watch list in force, in percent, that a new one may lack without saying so.')
@minValue(1)
@maxValue(100)
param listRemovalPercent int = 20

@description('How many tags are begun for the first time in one check of up to twenty repositories.')
@minValue(1)
@maxValue(10000)
param newTagsACheck int = 20

@description('After how many minutes a tag that bears again what it bore within a day is believed. 0 believes it at once.')
@minValue(0)
@maxValue(60)
param secondLookMinutes int = 3

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

@description('Memory of an instance. What the smallest has is proven to do for 10,000 tags.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

@description('The most instances there are at once.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 10

@description('Instances kept warm for HTTP. With none, the registry may give up on a webhook while the app starts.')
@minValue(0)
param warmHttpInstances int = 0

@description('App settings of docs/configuration.md that no parameter here speaks of, by name; those that the templates set themselves are refused.')
param furtherSettings { *: string } = {}

// Storage, networks and keys.

@description('How storage is kept; regions without zones know Standard_LRS only.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'

@description('Closes storage, vault and registries made here to the public network, and joins the app to a network. A staging registry made here stays open unless there is an agent pool, for gates would not reach it.')
param privateNetworking bool = false

@description('Closes the app itself, too: it is then published and asked from within the network only. Needs privateNetworking and event-grid.')
param closeFunctionApp bool = false

@description('Addresses, or ranges as in 203.0.113.0/24, from which the app may be called; empty for all. Publishing is not among it. Needs event-grid.')
param allowedAddresses string[] = []

@description('Subnet that is there already and that the app sends from, delegated to Microsoft.App/environments; empty makes a network.')
param appSubnetId string = ''

@description('Subnet that is there already for private endpoints; given together with appSubnetId.')
param endpointSubnetId string = ''

@description('Subnet that is there already for an agent pool made here; needed with appSubnetId and agentPoolName.')
param agentSubnetId string = ''

@description('Resource id of the resource group with the private DNS zones, linked to the network already; empty makes the zones.')
param privateDnsZoneGroupId string = ''

@description('Address space of a network made here.')
param networkAddressSpace string = '10.72.0.0/24'

@description('The part of it that the app sends from, /26 or larger.')
param appSubnetPrefix string = '10.72.0.0/26'

@description('The part of it with the private endpoints, /28 or larger.')
param endpointSubnetPrefix string = '10.72.0.64/26'

@description('The part of it with the agents of a pool, if there is one.')
param agentSubnetPrefix string = '10.72.0.128/26'

@description('Key in a Key Vault, without version, for storage and new registries; empty for keys of the platform.')
param encryptionKeyUri string = ''

@description('Resource id of a user-assigned identity that may wrap and unwrap with that key.')
param encryptionIdentityId string = ''

@description('Client id of that identity.')
param encryptionIdentityClientId string = ''

// Logs and alerts.

@description('Sends the logs of registries, storage, vault and app to the workspace, for what its ingestion costs.')
param diagnosticLogs bool = false

@description('Resource id of an action group that alerts go to.')
param actionGroupId string = ''

@description('Address that alerts are mailed to, where there is no action group yet.')
param alertEmail string = ''

var token = uniqueString(subscription().id, environmentName, location)
var groupId = '${subscription().id}/resourceGroups/${resourceGroupName}'
var registryPath = 'providers/Microsoft.ContainerRegistry/registries'
var staging = registryOf(
  'stagingRegistryId',
  empty(stagingRegistryId) ? '${groupId}/${registryPath}/tidegatestaging${token}' : stagingRegistryId
)
var base = registryOf(
  'baseRegistryId',
  empty(baseRegistryId) ? '${groupId}/${registryPath}/tidegatebase${token}' : baseRegistryId
)
var applicationIds = empty(applicationRegistryIds) ? [base.id] : applicationRegistryIds
var applications = [for id in applicationIds: registryOf('applicationRegistryIds', id)]
// In small letters, as ids are compared.
var applicationKeys = [for id in applicationIds: toLower(id)]
var tasks = [for id in applicationTaskIds: taskOf('applicationTaskIds', id)]
var taskKeys = [for id in applicationTaskIds: toLower(join(take(split(id, '/'), 9), '/'))]
var onlyBase = length(applicationKeys) == 1 && same(applicationKeys[0], base.id)
var ownNetwork = empty(appSubnetId) || empty(endpointSubnetId)
var agentPool = !empty(agentPoolName)
var makesAgentPool = agentPool && empty(stagingRegistryId)

// What cannot work is refused before anything is made, all of it at once: the resource group's name depends on it.
var refusals = concat(
  contains(environmentName, ' ')
    ? [
        'environmentName is "${environmentName}": a space may not be in the names that it is part of; take letters, digits and hyphens.'
      ]
    : [],
  same(staging.id, base.id)
    ? [
        'stagingRegistryId and baseRegistryId are the same registry: what has not passed its gate would stand where trusted images are taken from. Take two, or leave one empty.'
      ]
    : [],
  contains(applicationKeys, toLower(staging.id))
    ? [
        'applicationRegistryIds names the staging registry: what a gate does there could reach the applications built in it. Take another.'
      ]
    : [],
  length(intersection(applicationKeys, taskKeys)) < length(union(taskKeys, [])) ? ['applicationTaskIds names a task of a registry that is not among applicationRegistryIds: add that registry.'] : [],
  allApplicationTasks && onlyBase
    ? [
        'allApplicationTasks would let the app rewrite every task of the base registry. Name single tasks in applicationTaskIds, or keep applications in a registry of their own and name that in applicationRegistryIds.'
      ]
    : [],
  closeFunctionApp && !privateNetworking
    ? ['closeFunctionApp needs privateNetworking: without a network nothing could reach the app.']
    : [],
  closeFunctionApp && registryEvents == 'webhooks'
    ? [
        'closeFunctionApp needs registryEvents event-grid: webhooks come from the registry\'s service, which a closed app does not let in.'
      ]
    : [],
  !empty(allowedAddresses) && registryEvents == 'webhooks'
    ? [
        'allowedAddresses needs registryEvents event-grid: nobody says from which addresses a registry calls its webhooks.'
      ]
    : [],
  !empty(allowedAddresses) && closeFunctionApp
    ? ['allowedAddresses means nothing with closeFunctionApp, which lets nobody in from outside: leave one of them out.']
    : [],
  !privateNetworking && !(empty(appSubnetId) && empty(endpointSubnetId))
    ? ['appSubnetId and endpointSubnetId mean nothing without privateNetworking: set it, or leave them empty.']
    : [],
  empty(appSubnetId) != empty(endpointSubnetId)
    ? ['appSubnetId and endpointSubnetId are given together: one to send from, one for the private endpoints.']
    : [],
  !ownNetwork && makesAgentPool && empty(agentSubnetId)
    ? [
        'agentSubnetId is missing: the agent pool of a new staging registry needs a subnet of the network that is there.'
      ]
    : []
)

var everyTag = union(tags, { 'azd-env-name': environmentName })
var deploymentName = '${environmentName}-${token}'
var names = {
  identity: 'id-tidegate-${token}'
  storage: 'tidegate${token}'
  vault: 'kv-tg-${token}'
  app: 'func-tidegate-${token}'
  monitoring: 'tidegate-${token}'
}
var ids = {
  storage: '${groupId}/providers/Microsoft.Storage/storageAccounts/${names.storage}'
  vault: '${groupId}/providers/Microsoft.KeyVault/vaults/${names.vault}'
  app: '${groupId}/providers/Microsoft.Web/sites/${names.app}'
  applicationInsights: '${groupId}/providers/Microsoft.Insights/components/appi-${names.monitoring}'
  workspace: '${groupId}/providers/Microsoft.OperationalInsights/workspaces/log-${names.monitoring}'
  network: '${groupId}/providers/Microsoft.Network/virtualNetworks/vnet-tidegate-${token}'
}
var networkId = ownNetwork ? ids.network : networkOf('endpointSubnetId', endpointSubnetId)
var subnets = {
  app: ownNetwork ? '${ids.network}/subnets/app' : appSubnetId
  endpoints: ownNetwork ? '${ids.network}/subnets/endpoints' : endpointSubnetId
  agents: ownNetwork ? '${ids.network}/subnets/agents' : agentSubnetId
}
var networkAccess = privateNetworking ? 'Disabled' : 'Enabled'
// Runs come from outside a network that has no agents in it.
var stagingAccess = privateNetworking && agentPool ? 'Disabled' : 'Enabled'
var premium = privateNetworking || !empty(encryptionKeyUri)
var stagingSku = premium || agentPool ? 'Premium' : registrySku
var baseSku = premium || !empty(baseReplicaLocations) ? 'Premium' : registrySku
var stagingIsAbac = stagingRoleAssignmentMode == 'AbacRepositoryPermissions'
var baseIsAbac = baseRoleAssignmentMode == 'AbacRepositoryPermissions'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: empty(refusals) ? resourceGroupName : fail(join(refusals, ' '))
  location: location
  tags: everyTag
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: names.identity
    location: location
    tags: everyTag
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    name: names.monitoring
    location: location
    tags: everyTag
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: names.storage
    location: location
    tags: everyTag
    sku: storageSku
    publicNetworkAccess: networkAccess
    encryptionKeyUri: encryptionKeyUri
    encryptionIdentityId: encryptionIdentityId
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    name: names.vault
    location: location
    tags: everyTag
    publicNetworkAccess: networkAccess
    webhookSecret: webhookSecret
    dockerHubToken: dockerHubToken
    registryCredentials: registryCredentials
  }
}

module stagingRegistry 'modules/registry.bicep' = {
  scope: resourceGroup(staging.subscription, staging.group)
  dependsOn: [group]
  params: {
    name: staging.name
    create: empty(stagingRegistryId)
    location: location
    tags: everyTag
    sku: stagingSku
    replicaLocations: []
    roleAssignmentMode: stagingRoleAssignmentMode
    publicNetworkAccess: stagingAccess
    encryptionKeyUri: encryptionKeyUri
    encryptionIdentityId: encryptionIdentityId
    encryptionIdentityClientId: encryptionIdentityClientId
  }
}

module baseRegistry 'modules/registry.bicep' = {
  scope: resourceGroup(base.subscription, base.group)
  dependsOn: [group]
  params: {
    name: base.name
    create: empty(baseRegistryId)
    location: location
    tags: everyTag
    sku: baseSku
    replicaLocations: baseReplicaLocations
    roleAssignmentMode: baseRoleAssignmentMode
    publicNetworkAccess: networkAccess
    encryptionKeyUri: encryptionKeyUri
    encryptionIdentityId: encryptionIdentityId
    encryptionIdentityClientId: encryptionIdentityClientId
  }
}

// What the app's identity may do. Each module says which call needs it.

module storageAccess 'modules/access-storage.bicep' = {
  scope: group
  dependsOn: [storage]
  params: {
    storageName: names.storage
    // Part of the assignments' names, as in every module of roles: an identity made again under its old name is another
    // one, and an assignment cannot change hands. A preview shows the assignments without their names.
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module vaultAccess 'modules/access-vault.bicep' = {
  scope: group
  dependsOn: [vault]
  params: {
    vaultName: names.vault
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module monitoringAccess 'modules/access-monitoring.bicep' = {
  scope: group
  dependsOn: [monitoring]
  params: {
    applicationInsightsName: 'appi-${names.monitoring}'
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module stagingAccessToImages 'modules/access-imports.bicep' = {
  scope: resourceGroup(staging.subscription, staging.group)
  dependsOn: [stagingRegistry]
  params: {
    registryName: staging.name
    abac: stagingIsAbac
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module baseAccessToImages 'modules/access-imports.bicep' = {
  scope: resourceGroup(base.subscription, base.group)
  dependsOn: [baseRegistry]
  params: {
    registryName: base.name
    abac: baseIsAbac
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module stagingDeletes 'modules/access-deletes.bicep' = if (contains(split(housekeeping, ','), 'staging')) {
  scope: resourceGroup(staging.subscription, staging.group)
  dependsOn: [stagingRegistry]
  params: {
    registryName: staging.name
    deploymentName: deploymentName
    abac: stagingIsAbac
    deletesRoleId: deletesRoleId
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module baseDeletes 'modules/access-deletes.bicep' = if (contains(split(housekeeping, ','), 'base')) {
  scope: resourceGroup(base.subscription, base.group)
  dependsOn: [baseRegistry]
  params: {
    registryName: base.name
    deploymentName: deploymentName
    abac: baseIsAbac
    deletesRoleId: deletesRoleId
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module lockAccess 'modules/access-locks.bicep' = if (lockImages) {
  scope: resourceGroup(base.subscription, base.group)
  dependsOn: [baseRegistry]
  params: {
    registryName: base.name
    abac: baseIsAbac
    deploymentName: deploymentName
    locksRoleId: locksRoleId
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module gateAccess 'modules/access-runs.bicep' = {
  scope: resourceGroup(staging.subscription, staging.group)
  dependsOn: [stagingRegistry]
  params: {
    registryName: staging.name
    deploymentName: deploymentName
    runsRoleId: runsRoleId
    cancelRuns: true
    scheduleRun: gatesByScheduleRun
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module rebuildAccess 'modules/access-runs.bicep' = [
  for application in applications: {
    scope: resourceGroup(application.subscription, application.group)
    dependsOn: [baseRegistry]
    params: {
      registryName: application.name
      deploymentName: deploymentName
      runsRoleId: runsRoleId
      cancelRuns: false
      scheduleRun: false
      #disable-next-line what-if-short-circuiting
      principalId: identity.outputs.principalId
    }
  }
]

module taskAccess 'modules/access-tasks.bicep' = [
  for application in applications: {
    scope: resourceGroup(application.subscription, application.group)
    dependsOn: [baseRegistry]
    params: {
      registryName: application.name
      deploymentName: deploymentName
      taskNames: [for task in tasks: same(task.registryId, application.id) ? task.name : '']
      allTasks: allApplicationTasks && !same(application.id, base.id)
      taskRoleId: taskRoleId
      #disable-next-line what-if-short-circuiting
      principalId: identity.outputs.principalId
    }
  }
]

var keepsDecisions = !empty(decisionsAccountId)
var decisionsAccount = accountOf('decisionsAccountId', decisionsAccountId)

module decisionsAccess 'modules/access-decisions.bicep' = if (keepsDecisions) {
  scope: resourceGroup(
    keepsDecisions ? decisionsAccount.subscription : subscription().subscriptionId,
    keepsDecisions ? decisionsAccount.group : resourceGroupName
  )
  params: {
    accountName: decisionsAccount.name
    deploymentName: deploymentName
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module recordKey 'modules/access-record-key.bicep' = if (signRecords) {
  scope: group
  dependsOn: [vault]
  params: {
    vaultName: names.vault
    deploymentName: deploymentName
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module recordPush 'modules/access-record-push.bicep' = if (signRecords) {
  scope: resourceGroup(staging.subscription, staging.group)
  dependsOn: [stagingRegistry]
  params: {
    registryName: staging.name
    deploymentName: deploymentName
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

// Private networking.

module network 'modules/network.bicep' = if (privateNetworking && ownNetwork) {
  scope: group
  params: {
    name: 'tidegate-${token}'
    location: location
    tags: everyTag
    addressSpace: networkAddressSpace
    appPrefix: appSubnetPrefix
    endpointPrefix: endpointSubnetPrefix
    agentPrefix: makesAgentPool ? agentSubnetPrefix : ''
  }
}

module agents 'modules/agent-pool.bicep' = if (makesAgentPool) {
  scope: group
  dependsOn: [stagingRegistry, network]
  params: {
    registryName: staging.name
    name: agentPoolName
    location: location
    tags: everyTag
    subnetId: privateNetworking ? subnets.agents : ''
  }
}

module endpoints 'modules/private-endpoints.bicep' = if (privateNetworking) {
  scope: group
  dependsOn: [storage, vault, stagingRegistry, baseRegistry, network]
  params: {
    location: location
    tags: everyTag
    subnetId: subnets.endpoints
    networkId: networkId
    zoneGroupId: privateDnsZoneGroupId
    storageId: ids.storage
    vaultId: ids.vault
    registryIds: [staging.id, base.id]
    withSites: closeFunctionApp
  }
}

module functionApp 'modules/function-app.bicep' = {
  scope: group
  // The app reads its secrets and its storage as soon as it is there, by roles that must be there before it.
  dependsOn: [
    storageAccess
    vaultAccess
    monitoringAccess
    stagingAccessToImages
    baseAccessToImages
    stagingDeletes
    baseDeletes
    gateAccess
    rebuildAccess
    taskAccess
    endpoints
  ]
  params: {
    name: names.app
    location: location
    tags: everyTag
    publicNetworkAccess: closeFunctionApp ? 'Disabled' : 'Enabled'
    allowedAddresses: allowedAddresses
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    warmHttpInstances: warmHttpInstances
    subnetId: privateNetworking ? subnets.app : ''
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    deploymentContainerUri: storage.outputs.deploymentContainerUri
    blobServiceUri: storage.outputs.blobServiceUri
    queueServiceUri: storage.outputs.queueServiceUri
    tableServiceUri: storage.outputs.tableServiceUri
    signInClientId: signInClientId
    publicUrl: publicUrl
    installation: installation
    decisionsAccount: decisionsAccess.?outputs.blobUri ?? ''
    recordKey: recordKey.?outputs.keyUri ?? ''
    recordForms: recordForms
    recordOverrides: recordOverrides
    stagingRegistryId: staging.id
    baseRegistryId: base.id
    applicationRegistryIds: applicationIds
    stagingLoginServer: stagingRegistry.outputs.loginServer
    baseLoginServer: baseRegistry.outputs.loginServer
    applicationLoginServers: [for (application, index) in applications: taskAccess[index].outputs.loginServer]
    gateAgentPool: agentPoolName
    webhookSecretUri: vault.outputs.webhookSecretUri
    dockerHubUsername: dockerHubUsername
    dockerHubTokenUri: vault.outputs.dockerHubTokenUri
    useRegistryCredentials: useRegistryCredentials
    registryCredentialsUri: vault.outputs.registryCredentialsUri
    checkDockerHubSchedule: checkDockerHubSchedule
    checkMcrSchedule: checkMcrSchedule
    checkOtherRegistriesSchedule: checkOtherRegistriesSchedule
    lookAtBaseSchedule: lookAtBaseSchedule
    sweepSchedule: sweepSchedule
    listRemovalPercent: listRemovalPercent
    newTagsACheck: newTagsACheck
    secondLookMinutes: secondLookMinutes
    housekeeping: housekeeping
    stagingRetentionDays: stagingRetentionDays
    registryEvents: registryEvents
    furtherSettings: furtherSettings
  }
}

module appEndpoint 'modules/private-endpoint.bicep' = if (closeFunctionApp) {
  scope: group
  dependsOn: [functionApp]
  params: {
    name: 'pe-${names.app}'
    location: location
    tags: everyTag
    subnetId: subnets.endpoints
    targetId: ids.app
    service: 'sites'
    zoneId: endpoints.?outputs.sitesZoneId ?? ''
  }
}

module webhooks 'modules/webhooks.bicep' = if (connectWebhook && registryEvents == 'webhooks') {
  scope: resourceGroup(base.subscription, base.group)
  params: {
    registryName: base.name
    registryLocation: baseRegistry.outputs.location
    replicaLocations: baseReplicaLocations
    token: token
    tags: everyTag
    functionAppId: functionApp.outputs.id
    functionAppHost: functionApp.outputs.host
    secret: webhookSecret
  }
}

module eventGrid 'modules/event-grid.bicep' = if (registryEvents == 'event-grid') {
  scope: resourceGroup(base.subscription, base.group)
  dependsOn: [storage]
  params: {
    registryName: base.name
    location: baseRegistry.outputs.location
    tags: everyTag
    topicName: eventGridTopicName
    storageId: ids.storage
  }
}

// For the operator.

module operator 'modules/operator.bicep' = {
  scope: group
  dependsOn: [monitoring]
  params: {
    name: 'tidegate-${token}'
    location: location
    tags: everyTag
    applicationInsightsId: ids.applicationInsights
    actionGroupId: actionGroupId
    alertEmail: alertEmail
  }
}

module logs 'modules/logs.bicep' = if (diagnosticLogs) {
  scope: group
  dependsOn: [monitoring, storage, vault, functionApp]
  params: {
    name: 'tidegate-${token}'
    workspaceId: ids.workspace
    vaultName: names.vault
    storageName: names.storage
    appName: names.app
  }
}

module stagingLogs 'modules/logs-registry.bicep' = if (diagnosticLogs) {
  scope: resourceGroup(staging.subscription, staging.group)
  dependsOn: [monitoring, stagingRegistry]
  params: {
    name: 'tidegate-${token}'
    workspaceId: ids.workspace
    registryName: staging.name
  }
}

module baseLogs 'modules/logs-registry.bicep' = if (diagnosticLogs) {
  scope: resourceGroup(base.subscription, base.group)
  dependsOn: [monitoring, baseRegistry]
  params: {
    name: 'tidegate-${token}'
    workspaceId: ids.workspace
    registryName: base.name
  }
}

// azd keeps outputs in capitals as the environment's values.
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = functionApp.outputs.name
output FUNCTION_APP_HOST string = functionApp.outputs.host
output STORAGE_ACCOUNT_NAME string = storage.outputs.name
output KEY_VAULT_NAME string = vault.outputs.name
output STAGING_LOGIN_SERVER string = stagingRegistry.outputs.loginServer
output BASE_LOGIN_SERVER string = baseRegistry.outputs.loginServer
