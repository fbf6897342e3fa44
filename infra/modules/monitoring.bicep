// Logs: one workspace for everything, and Application Insights in front of it for the app.
import * as types from 'types.bicep'

@description('Name of the workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param insightsName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Days for which logs are kept.')
param retentionDays int

@description('Resource id of the identity that the app works under.')
param identityId string

@description('Object id of that identity.')
param principalId string

@description('Names this installation in the descriptions of role assignments.')
param installation string

@description('watch or act.')
param tier types.tier

@description('Whether to lock against deletion.')
param locks bool

var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    publicNetworkAccessForIngestion: 'Enabled'
    publicNetworkAccessForQuery: 'Enabled'
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

// Nothing is sampled on arrival. What the app leaves out before sending stands in host.json, and never requests or errors.
resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
    SamplingPercentage: 100
    publicNetworkAccessForIngestion: 'Enabled'
    publicNetworkAccessForQuery: 'Enabled'
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, identityId, monitoringMetricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: the app writes its telemetry without a key.'
  }
}

// Whoever names a workspace as a destination of logs has to be allowed to ask for its keys, which open nothing here.
resource sender 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (tier == 'act') {
  name: guid(resourceGroup().id, 'log sender')
  properties: {
    roleName: 'Entra Responder log sender (${workspaceName})'
    description: 'Names the workspace as the destination of diagnostic settings. Reads no logs.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.OperationalInsights/workspaces/read'
          'Microsoft.OperationalInsights/workspaces/sharedKeys/action'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      resourceGroup().id
    ]
  }
}

resource maySend 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (tier == 'act') {
  name: guid(workspace.id, identityId, sender.name)
  scope: workspace
  properties: {
    // Azure keeps a role's id as the subscription's, wherever the role was made.
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender.name)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: the app makes diagnostic settings again that send here.'
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: workspace
  properties: {
    level: 'CanNotDelete'
    notes: 'The alerts that watch the responder read these logs.'
  }
}

resource insightsLock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: insights
  properties: {
    level: 'CanNotDelete'
    notes: 'What the app logs comes in here.'
  }
}

@description('Resource id of the workspace.')
output workspaceId string = workspace.id

@description('Connection string of Application Insights: addresses, and no key that opens anything.')
output connectionString string = insights.properties.ConnectionString
