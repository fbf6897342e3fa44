// Lets a system topic put events into the queue that the app reads, and what it could not deliver into the container for
// that, and nothing else.
import * as types from 'types.bicep'

@description('Name of the host storage account.')
param accountName string

@description('Name of the queue.')
param queueName string

@description('Name of the container.')
param containerName string

@description('The system topic. Its system-assigned identity must be on.')
param topic types.topicPlace

@description('Names this installation in the descriptions of role assignments.')
param installation string

var storageQueueDataMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource source 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topic.name
  scope: resourceGroup(topic.subscriptionId, topic.group)
}

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: accountName
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2026-04-01' existing = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' existing = {
  parent: queues
  name: queueName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' existing = {
  parent: account
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = {
  parent: blobs
  name: containerName
}

resource send 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, source.id, storageQueueDataMessageSender)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataMessageSender)
    principalId: source.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: Event Grid puts changes of Azure resources into the queue.'
  }
}

resource keep 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, source.id, storageBlobDataContributor)
  scope: container
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
    principalId: source.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: Event Grid keeps events here that it could not deliver.'
  }
}
