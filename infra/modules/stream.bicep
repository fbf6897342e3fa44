// The audit stream: an Event Hub for the tenant's diagnostic settings (audit and sign-in logs). Optional. The diagnostic
// settings themselves belong to the tenant, not to a subscription, and are made by a directory administrator.

@description('Name of the namespace.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Enabled or Disabled: whether the namespace answers on its public address.')
param publicNetworkAccess string

@description('Let senders use the key of the authorization rule.')
param sharedKeys bool

@description('Object id of the identity that reads.')
param principalId string

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
    disableLocalAuth: !sharedKeys
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicNetworkAccess
    isAutoInflateEnabled: true
    maximumThroughputUnits: 10
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: 'directory-logs'
  properties: {
    partitionCount: 16
    messageRetentionInDays: 7
  }
}

resource readers 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = {
  parent: hub
  name: 'responder'
  properties: {}
}

// Azure Monitor asks for all three rights of a rule that diagnostic settings name.
resource sender 'Microsoft.EventHub/namespaces/authorizationRules@2026-01-01' = if (sharedKeys) {
  parent: namespace
  name: 'diagnostic-settings'
  properties: {
    rights: [
      'Listen'
      'Manage'
      'Send'
    ]
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, principalId, eventHubsDataReceiver)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventHubsDataReceiver)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'The app reads the audit stream.'
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
