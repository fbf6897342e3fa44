// What the identity may do in one subscription: two custom roles with the very actions that the declarations name.
targetScope = 'subscription'

@description('watch or act.')
@allowed([
  'watch'
  'act'
])
param tier string

@description('Names this installation in the roles\' names, which must be unique in the directory.')
param installation string

@description('Object id of the identity.')
param principalId string

@description('Object ids of principals whose role assignments it may not delete.')
param untouchableIds string[]

var subscriptionScope = subscription().id
var label = '${installation}, ${uniqueString(subscription().id)}'
var keptIds = union([principalId], untouchableIds)
// A guard of the app's own, once more where the app can't get round it: the identity never gives itself a role, and never
// takes one from itself, from a break-glass account or from another protected principal.
var mayWrite = '(!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})) OR (@Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAllValues:GuidNotEquals {${principalId}})'
var mayDelete = '(!(ActionMatches{\'Microsoft.Authorization/roleAssignments/delete\'})) OR (@Resource[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAllValues:GuidNotEquals {${join(keptIds, ', ')}})'

resource watchRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, installation, 'watch')
  properties: {
    roleName: 'Entra Responder watch (${label})'
    description: 'Reads role assignments and what the roles in them mean.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/read'
          'Microsoft.Authorization/roleDefinitions/read'
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
    description: 'Puts role assignments back. Given only in the tier act, under a condition.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/write'
          'Microsoft.Authorization/roleAssignments/delete'
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
  name: guid(subscription().id, principalId, watchRole.id)
  properties: {
    roleDefinitionId: watchRole.id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder reads role assignments.'
  }
}

resource mayAct 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (tier == 'act') {
  name: guid(subscription().id, principalId, actRole.id)
  properties: {
    roleDefinitionId: actRole.id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder puts role assignments back.'
    condition: '(${mayWrite}) AND (${mayDelete})'
    conditionVersion: '2.0'
  }
}
