// What the app's identity may do with the other account that keeps what people decided: list and add, in one container.
// It can neither replace a document nor delete one, so whoever takes over the app leaves what was kept before.

param accountName string
param principalId string

@description('Part of the role\'s name.')
param deploymentName string

var groupId = resourceGroup().id

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: account
  name: 'default'
}

resource decisions 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobService
  name: 'decisions'
  properties: { publicAccess: 'None' }
}

resource keeper 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(account.id, deploymentName, 'tidegate-decisions')
  properties: {
    roleName: 'Tidegate decisions in ${accountName} (${deploymentName})'
    description: 'Lists documents of what people decided and adds one; replaces and deletes none.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read' // list_blobs
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action' // upload_blob of a new one
        ]
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(decisions.id, principalId, deploymentName, 'tidegate-decisions')
  scope: decisions
  properties: {
    roleDefinitionId: keeper.id
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output blobUri string = account.properties.primaryEndpoints.blob
