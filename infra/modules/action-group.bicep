// Whom alerts are mailed to, where there is no action group yet.

param name string
param email string
param tags { *: string }

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'tidegate'
    enabled: true
    emailReceivers: [
      { name: 'operator', emailAddress: email, useCommonAlertSchema: true }
    ]
  }
}

output id string = actionGroup.id
