// What the app's identity may do with the locks of the base registry, where the watch list asks for any (`lock:`).
//
// No built-in role gives this alone: those that may write what is said of images may push or delete them, too. Whoever
// has it can open every lock of the registry. It is given on the base registry, and only where lockImages is true.

param registryName string
param principalId string

@description('Part of the role\'s name.')
param deploymentName string

@description('Whether the registry gives rights by repository. It then asks for data actions.')
param abac bool

@description('A role definition that is there already; empty defines one here.')
param locksRoleId string

var groupId = resourceGroup().id
var define = empty(locksRoleId)

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource locks 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (define) {
  name: guid(registry.id, deploymentName, 'tidegate-locks')
  properties: {
    roleName: 'Tidegate locks on ${registryName} (${deploymentName})'
    description: 'Locks and unlocks tags and manifests. It can push and delete nothing, and could open every lock.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        // update_tag_properties and update_manifest_properties
        actions: abac ? [] : [
          'Microsoft.ContainerRegistry/registries/metadata/read'
          'Microsoft.ContainerRegistry/registries/metadata/write'
        ]
        dataActions: abac ? [
          'Microsoft.ContainerRegistry/registries/repositories/metadata/read'
          'Microsoft.ContainerRegistry/registries/repositories/metadata/write'
        ] : []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, principalId, deploymentName, 'tidegate-locks')
  scope: registry
  properties: {
    roleDefinitionId: define ? locks.id : locksRoleId
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
