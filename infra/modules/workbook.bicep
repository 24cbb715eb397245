// The operator's page: what infra/workbook/tidegate.json lists, each with its saved query.

param applicationInsightsId string
param location string
param tags { *: string }

var page = loadJsonContent('../workbook/tidegate.json')
var queries = {
  troubles: loadTextContent('../queries/troubles.kql')
  heartbeat: loadTextContent('../queries/heartbeat.kql')
  waiting: loadTextContent('../queries/waiting.kql')
  'time-to-promote': loadTextContent('../queries/time-to-promote.kql')
  'slowest-gates': loadTextContent('../queries/slowest-gates.kql')
  rejected: loadTextContent('../queries/rejected.kql')
  failed: loadTextContent('../queries/failed.kql')
  rebuilds: loadTextContent('../queries/rebuilds.kql')
  waves: loadTextContent('../queries/waves.kql')
  'budget-over-time': loadTextContent('../queries/budget-over-time.kql')
  budget: loadTextContent('../queries/budget.kql')
  upstreams: loadTextContent('../queries/upstreams.kql')
  drift: loadTextContent('../queries/drift.kql')
  poisoned: loadTextContent('../queries/poisoned.kql')
}

// Item types of a workbook: 9 parameters, of which type 4 is a time range; 3 a query.
var timeRange = {
  type: 9
  name: 'time range'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    parameters: [
      {
        id: '5b7d1f4e-7a43-4c1c-9e0b-6f0f6a2f1d01'
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time range'
        type: 4
        isRequired: true
        value: { durationMs: 86400000 }
        typeSettings: {
          selectableValues: [{ durationMs: 14400000 }, { durationMs: 86400000 }, { durationMs: 604800000 }]
          allowCustom: true
        }
      }
    ]
  }
}
var sections = [
  for section in page: {
    type: 3
    name: section.query
    content: {
      version: 'KqlItem/1.0'
      query: queries[section.query]
      size: 0
      title: section.title
      timeContextFromParameter: 'TimeRange'
      queryType: 0
      resourceType: 'microsoft.insights/components'
      visualization: section.visualization
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(applicationInsightsId, 'tidegate')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Tidegate'
    category: 'workbook'
    sourceId: applicationInsightsId
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([timeRange], sections)
      fallbackResourceIds: [applicationInsightsId]
    })
  }
}

output workbookId string = workbook.id
