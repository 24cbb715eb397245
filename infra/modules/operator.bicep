// For the operator: alerts, whom they reach, and the workbook.

param name string
param location string
param applicationInsightsId string

@description('An action group that is there already; empty for none.')
param actionGroupId string

@description('Address to mail alerts to, where there is none; empty shows them in the portal alone.')
param alertEmail string

var makesActionGroup = !empty(alertEmail) && empty(actionGroupId)

module actionGroup 'action-group.bicep' = if (makesActionGroup) {
  name: 'action-group'
  params: {
    name: name
    email: alertEmail
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    applicationInsightsId: applicationInsightsId
    location: location
    actionGroupId: makesActionGroup ? actionGroup.outputs.id : actionGroupId
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  params: {
    applicationInsightsId: applicationInsightsId
    location: location
  }
}
