// What the app's identity may do with a registry's tasks: run them and gates, and change none.
//
// The built-in role, Container Registry Tasks Contributor, could also rewrite a task, and so use that task's own
// identity and secrets. Hence a role of our own, for each registry because a role's name is unique in a tenant.

param registryName string
param principalId string

@description('Whether to define that role here; else the built-in one is given.')
param custom bool

var groupId = resourceGroup().id
var builtInRoleId = 'fb382eab-e894-4461-af04-94435c366c3f' // Container Registry Tasks Contributor

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource runs 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (custom) {
  name: guid(registry.id, 'tidegate-runs')
  properties: {
    roleName: 'Tidegate runs on ${registryName}'
    description: 'Schedules runs under names, reads their outcome and log, and reads what tasks are built on.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/listBuildSourceUploadUrl/action' // get_build_source_upload_url
          'Microsoft.ContainerRegistry/registries/taskruns/read' // task_runs.get
          'Microsoft.ContainerRegistry/registries/taskruns/write' // task_runs.begin_create
          'Microsoft.ContainerRegistry/registries/taskruns/delete' // task_runs.delete
          'Microsoft.ContainerRegistry/registries/runs/read' // runs.get
          'Microsoft.ContainerRegistry/registries/runs/listLogSasUrl/action' // runs.get_log_sas_url
          'Microsoft.ContainerRegistry/registries/tasks/read' // tasks.list, tasks.get
        ]
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, principalId, custom ? 'tidegate-runs' : builtInRoleId)
  scope: registry
  properties: {
    roleDefinitionId: custom ? runs.id : subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtInRoleId)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
