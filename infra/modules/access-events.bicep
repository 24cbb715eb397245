// What Event Grid may do with the storage account, as the identity of the base registry's system topic.

param storageName string
param queueName string
param containerName string
param principalId string

var roles = [
  // Event Grid: Put Message, into the one queue.
  { name: 'Storage Queue Data Message Sender', id: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a' }
  // Event Grid: Put Blob, of what it could not deliver, into the one container.
  { name: 'Storage Blob Data Contributor', id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe' }
]

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  name: '${storageName}/default/${queueName}'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  name: '${storageName}/default/${containerName}'
}

resource sending 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, principalId, roles[0].id)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[0].id)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource keeping 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, principalId, roles[1].id)
  scope: container
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[1].id)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
