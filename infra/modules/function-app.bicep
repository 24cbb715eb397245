// The app on Flex Consumption, and its settings. tests/infra holds them against what the product reads.

param name string
param location string
param tags { *: string }
param publicNetworkAccess string
param allowedAddresses string[]
param identityId string
param identityClientId string
param instanceMemoryMB int
param maximumInstanceCount int

@minValue(0)
param warmHttpInstances int

param applicationInsightsConnectionString string
param deploymentContainerUri string
param blobServiceUri string
param queueServiceUri string
param tableServiceUri string
param stagingRegistryId string
param baseRegistryId string
param applicationRegistryIds string[]
param stagingLoginServer string
param baseLoginServer string
param applicationLoginServers string[]
param gateAgentPool string
param webhookSecretUri string
param dockerHubUsername string
param dockerHubTokenUri string
param useRegistryCredentials bool
param registryCredentialsUri string
param checkDockerHubSchedule string
param checkMcrSchedule string
param checkOtherRegistriesSchedule string
param lookAtBaseSchedule string
param sweepSchedule string
param listRemovalPercent int
param newTagsACheck int
param secondLookMinutes int
param housekeeping string
param stagingRetentionDays int
param registryEvents string
param furtherSettings { *: string }

@description('Client id of the app registration that people sign in to; empty for API keys alone.')
param signInClientId string

@description('Where people reach the app; empty for links that are paths alone.')
param publicUrl string

@description('Short name of the installation.')
param installation string

@description('Address of the blobs of the account that keeps what people decided; empty for none.')
param decisionsAccount string
param recordKey string
param recordForms string
param recordOverrides string

@description('Subnet to send from; empty for the public network.')
param subnetId string

var manager = environment().resourceManager
var armEndpoint = endsWith(manager, '/') ? take(manager, length(manager) - 1) : manager
// Where registries have no audience of their own they take tokens for Resource Manager.
var acrAudience = environment().name == 'AzureCloud' ? 'https://containerregistry.azure.net' : armEndpoint

var settings = {
  // The storage account, by identity. The host reads all five, the app the three addresses.
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: blobServiceUri
  AzureWebJobsStorage__queueServiceUri: queueServiceUri
  AzureWebJobsStorage__tableServiceUri: tableServiceUri
  // Telemetry, by identity; docs/configuration.md says why these values.
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  OTEL_TRACES_SAMPLER: 'always_on'
  OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk,requests,urllib,urllib3'
  OTEL_METRICS_EXPORTER: 'none'
  APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: 'true'
  PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME: 'tidegate'
  PYTHON_THREADPOOL_THREAD_COUNT: '32'
  // The app's own.
  AZURE_CLIENT_ID: identityClientId
  STAGING_REGISTRY_ID: stagingRegistryId
  STAGING_LOGIN_SERVER: stagingLoginServer
  BASE_REGISTRY_ID: baseRegistryId
  BASE_LOGIN_SERVER: baseLoginServer
  APPLICATION_REGISTRY_IDS: join(applicationRegistryIds, ',')
  APPLICATION_LOGIN_SERVERS: join(applicationLoginServers, ',')
  GATE_AGENT_POOL: gateAgentPool
  WEBHOOK_SECRET: '@Microsoft.KeyVault(SecretUri=${webhookSecretUri})'
  CHECK_DOCKER_HUB_SCHEDULE: checkDockerHubSchedule
  CHECK_MCR_SCHEDULE: checkMcrSchedule
  CHECK_OTHER_REGISTRIES_SCHEDULE: checkOtherRegistriesSchedule
  LOOK_AT_BASE_SCHEDULE: lookAtBaseSchedule
  SWEEP_SCHEDULE: sweepSchedule
  LIST_REMOVAL_PERCENT: string(listRemovalPercent)
  NEW_TAGS_A_CHECK: string(newTagsACheck)
  SECOND_LOOK_MINUTES: string(secondLookMinutes)
  HOUSEKEEPING: housekeeping
  STAGING_RETENTION_DAYS: string(stagingRetentionDays)
  PUBLIC_URL: publicUrl
  INSTALLATION: installation
  DECISIONS_ACCOUNT: decisionsAccount
  RECORD_KEY: recordKey
  RECORD_FORMS: recordForms
  RECORD_OVERRIDES: recordOverrides
  VAULT_AUDIENCE: 'https://${substring(environment().suffixes.keyvaultDns, 1)}'
  SIGN_IN_ENABLED: empty(signInClientId) ? 'false' : 'true'
  ARM_ENDPOINT: armEndpoint
  ARM_AUDIENCE: environment().authentication.audiences[0]
  ACR_AUDIENCE: acrAudience
}

// A reference to a secret that is not there would be taken for the token itself.
var dockerHubSettings = empty(dockerHubUsername)
  ? {}
  : {
      DOCKER_HUB_USERNAME: dockerHubUsername
      DOCKER_HUB_TOKEN: '@Microsoft.KeyVault(SecretUri=${dockerHubTokenUri})'
    }

var registrySettings = useRegistryCredentials
  ? {
      REGISTRY_CREDENTIALS: '@Microsoft.KeyVault(SecretUri=${registryCredentialsUri})'
    }
  : {}

// Where Event Grid tells of pushes there is nothing to call. Its events come into a queue that is asked anyway.
var eventSettings = registryEvents == 'event-grid'
  ? {
      'AzureWebJobs.acr_webhook.Disabled': 'true'
    }
  : {}

// What decides whom the app trusts is not to be set twice, once of them unseen.
var ownSettings = union(settings, dockerHubSettings, registrySettings, eventSettings)
var ownNames = [for setting in items(ownSettings): toLower(setting.key)]
var furtherNames = [for setting in items(furtherSettings): toLower(setting.key)]
var setTwice = intersection(furtherNames, ownNames)
var refusal = 'furtherSettings names ${join(setTwice, ', ')}: the templates set that themselves. Leave it out, and set the parameter that decides it.'

// Publishing, by Entra identity, stays open: a workflow's machine has no address that is known beforehand.
var addressRules = [
  for (address, index) in allowedAddresses: {
    name: 'allowed-${index}'
    priority: 100 + index
    action: 'Allow'
    ipAddress: contains(address, '/') ? address : '${address}/${contains(address, ':') ? 128 : 32}'
  }
]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  tags: union(tags, { 'azd-service-name': 'gate' })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Open even where all else is closed, unless that is asked for: webhooks come from the registry's service, from no
    // address of ours, and the app is published from wherever its deployment runs.
    publicNetworkAccess: publicNetworkAccess
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: { name: 'python', version: '3.11' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUri
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      scaleAndConcurrency: {
        // One for HTTP, for each timer and for each queue, since they may all be busy at once; and one more for each queue.
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: warmHttpInstances > 0 ? [{ name: 'http', instanceCount: warmHttpInstances }] : []
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
      ipSecurityRestrictions: addressRules
      ipSecurityRestrictionsDefaultAction: empty(allowedAddresses) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: 'Allow'
    }
  }
}

// App Service authentication. It refuses nobody by itself: the app does, for keys come by the same addresses. Its own
// variable, WEBSITE_AUTH_ENABLED, must say that it is on, too, or the app believes nobody who signs in.
resource signIn 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: !empty(signInClientId) }
    globalValidation: { requireAuthentication: false, unauthenticatedClientAction: 'AllowAnonymous' }
    identityProviders: {
      azureActiveDirectory: {
        enabled: !empty(signInClientId)
        registration: {
          clientId: signInClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: { allowedAudiences: [signInClientId, 'api://${signInClientId}'] }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: empty(setTwice) ? union(furtherSettings, ownSettings) : fail(refusal)
}

// Publishing is by Entra identity too: no user names and passwords for it.
resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource noFtpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

output id string = app.id
output name string = app.name
output host string = app.properties.defaultHostName
