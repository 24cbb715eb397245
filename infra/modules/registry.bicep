// One registry, made here or there already. One that is there is left as it is.

param name string
param create bool
param location string
param tags { *: string }
param sku string
param replicaLocations string[]
param roleAssignmentMode 'AbacRepositoryPermissions' | 'LegacyRegistryPermissions'
param publicNetworkAccess string
param encryptionKeyUri string
param encryptionIdentityId string
param encryptionIdentityClientId string

var ownKey = !empty(encryptionKeyUri)

resource made 'Microsoft.ContainerRegistry/registries@2025-11-01' = if (create) {
  name: name
  location: location
  tags: tags
  sku: { name: sku }
  identity: ownKey
    ? {
        type: 'UserAssigned'
        userAssignedIdentities: { '${encryptionIdentityId}': {} }
      }
    : { type: 'None' }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    publicNetworkAccess: publicNetworkAccess
    // Imports into a closed registry are made by Resource Manager, from outside. Runs are not let in by it: that is for
    // tasks with an identity of the system's, which a run of no task cannot have.
    networkRuleBypassOptions: 'AzureServices'
    networkRuleBypassAllowedForTasks: false
    roleAssignmentMode: roleAssignmentMode
    encryption: ownKey
      ? {
          status: 'enabled'
          keyVaultProperties: {
            identity: encryptionIdentityClientId
            keyIdentifier: encryptionKeyUri
          }
        }
      : { status: 'disabled' }
    policies: {
      // A registry of its own is the quarantine; ACR's would hold every push until somebody passes it.
      quarantinePolicy: { status: 'disabled' }
      // Promotion imports from the staging registry, which is an export.
      exportPolicy: { status: 'enabled' }
      // It deletes what has no tag, whatever names it or refers to it; the app deletes what nobody needs.
      retentionPolicy: { status: 'disabled' }
    }
  }
}

resource replicas 'Microsoft.ContainerRegistry/registries/replications@2025-11-01' = [
  for place in replicaLocations: if (create) {
    parent: made
    name: toLower(replace(place, ' ', ''))
    location: place
    tags: tags
  }
]

resource found 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = if (!create) {
  name: name
}

output location string = create ? made!.location : found!.location
output loginServer string = create ? made!.properties.loginServer : found!.properties.loginServer
