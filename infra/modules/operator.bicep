// For the operator: alerts, whom they reach, and the workbook.

param name string
param location string
param tags { *: string }
param applicationInsightsId string

@description('An action group that is there already; empty for none.')
param actionGroupId string

@description('Address to mail alerts to, where there is none; empty shows them in the portal alone.')
param alertEmail string

var makesActionGroup = !empty(alertEmail) && empty(actionGroupId)

module actionGroup 'action-group.bicep' = if (makesActionGroup) {
  params: {
    name: name
    email: alertEmail
    tags: tags
  }
}

module alerts 'alerts.bicep' = {
  params: {
    applicationInsightsId: applicationInsightsId
    location: location
    tags: tags
    actionGroupId: makesActionGroup ? actionGroup!.outputs.id : actionGroupId
  }
}

module workbook 'workbook.bicep' = {
  params: {
    applicationInsightsId: applicationInsightsId
    location: location
    tags: tags
  }
}
