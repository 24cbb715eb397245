// What an operator is called for. Every query returns a row where there is something to be done; docs/runbook.md says what.

param applicationInsightsId string
param location string
param tags { *: string }
@description('Where alerts go; empty shows them in the portal alone.')
param actionGroupId string

// Severity: 1 error, 2 warning. Every rule looks at the last `window`, as often as `every`.
var rules = [
  {
    name: 'heartbeat-lost'
    text: 'Nothing was swept for a quarter of an hour: no image is checked, promoted or rebuilt.'
    query: loadTextContent('../queries/heartbeat-lost.kql')
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    by: []
  }
  {
    name: 'poisoned'
    text: 'A queue message could not be worked on; it is kept, and its candidate or rebuild is tried again later.'
    query: loadTextContent('../queries/poisoned.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    by: []
  }
  {
    name: 'stuck'
    text: 'A candidate has been in one status for six hours.'
    query: loadTextContent('../queries/stuck.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    by: []
  }
  {
    name: 'upstream-locked-out'
    text: 'An upstream let us look at nothing for an hour: its updates are not seen.'
    query: loadTextContent('../queries/upstream-locked-out.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT1H'
    by: []
  }
  {
    name: 'failure-rate'
    text: 'More than one in five messages, or candidates and rebuilds, failed within an hour.'
    query: loadTextContent('../queries/failure-rate.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT1H'
    by: []
  }
  {
    name: 'troubles'
    text: 'Something is wrong and stays so: its kind says what, as the runbook does under that name.'
    query: loadTextContent('../queries/troubles.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT1H'
    // Each trouble calls by itself, and is over by itself: what fires already hides no other. Of one kind twenty are
    // told by name at most, so that an outage does not call a thousand times.
    by: [
      { name: 'trouble', operator: 'Include', values: ['*'] }
      { name: 'subject', operator: 'Include', values: ['*'] }
    ]
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: 'tidegate-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Tidegate: ${rule.name}'
      description: '${rule.text} See docs/runbook.md, "${rule.name}".'
      severity: rule.severity
      enabled: true
      scopes: [applicationInsightsId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: rule.by
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(actionGroupId) ? [] : [actionGroupId] }
    }
  }
]
