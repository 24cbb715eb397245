// What an operator is called for: one rule for all that may be wrong; docs/runbook.md says what to do about each.

param applicationInsightsId string
param location string
param tags { *: string }
@description('Where alerts go; empty shows them in the portal alone.')
param actionGroupId string

// Each returns a row for what is wrong, with `trouble`, which names it as the runbook does, `subject` and `detail`; and is
// one expression, without a `let`, so that all together are one query. A rule is paid for, a part of its query is not.
var heartbeatLost = loadTextContent('../queries/heartbeat-lost.kql')
var poisoned = loadTextContent('../queries/poisoned.kql')
var stuck = loadTextContent('../queries/stuck.kql')
var lockedOut = loadTextContent('../queries/upstream-locked-out.kql')
var failureRate = loadTextContent('../queries/failure-rate.kql')
var troubles = loadTextContent('../queries/troubles.kql')
var parts = [heartbeatLost, poisoned, stuck, lockedOut, failureRate, troubles]
var everything = 'union (\n${join(parts, '), (\n')})\n| extend runbook = strcat("docs/runbook.md#", trouble)'

resource alert 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'tidegate-troubles'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Tidegate: troubles'
    description: 'Something is wrong: `trouble` says what, and is the name of a part of docs/runbook.md, which says what to do.'
    severity: 1
    enabled: true
    scopes: [applicationInsightsId]
    evaluationFrequency: 'PT15M'
    // The longest that a part looks back.
    windowSize: 'PT1H'
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: everything
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          // Each trouble calls by itself, and is over by itself: what fires already hides no other. Of one kind twenty
          // are told by name at most, so that an outage does not call a thousand times.
          dimensions: [
            { name: 'trouble', operator: 'Include', values: ['*'] }
            { name: 'subject', operator: 'Include', values: ['*'] }
            { name: 'runbook', operator: 'Include', values: ['*'] }
          ]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: empty(actionGroupId) ? [] : [actionGroupId] }
  }
}
