// What the app's identity may delete: images of a registry in which housekeeping is switched on. It can write nothing
// there with it. Built-in roles that delete where rights go by repository could also push; hence a role of our own.

param registryName string
param principalId string

@description('Part of the role\'s name.')
param deploymentName string

@description('Whether the registry gives rights by repository.')
param abac bool

@description('A role definition that is there already; empty defines one here.')
param deletesRoleId string

var groupId = resourceGroup().id
var define = empty(deletesRoleId)

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource deletes 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (define) {
  name: guid(registry.id, deploymentName, 'tidegate-deletes')
  properties: {
    roleName: 'Tidegate housekeeping on ${registryName} (${deploymentName})'
    description: 'Deletes manifests and tags, and can push none.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: abac
          ? []
          : [
              'Microsoft.ContainerRegistry/registries/artifacts/delete' // delete_manifest, delete_tag
            ]
        dataActions: abac
          ? [
              'Microsoft.ContainerRegistry/registries/repositories/content/delete' // delete_manifest
              'Microsoft.ContainerRegistry/registries/repositories/metadata/delete' // delete_tag
            ]
          : []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, principalId, deploymentName, 'tidegate-deletes')
  scope: registry
  properties: {
    roleDefinitionId: define ? deletes.id : deletesRoleId
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
