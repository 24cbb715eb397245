// Rights by repository in both registries, and housekeeping in both.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param baseRoleAssignmentMode = 'AbacRepositoryPermissions'
param gatesByScheduleRun = true
param housekeeping = 'staging,base'
param lockImages = true
