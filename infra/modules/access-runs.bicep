// What the app's identity may do with a registry's runs: schedule them, under names, and read what came of them. It can
// change no task with it, and run none; access-tasks.bicep gives that.
//
// The built-in role, Container Registry Tasks Contributor, could rewrite every task of the registry, and so use each
// task's own identity and secrets. Hence roles of our own, for each registry because a role's name is unique in a
// tenant, and for each deployment because one that goes must not take another's.

param registryName string
param principalId string

@description('Part of the roles\' names.')
param deploymentName string

@description('A role definition that is there already; empty defines one here.')
param runsRoleId string

@description('Whether runs may be ended: those of gates that no tag needs any more. Runs of applications are left alone.')
param cancelRuns bool

@description('Whether runs may be scheduled that have no name of ours: gates too large for a taskRun.')
param scheduleRun bool

var groupId = resourceGroup().id
var define = empty(runsRoleId)

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource runs 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (define) {
  name: guid(registry.id, deploymentName, 'tidegate-runs')
  properties: {
    roleName: 'Tidegate runs on ${registryName} (${deploymentName})'
    description: 'Schedules runs under names, reads their outcome and log, and reads what tasks are built on.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: concat([
          'Microsoft.ContainerRegistry/registries/listBuildSourceUploadUrl/action' // get_build_source_upload_url
          'Microsoft.ContainerRegistry/registries/taskruns/read' // task_runs.get, task_runs.list
          'Microsoft.ContainerRegistry/registries/taskruns/write' // task_runs.begin_create
          'Microsoft.ContainerRegistry/registries/taskruns/delete' // task_runs.delete
          'Microsoft.ContainerRegistry/registries/runs/read' // runs.get, runs.list
          'Microsoft.ContainerRegistry/registries/runs/listLogSasUrl/action' // runs.get_log_sas_url
          'Microsoft.ContainerRegistry/registries/tasks/read' // tasks.list, tasks.get
        ], cancelRuns ? ['Microsoft.ContainerRegistry/registries/runs/cancel/action'] : []) // runs.cancel
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, principalId, deploymentName, 'tidegate-runs')
  scope: registry
  properties: {
    roleDefinitionId: define ? runs.id : runsRoleId
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource schedule 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (scheduleRun) {
  name: guid(registry.id, deploymentName, 'tidegate-schedule')
  properties: {
    roleName: 'Tidegate large gates on ${registryName} (${deploymentName})'
    description: 'Schedules runs that have no name of their own.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/scheduleRun/action'
        ]
      }
    ]
  }
}

resource scheduling 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (scheduleRun) {
  name: guid(registry.id, principalId, deploymentName, 'tidegate-schedule')
  scope: registry
  properties: {
    roleDefinitionId: schedule.id
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
