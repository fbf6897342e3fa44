// Second step, once the code is deployed: the event subscriptions of every watched subscription. Event Grid asks the
// function whether it is there when a subscription is made, so this cannot be part of main.bicep.
targetScope = 'subscription'

@description('Ids of all watched subscriptions: the output subscriptionIds of main.bicep.')
@minLength(1)
param subscriptionIds string[]

@description('Resource group of the system topics, the same in each: the output resourceGroupName.')
param groupName string

@description('Name of the system topics, the same in each: the output topicName.')
param topicName string

@description('Resource id of the function app: the output functionAppId.')
param functionAppId string

@description('Resource id of the storage account for events that could not be delivered: the output deadLetterAccountId.')
param deadLetterAccountId string

@description('Operations whose success is delivered: those that the detections on Azure resources look for.')
param operations string[] = [
  'Microsoft.Authorization/locks/delete'
  'Microsoft.Authorization/roleAssignments/delete'
  'Microsoft.Authorization/roleAssignments/write'
  'Microsoft.Authorization/roleDefinitions/write'
  'Microsoft.EventGrid/domains/delete'
  'Microsoft.EventGrid/eventSubscriptions/delete'
  'Microsoft.EventGrid/systemTopics/delete'
  'Microsoft.EventGrid/systemTopics/eventSubscriptions/delete'
  'Microsoft.EventGrid/topics/delete'
  'Microsoft.EventGrid/topics/eventSubscriptions/delete'
  'Microsoft.Insights/diagnosticSettings/delete'
  'Microsoft.Web/sites/applySlotConfig/action'
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies/write'
  'Microsoft.Web/sites/config/delete'
  'Microsoft.Web/sites/config/write'
  'Microsoft.Web/sites/delete'
  'Microsoft.Web/sites/extensions/write'
  'Microsoft.Web/sites/functions/delete'
  'Microsoft.Web/sites/functions/keys/write'
  'Microsoft.Web/sites/functions/properties/write'
  'Microsoft.Web/sites/functions/write'
  'Microsoft.Web/sites/host/functionkeys/write'
  'Microsoft.Web/sites/host/systemkeys/write'
  'Microsoft.Web/sites/slots/write'
  'Microsoft.Web/sites/slotsswap/action'
  'Microsoft.Web/sites/sourcecontrols/write'
  'Microsoft.Web/sites/stop/action'
  'Microsoft.Web/sites/write'
]

module eventSubscriptions 'event-subscription.bicep' = [
  for id in subscriptionIds: {
    name: 'events-${uniqueString(id, topicName)}'
    scope: resourceGroup(id, groupName)
    params: {
      topicName: topicName
      functionAppId: functionAppId
      deadLetterAccountId: deadLetterAccountId
      operations: operations
    }
  }
]
