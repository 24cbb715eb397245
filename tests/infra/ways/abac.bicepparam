// Rights by repository in both registries.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param baseRoleAssignmentMode = 'AbacRepositoryPermissions'
param gatesByScheduleRun = true
