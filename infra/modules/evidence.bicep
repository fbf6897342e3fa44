// The evidence account. What is written stays as it was for retentionDays, whoever asks: the app's role has no delete,
// and the account's immutability policy refuses everybody. Legal holds can be put on single versions besides.
import * as types from 'types.bicep'

@description('Name of the account.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Copies that are kept.')
param sku string

@description('Days for which a version cannot be changed or deleted.')
param retentionDays int

@description('Unlocked: an administrator may still shorten the time. Locked: nobody may, ever. An account must begin Unlocked.')
param lockState string

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

var groupScope = resourceGroup().id

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
    // Can only be switched on when the account is made.
    immutableStorageWithVersioning: {
      enabled: true
      immutabilityPolicy: {
        immutabilityPeriodSinceCreationInDays: retentionDays
        state: lockState
        allowProtectedAppendWrites: false
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: {
      enabled: true
      days: 365
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 365
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: blobs
  name: 'evidence'
  properties: {
    publicAccess: 'None'
  }
}

// With write and not add/action: storage answers 409 to a second write of the same blob then, which the app takes for
// "there already"; without it the answer is 403. Overwriting makes a new version and leaves the old one as it was.
resource keeper 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'evidence keeper')
  properties: {
    roleName: 'Entra Responder evidence keeper (${name})'
    description: 'Writes evidence and reads it. Deletes nothing.'
    type: 'CustomRole'
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
        ]
        notDataActions: []
      }
    ]
    assignableScopes: [
      groupScope
    ]
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, identityId, keeper.name)
  scope: container
  properties: {
    // Azure keeps a role's id as the subscription's, wherever the role was made.
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keeper.name)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: the app keeps evidence and cannot delete it.'
  }
}

#disable-next-line use-recent-api-versions // there is no newer one
resource accessLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'access'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageRead'
        enabled: true
      }
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
    notes: 'Evidence of cases.'
  }
}
