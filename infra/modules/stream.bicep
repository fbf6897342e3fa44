// The audit stream: an Event Hub for the tenants' diagnostic settings (audit, sign-in and risk logs). Optional. The
// diagnostic settings themselves belong to a tenant, not to a subscription: a directory administrator makes them
// (infra/scripts/stream.sh).
import * as types from 'types.bicep'

@description('Name of the namespace.')
param name string

@description('Name of the hub.')
param hubName string

@description('Name of the rule that diagnostic settings send by.')
param senderName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Resource id of the identity that the app works under.')
param identityId string

@description('Object id of that identity.')
param principalId string

@description('Names this installation in the descriptions of role assignments.')
param installation string

@description('Whether to lock against deletion.')
param locks bool

var eventHubsDataReceiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  properties: {
    // Entra's diagnostic settings send with the key of an authorization rule and can't do otherwise.
    disableLocalAuth: false
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
    isAutoInflateEnabled: true
    maximumThroughputUnits: 10
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: hubName
  properties: {
    partitionCount: 16
    messageRetentionInDays: 7
  }
}

// The app's own, so that whoever else reads the hub doesn't take its events from it. Its function names it (responders/triggers).
resource readers 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: hub
  name: 'responder'
  properties: {}
}

// Azure Monitor asks for all three rights of a rule that diagnostic settings name.
resource sender 'Microsoft.EventHub/namespaces/authorizationRules@2026-01-01' = {
  parent: namespace
  name: senderName
  properties: {
    rights: [
      'Listen'
      'Manage'
      'Send'
    ]
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, identityId, eventHubsDataReceiver)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventHubsDataReceiver)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: the app reads the audit stream.'
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: namespace
  properties: {
    level: 'CanNotDelete'
    notes: 'The audit stream.'
  }
}

@description('Host name of the namespace, as the app names it.')
output host string = '${namespace.name}.servicebus.windows.net'
