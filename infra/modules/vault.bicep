// The vault with the app's secrets. The app's settings only point here.

param name string
param location string
param tags { *: string }
param publicNetworkAccess string

@secure()
param webhookSecret string

@description('Empty keeps the one that is there.')
@secure()
param dockerHubToken string

@description('Empty keeps those that are there.')
@secure()
param registryCredentials string

var defaultAction = publicNetworkAccess == 'Disabled' ? 'Deny' : 'Allow'

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: publicNetworkAccess
    networkAcls: {
      defaultAction: defaultAction
      bypass: 'AzureServices'
    }
  }
}

resource webhook 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = {
  parent: vault
  name: 'webhook-secret'
  properties: {
    value: webhookSecret
    contentType: 'text/plain; sent by the base registry in x-tidegate-secret'
  }
}

resource dockerHub 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = if (!empty(dockerHubToken)) {
  parent: vault
  name: 'docker-hub-token'
  properties: {
    value: dockerHubToken
    contentType: 'text/plain; personal access token of Docker Hub'
  }
}

resource registries 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = if (!empty(registryCredentials)) {
  parent: vault
  name: 'registry-credentials'
  properties: {
    value: registryCredentials
    contentType: 'application/json; accounts at other registries'
  }
}

output name string = vault.name
// With its version: a new secret is a new setting, and so restarts the app instead of being noticed within a day.
output webhookSecretUri string = webhook.properties.secretUriWithVersion
// Without: the token may be replaced in the vault, by who may not see the rest.
output dockerHubTokenUri string = '${vault.properties.vaultUri}secrets/docker-hub-token'
output registryCredentialsUri string = '${vault.properties.vaultUri}secrets/registry-credentials'
