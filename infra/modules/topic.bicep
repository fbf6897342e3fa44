// The system topic of one subscription: Event Grid's source of changes to its resources. Azure allows one for each
// subscription; where there is one already, this deployment says so and stops.

@description('Name of the topic.')
param name string

@description('Tags of every resource.')
param tags object

@description('Workspace for the logs.')
param workspaceId string

@description('Whether to lock against deletion.')
param locks bool

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: 'global'
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

// The alert on events that were not delivered reads these.
resource deliveryLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'deliveries'
  scope: topic
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: topic
  properties: {
    level: 'CanNotDelete'
    notes: 'Without it changes of Azure roles are noticed by the snapshots alone.'
  }
}

output name string = topic.name
output principalId string = topic.identity.principalId
