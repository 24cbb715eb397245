// Rights by registry in both, housekeeping in both, and every task of an application registry apart.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param stagingRoleAssignmentMode = 'LegacyRegistryPermissions'
param applicationRegistryIds = [
  '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-apps/providers/Microsoft.ContainerRegistry/registries/apps'
]
param allApplicationTasks = true
param housekeeping = 'staging,base'
param lockImages = true
