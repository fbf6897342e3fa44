// A further subscription that is watched: its role for the responder's identity, its event source, its activity log, and
// who hears when these are changed.
targetScope = 'subscription'
import * as types from 'types.bicep'

@description('Resource group for what is in this subscription.')
param groupName string

@description('Name of the system topic; empty where there is one already.')
param topicName string

@description('Name of the action group.')
param actionGroupName string

@description('Region of the resource group.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('watch or act.')
param tier types.tier

@description('Names this installation.')
param installation string

@description('Resource id of the responder\'s identity.')
param identityId string

@description('Object id of that identity.')
param principalId string

@description('Object ids of principals whose role assignments it may not delete.')
param untouchableIds string[]

@description('Workspace for the logs.')
param workspaceId string

@description('Who gets e-mails.')
param emails types.email[]

@description('Whether the owners of the subscription get e-mails too.')
param owners bool

@description('Whether to lock against deletion.')
param locks bool

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: tags
}

module roles 'roles.bicep' = {
  params: {
    tier: tier
    installation: installation
    identityId: identityId
    principalId: principalId
    untouchableIds: untouchableIds
  }
}

module activityLog 'activity-log.bicep' = {
  params: {
    installation: installation
    workspaceId: workspaceId
  }
}

module topic 'topic.bicep' = if (!empty(topicName)) {
  scope: group
  params: {
    name: topicName
    tags: tags
    locks: locks
  }
}

module changes 'changes.bicep' = {
  scope: group
  params: {
    actionGroupName: actionGroupName
    tags: tags
    emails: emails
    owners: owners
    locks: locks
  }
}
