// What the app's identity may do with the staging registry beside importing into it: push the records of decisions that
// it made. From there they are imported into the base registry, into which it can push nothing.

param registryName string
param principalId string

@description('Part of the role\'s name.')
param deploymentName string

var groupId = resourceGroup().id

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource pusher 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(registry.id, deploymentName, 'tidegate-record-push')
  properties: {
    roleName: 'Tidegate records into ${registryName} (${deploymentName})'
    description: 'Pushes manifests and what they refer to; deletes and locks none.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/push/write' // upload_blob, set_manifest
        ]
        // The same, where rights are given by repository.
        dataActions: [
          'Microsoft.ContainerRegistry/registries/repositories/content/write'
        ]
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, principalId, deploymentName, 'tidegate-record-push')
  scope: registry
  properties: {
    roleDefinitionId: pusher.id
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
