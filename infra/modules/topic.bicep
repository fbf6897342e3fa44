// The system topic of one subscription: Event Grid's source of changes to its resources. Azure allows one for each
// subscription; where there is one already, give its resource id in existingTopicIds.
import * as types from 'types.bicep'

@description('Name of the topic.')
param name string

@description('Tags of every resource.')
param tags types.tags

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

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: topic
  properties: {
    level: 'CanNotDelete'
    notes: 'Without it changes of Azure roles are noticed by the snapshots alone.'
  }
}
