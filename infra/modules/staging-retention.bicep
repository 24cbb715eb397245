// Clears the staging registry: what was promoted or rejected long ago is of no more use there. Retention policies know
// only untagged manifests, so tags are purged by a task, in every tier. Tools are given to runs by digest: of these the
// latest are kept, however old, and the others lose their tags after two days, for a database is large and new every few
// hours. Below tools/, where nothing else should be, their space is freed then, too; elsewhere as that of any image.

param registryName string
param location string
param tags { *: string }
param days int

@description('Whether the registry gives rights by repository. A task then has those of its own identity alone.')
param abac bool

@description('Pool of agents to run in; empty for the shared ones.')
param agentPoolName string

var steps = '''
version: v1.1.0
steps:
  - cmd: acr purge --filter '.*:^(?!tidegate-tool-).*' --ago {0}d --untagged
    disableWorkingDirectoryOverride: true
    timeout: 3600
  - cmd: acr purge --filter '.*:^tidegate-tool-.*' --ago 2d --keep 3
    disableWorkingDirectoryOverride: true
    timeout: 3600
  - cmd: acr purge --filter 'tools/.*:^tidegate-tool-.*' --ago 2d --keep 3 --untagged
    disableWorkingDirectoryOverride: true
    timeout: 3600
'''
var purgeRoles = [
  // acr purge deletes tags and manifests of every repository.
  { name: 'Container Registry Repository Contributor', id: '2efddaa5-3f1f-4df3-97df-af3f13818f4c' }
  // It first lists the repositories.
  { name: 'Container Registry Repository Catalog Lister', id: 'bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7' }
]

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource purge 'Microsoft.ContainerRegistry/registries/tasks@2025-03-01-preview' = {
  parent: registry
  name: 'tidegate-purge'
  location: location
  tags: tags
  identity: { type: abac ? 'SystemAssigned' : 'None' }
  properties: {
    status: 'Enabled'
    platform: { os: 'Linux', architecture: 'amd64' }
    agentPoolName: empty(agentPoolName) ? null : agentPoolName
    timeout: 10800
    credentials: abac ? { sourceRegistry: { identity: '[system]' } } : null
    step: {
      type: 'EncodedTask'
      encodedTaskContent: base64(format(steps, days))
    }
    trigger: {
      timerTriggers: [
        { name: 'daily', schedule: '0 3 * * *', status: 'Enabled' }
      ]
    }
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in (abac ? purgeRoles : []): {
    name: guid(registry.id, purge.id, role.id)
    scope: registry
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      principalId: purge.identity.principalId
      principalType: 'ServicePrincipal'
    }
  }
]
