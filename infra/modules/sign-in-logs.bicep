// Lets the app ask the workspace that holds Entra's sign-in logs, and change nothing there.

@description('Name of the workspace.')
param workspaceName string

@description('Resource id of the identity that the app works under.')
param identityId string

@description('Object id of that identity.')
param principalId string

@description('Names this installation in the descriptions of role assignments.')
param installation string

var logAnalyticsDataReader = '3b03c2da-16b3-4a49-8834-0f8130efdd3b'

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, identityId, logAnalyticsDataReader)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', logAnalyticsDataReader)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: counts sign-ins by asking for them.'
  }
}

@description('Id by which the workspace is asked.')
output customerId string = workspace.properties.customerId
