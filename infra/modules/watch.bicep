// A further subscription that is watched: its role for the responder's identity, its event source, its activity log.
targetScope = 'subscription'

@description('Resource group for what is in this subscription.')
param groupName string

@description('Name of the system topic.')
param topicName string

@description('Region of the resource group.')
param location string

@description('Tags of every resource.')
param tags object

@description('watch or act.')
@allowed([
  'watch'
  'act'
])
param tier string

@description('Names this installation.')
param installation string

@description('Object id of the responder\'s identity.')
param principalId string

@description('Object ids of principals whose role assignments it may not delete.')
param untouchableIds string[]

@description('Workspace for the logs.')
param workspaceId string

@description('Whether to lock against deletion.')
param locks bool

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: tags
}

module roles 'roles.bicep' = {
  name: 'roles-${uniqueString(subscription().id, installation)}'
  params: {
    tier: tier
    installation: installation
    principalId: principalId
    untouchableIds: untouchableIds
  }
}

module activityLog 'activity-log.bicep' = {
  name: 'activity-log-${uniqueString(subscription().id, installation)}'
  params: {
    installation: installation
    workspaceId: workspaceId
  }
}

module topic 'topic.bicep' = {
  name: 'topic-${uniqueString(subscription().id, installation)}'
  scope: group
  params: {
    name: topicName
    tags: tags
    workspaceId: workspaceId
    locks: locks
  }
}

output topicPrincipalId string = topic.outputs.principalId
