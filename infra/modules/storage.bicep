// The storage account: the Functions host's own, the app's state, and the published package. There are no keys to it.

param name string
param location string
param tags { *: string }
param sku string
param publicNetworkAccess string
param encryptionKeyUri string
param encryptionIdentityId string

// The app would make these when it first writes; made here, triggers and dashboards find them from the start.
// Event Grid leaves in `undelivered` what it could not put into `imports`; without it that stays empty.
var containers = ['config', 'evidence', 'deployment', 'undelivered']
var rest = ['evidence/', 'deployment/', 'undelivered/', 'azure-webjobs-hosts/', 'azure-webjobs-secrets/']
var tables = [
  'observations'
  'candidates'
  'rebuilds'
  'activity'
  'budgets'
  'targets'
  'companions'
  'uniquetags'
  'listings'
  'rulings'
  'troubles'
  'deliveries'
  'destinations'
  'keys'
  'answers'
  'usualtimes'
  'scans'
  'signingkeys'
  'tools'
  'decisions'
  'waves'
  'dispatchers'
]
var queues = [
  'imports'
  'validations'
  'imports-poison'
  'validations-poison'
]
var defaultAction = publicNetworkAccess == 'Disabled' ? 'Deny' : 'Allow'
var ownKey = !empty(encryptionKeyUri)
// https://<vault>/keys/<key>
var keyParts = split(ownKey ? encryptionKeyUri : 'https://unused/keys/unused', '/')

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  identity: ownKey
    ? {
        type: 'UserAssigned'
        userAssignedIdentities: { '${encryptionIdentityId}': {} }
      }
    : { type: 'None' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicNetworkAccess
    networkAcls: {
      defaultAction: defaultAction
      bypass: 'AzureServices'
    }
    encryption: {
      keySource: ownKey ? 'Microsoft.Keyvault' : 'Microsoft.Storage'
      identity: ownKey ? { userAssignedIdentity: encryptionIdentityId } : null
      keyvaultproperties: ownKey
        ? {
            keyname: keyParts[4]
            keyvaulturi: 'https://${keyParts[2]}'
          }
        : null
      // The scope of these two keys is fixed when the account is made; so a key of one's own can still come later.
      services: {
        blob: { enabled: true, keyType: 'Account' }
        file: { enabled: true, keyType: 'Account' }
        queue: { enabled: true, keyType: 'Account' }
        table: { enabled: true, keyType: 'Account' }
      }
    }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    // A watch list or evidence deleted or overwritten by mistake can be had back.
    isVersioningEnabled: true
    deleteRetentionPolicy: { enabled: true, days: 7 }
    containerDeleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

// Versions are kept for a year of the watch list, which is what somebody may want to know, and for a week of all else:
// the host writes its timers' notes once a minute.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  dependsOn: [blobService]
  properties: {
    policy: {
      rules: [
        for rule in [{ name: 'config', days: 365, prefix: ['config/'] }, { name: 'rest', days: 7, prefix: rest }]: {
          name: rule.name
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: rule.prefix }
            actions: { version: { delete: { daysAfterCreationGreaterThan: rule.days } } }
          }
        }
      ]
    }
  }
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for container in containers: {
    parent: blobService
    name: container
    properties: { publicAccess: 'None' }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource messageQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for queue in queues: {
    parent: queueService
    name: queue
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource stateTables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for table in tables: {
    parent: tableService
    name: table
  }
]

output name string = account.name
output blobServiceUri string = account.properties.primaryEndpoints.blob
output queueServiceUri string = account.properties.primaryEndpoints.queue
output tableServiceUri string = account.properties.primaryEndpoints.table
output deploymentContainerUri string = '${account.properties.primaryEndpoints.blob}deployment'
