// The host's storage account: the app's tables, queues and snapshots, the deployed code, and events that could not be
// delivered. Only Entra tokens open it.
import * as types from 'types.bicep'

@description('Name of the account.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Copies that are kept.')
param sku string

@description('Resource id of the identity that the app works under.')
param identityId string

@description('Object id of that identity.')
param principalId string

@description('Names this installation in the descriptions of role assignments.')
param installation string

@description('Workspace for the logs.')
param workspaceId string

@description('Whether to lock against deletion.')
param locks bool

var tableNames = [
  'ApprovedActors'
  'Owners'
  'Cases'
  'Counters'
  'Cursors'
  'Outbox'
  'Switches'
  'Rosters'
  'Journal'
  'Objects'
  'Changes'
  'Due'
  'Leases'
  'Emergencies'
]
var queueNames = [
  'cases'
  'cases-poison'
  'resource-events'
  'resource-events-poison'
]
var deploymentContainer = 'deployments'
var deadLetterContainer = 'dead-letters'
var containerNames = [
  'snapshots'
  'quarantine'
  deploymentContainer
  deadLetterContainer
]
// What the Functions host asks for; the tables and the queues are the app's own.
var roleIds = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    isLocalUserEnabled: false
    isSftpEnabled: false
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 30
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 30
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for containerName in containerNames: {
    parent: blobs
    name: containerName
    properties: {
      publicAccess: 'None'
    }
  }
]

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-04-01' = [
  for tableName in tableNames: {
    parent: tables
    name: tableName
  }
]

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' = [
  for queueName in queueNames: {
    parent: queues
    name: queueName
  }
]

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roleIds): {
    name: guid(account.id, identityId, role.value)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: principalId
      principalType: 'ServicePrincipal'
      description: 'Entra Responder ${installation}: the app keeps its state here.'
    }
  }
]

// Who wrote what: approvals and modes are rows. Not the queues, which the host looks at five times a second.
#disable-next-line use-recent-api-versions // there is no newer one
resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'writes'
  scope: tables
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Open cases, approvals and the last known good of what is guarded.'
  }
}

@description('Container of the deployed code.')
output deploymentContainer string = deploymentContainer
