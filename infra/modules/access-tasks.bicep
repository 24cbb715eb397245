// Which tasks of an application registry the app's identity may run again. Resource Manager asks for tasks/write on the
// task that a run names (its linked access check), and whoever has that could also rewrite the task: hence task by task.

param registryName string
param principalId string

@description('Part of the role\'s name.')
param deploymentName string

@description('Tasks of this registry; an empty name is none.')
param taskNames string[]

@description('Gives the role on the registry, and so on every task there is or will be.')
param allTasks bool

@description('A role definition that is there already; empty defines one here.')
param taskRoleId string

var groupId = resourceGroup().id
var given = allTasks || !empty(join(taskNames, ''))
var define = given && empty(taskRoleId)

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource tasks 'Microsoft.ContainerRegistry/registries/tasks@2025-03-01-preview' existing = [
  for name in taskNames: {
    parent: registry
    name: empty(name) ? 'none' : name
  }
]

resource rerun 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (define) {
  name: guid(registry.id, deploymentName, 'tidegate-tasks')
  properties: {
    roleName: 'Tidegate tasks on ${registryName} (${deploymentName})'
    description: 'Runs a task that is there. It could rewrite it, too: give it on single tasks.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/tasks/write' // task_runs.begin_create of a TaskRunRequest
        ]
      }
    ]
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, index) in taskNames: if (!empty(name) && !allTasks) {
    name: guid(registry.id, name, principalId, deploymentName, 'tidegate-tasks')
    scope: tasks[index]
    properties: {
      roleDefinitionId: define ? rerun.id : taskRoleId
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (allTasks) {
  name: guid(registry.id, principalId, deploymentName, 'tidegate-tasks')
  scope: registry
  properties: {
    roleDefinitionId: define ? rerun.id : taskRoleId
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// As images in it are named: more than the registry's name where that has a label of its own.
output loginServer string = registry.properties.loginServer
