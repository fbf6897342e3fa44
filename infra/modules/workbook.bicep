// What an operator looks at: cases, how long putting back took, how stale each source is, which subscriptions are covered.
// It shows what the app logs and nothing else.
import * as types from 'types.bicep'

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Workspace with the logs.')
param workspaceId string

var logs = {
  queryType: 0
  resourceType: 'microsoft.operationalinsights/workspaces'
  scope: workspaceId
}
var inventory = {
  queryType: 1
  resourceType: 'microsoft.resourcegraph/resources'
  scope: 'value::all'
}
var panels = [
  {
    name: 'cases'
    title: 'Cases closed in the last 7 days, by detection, decision and outcome'
    query: loadTextContent('queries/cases.kql')
    source: logs
    visualization: 'table'
  }
  {
    name: 'time-to-put-back'
    title: 'From opening a case to the proof that it was put back, by day'
    query: loadTextContent('queries/time-to-put-back.kql')
    source: logs
    visualization: 'table'
  }
  {
    name: 'seen'
    title: 'What is seen: how far behind each source is, how late its records come, and what could not be read'
    query: loadTextContent('queries/seen.kql')
    source: logs
    visualization: 'table'
  }
  {
    name: 'sources'
    title: 'Sources: when each last came in, and what failed'
    query: loadTextContent('queries/sources.kql')
    source: logs
    visualization: 'table'
  }
  {
    name: 'trouble'
    title: 'Warnings of the last 24 hours'
    query: loadTextContent('queries/trouble.kql')
    source: logs
    visualization: 'table'
  }
  {
    name: 'coverage'
    title: 'Coverage: subscriptions you can read, and whether their changes come in as events'
    query: loadTextContent('queries/coverage.kql')
    source: inventory
    visualization: 'table'
  }
]
var workbookItems = [
  for panel in panels: {
    type: 3
    name: panel.name
    content: {
      version: 'KqlItem/1.0'
      title: panel.title
      query: panel.query
      size: 0
      queryType: panel.source.queryType
      resourceType: panel.source.resourceType
      crossComponentResources: [
        panel.source.scope
      ]
      visualization: panel.visualization
      timeContext: {
        durationMs: 604800000
      }
    }
  }
]
var content = {
  version: 'Notebook/1.0'
  items: workbookItems
  fallbackResourceIds: [
    workspaceId
  ]
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'entra-responder')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Entra Responder'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string(content)
    version: 'Notebook/1.0'
  }
}
