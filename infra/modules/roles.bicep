// What the identity may do in one subscription: two custom roles with the very actions that the declarations name.
targetScope = 'subscription'
import * as types from 'types.bicep'

@description('watch or act.')
param tier types.tier

@description('Names this installation in the roles\' names, which must be unique in the directory.')
param installation string

@description('Resource id of the identity.')
param identityId string

@description('Object id of the identity.')
param principalId string

@description('Object ids of principals whose role assignments it may not delete.')
param untouchableIds string[]

var subscriptionScope = subscription().id
var label = '${installation}, ${uniqueString(subscription().id)}'
var keptIds = union([principalId], untouchableIds)
// What makes its holder owner of everything: the app takes such roles away and never gives one.
var neverGranted = [
  '8e3af657-a8ff-443c-a75c-2fe8c4bcb635' // Owner
  '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9' // User Access Administrator
  'f58310d9-a9f6-439a-9e8d-f62e7b41a168' // Role Based Access Control Administrator
]
// Guards of the app's own, once more where the app can't get round them: the identity never gives itself a role nor
// anybody one of the above, and never takes one from itself, from a break-glass account or another protected principal.
var notWriting = '!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})'
var toOthers = '@Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAllValues:GuidNotEquals {${principalId}}'
var ofLesserRoles = '@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {${join(neverGranted, ', ')}}'
var notDeleting = '!(ActionMatches{\'Microsoft.Authorization/roleAssignments/delete\'})'
var fromOthers = '@Resource[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAllValues:GuidNotEquals {${join(keptIds, ', ')}}'

resource watchRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, installation, 'watch')
  properties: {
    roleName: 'Entra Responder watch (${label})'
    description: 'Reads role assignments, what the roles in them mean, who asked for them, which locks hold them, where logs and events go, and support tickets.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/read'
          'Microsoft.Authorization/roleDefinitions/read'
          'Microsoft.Authorization/roleAssignmentScheduleRequests/read'
          'Microsoft.Authorization/locks/read'
          'Microsoft.Insights/diagnosticSettings/read'
          'Microsoft.Insights/eventtypes/values/read'
          'Microsoft.EventGrid/systemTopics/eventSubscriptions/read'
          'Microsoft.Support/services/read'
          'Microsoft.Support/services/problemClassifications/read'
          'Microsoft.Support/supportTickets/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      subscriptionScope
    ]
  }
}

resource actRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, installation, 'act')
  properties: {
    roleName: 'Entra Responder act (${label})'
    description: 'Puts role assignments, diagnostic settings and event subscriptions back, and opens support tickets. Given only in the tier act, under a condition.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/write'
          'Microsoft.Authorization/roleAssignments/delete'
          'Microsoft.Insights/diagnosticSettings/write'
          'Microsoft.Insights/diagnosticSettings/delete'
          'Microsoft.EventGrid/systemTopics/eventSubscriptions/write'
          'Microsoft.EventGrid/systemTopics/eventSubscriptions/delete'
          'Microsoft.Support/supportTickets/write'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      subscriptionScope
    ]
  }
}

resource mayWatch 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, identityId, watchRole.id)
  properties: {
    roleDefinitionId: watchRole.id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: reads role assignments, and where logs and events go.'
  }
}

resource mayAct 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (tier == 'act') {
  name: guid(subscription().id, identityId, actRole.id)
  properties: {
    roleDefinitionId: actRole.id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: puts role assignments back, and where logs and events go.'
    condition: '((${notWriting}) OR (${toOthers} AND ${ofLesserRoles})) AND ((${notDeleting}) OR (${fromOthers}))'
    conditionVersion: '2.0'
  }
}
