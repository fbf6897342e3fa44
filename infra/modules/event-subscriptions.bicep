// Sends the chosen changes of one subscription to the queue that the app reads, as the topic's own identity: no key, no
// address of the app. A filter takes 25 values at most, so there are as many event subscriptions as that needs; each
// operation is in one of them. What changes in the app's own resource group is delivered whatever the operation.

@description('Name of the system topic.')
param topicName string

@description('What the names of the event subscriptions begin with.')
param namePrefix string

@description('Resource id of the storage account with the queue and the container.')
param accountId string

@description('Name of the queue.')
param queueName string

@description('Name of the container for events that could not be delivered.')
param containerName string

@description('Workspace for the logs.')
param workspaceId string

@description('Operations whose success is delivered, in groups of 25 at most.')
param operations string[][]

@description('Name of the resource group in which each change is delivered.')
param ownGroupName string

var kinds = [
  'Microsoft.Resources.ResourceWriteSuccess'
  'Microsoft.Resources.ResourceDeleteSuccess'
  'Microsoft.Resources.ResourceActionSuccess'
]
var ofOperations = map(range(0, length(operations)), i => {
  name: '${namePrefix}${i}'
  filter: {
    includedEventTypes: kinds
    advancedFilters: [
      {
        operatorType: 'StringIn'
        key: 'data.operationName'
        values: operations[i]
      }
    ]
  }
})
var ofOwnGroup = {
  name: '${namePrefix}own'
  filter: {
    includedEventTypes: kinds
    subjectBeginsWith: '/subscriptions/${subscription().subscriptionId}/resourceGroups/${ownGroupName}'
  }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

// The alerts on events that were not delivered read these.
#disable-next-line use-recent-api-versions // there is no newer one
resource deliveryLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: '${namePrefix}deliveries'
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

resource eventSubscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for part in concat(ofOperations, [ofOwnGroup]): {
    parent: topic
    name: part.name
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      deliveryWithResourceIdentity: {
        identity: {
          type: 'SystemAssigned'
        }
        destination: {
          endpointType: 'StorageQueue'
          properties: {
            resourceId: accountId
            queueName: queueName
            // Messages stay until the app has taken them.
            queueMessageTimeToLiveInSeconds: -1
          }
        }
      }
      filter: part.filter
      // A day of tries, then the container that an alert watches; the snapshots find such changes as well.
      retryPolicy: {
        maxDeliveryAttempts: 30
        eventTimeToLiveInMinutes: 1440
      }
      deadLetterWithResourceIdentity: {
        identity: {
          type: 'SystemAssigned'
        }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: {
            resourceId: accountId
            blobContainerName: containerName
          }
        }
      }
    }
  }
]
