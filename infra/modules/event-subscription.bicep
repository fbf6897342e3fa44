// Sends the chosen changes of one subscription to the function. Event Grid fetches the function's key itself. A filter takes
// 25 values at most, so there are as many event subscriptions as that needs; each operation is in one of them.

@description('Name of the system topic.')
param topicName string

@description('Resource id of the function app.')
param functionAppId string

@description('Resource id of the storage account for events that could not be delivered.')
param deadLetterAccountId string

@description('Operations whose success is delivered.')
param operations string[]

var mostValues = 25
var parts = [
  for i in range(0, (length(operations) + mostValues - 1) / mostValues): take(skip(operations, i * mostValues), mostValues)
]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource eventSubscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for (part, i) in parts: {
    parent: topic
    name: 'entra-responder-${i}'
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: '${functionAppId}/functions/subscription_events'
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      filter: {
        includedEventTypes: [
          'Microsoft.Resources.ResourceWriteSuccess'
          'Microsoft.Resources.ResourceDeleteSuccess'
          'Microsoft.Resources.ResourceActionSuccess'
        ]
        advancedFilters: [
          {
            operatorType: 'StringIn'
            key: 'data.operationName'
            values: part
          }
        ]
      }
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
            resourceId: deadLetterAccountId
            blobContainerName: 'dead-letters'
          }
        }
      }
    }
  }
]
