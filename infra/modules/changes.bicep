// Tells people when the responder itself is changed. From the activity log, so it works when the workspace does not, in
// every region. It has an action group of its own, by e-mail only: a deployment of one's own makes many such changes, and
// Azure drops texts and calls above one in five minutes, also those that matter.
import * as types from 'types.bicep'

@description('Name of the action group.')
param actionGroupName string

@description('Tags of every resource.')
param tags types.tags

@description('Who gets e-mails.')
param emails types.email[]

@description('Whether the owners of the subscription get e-mails too.')
param owners bool

@description('Whether to lock against deletion.')
param locks bool

var owner = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'
var groupScope = resourceGroup().id
var changes = [
  'Microsoft.Web/sites/stop/action'
  'Microsoft.Web/sites/write'
  'Microsoft.Web/sites/delete'
  'Microsoft.Web/sites/config/write'
  'Microsoft.EventGrid/systemTopics/write'
  'Microsoft.EventGrid/systemTopics/delete'
  'Microsoft.EventGrid/systemTopics/eventSubscriptions/write'
  'Microsoft.EventGrid/systemTopics/eventSubscriptions/delete'
  'Microsoft.ManagedIdentity/userAssignedIdentities/write'
  'Microsoft.ManagedIdentity/userAssignedIdentities/delete'
  'Microsoft.Insights/components/write'
  'Microsoft.Insights/components/delete'
  'Microsoft.Insights/diagnosticSettings/delete'
  'Microsoft.Insights/scheduledQueryRules/write'
  'Microsoft.Insights/activityLogAlerts/write'
  'Microsoft.Insights/actionGroups/write'
  'Microsoft.Authorization/locks/delete'
]
// What would keep people from hearing of anything. Held back by nothing, not even around a deployment.
var silencing = [
  'Microsoft.Insights/actionGroups/delete'
  'Microsoft.Insights/activityLogAlerts/delete'
  'Microsoft.Insights/scheduledQueryRules/delete'
  // Azure itself switches a rule off whose query has failed for a week.
  'Microsoft.Insights/scheduledQueryRules/disable/action'
]

// The same from outside of the group: a rule that holds back alerts reaches as far as its own scope says, wherever it lies.
var silencingElsewhere = [
  'Microsoft.AlertsManagement/actionRules/write'
  'Microsoft.EventGrid/systemTopics/delete'
  'Microsoft.EventGrid/systemTopics/eventSubscriptions/delete'
  'Microsoft.Insights/diagnosticSettings/delete'
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'rspdchanges'
    enabled: true
    emailReceivers: [
      for email in emails: {
        name: email.name
        emailAddress: email.address
        useCommonAlertSchema: true
      }
    ]
    armRoleReceivers: owners
      ? [
          {
            name: 'owners of the subscription'
            roleId: owner
            useCommonAlertSchema: true
          }
        ]
      : []
  }
}

resource changed 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
  name: 'responder-changed'
  location: 'global'
  tags: tags
  properties: {
    description: 'The responder, its events or its alerts were changed, stopped or deleted. Was it you?'
    enabled: true
    scopes: [
      groupScope
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Administrative'
        }
        {
          field: 'status'
          equals: 'Succeeded'
        }
        {
          anyOf: map(changes, operation => {
            field: 'operationName'
            equals: operation
          })
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: people.id
        }
      ]
    }
  }
}

resource silenced 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
  name: 'alerts-silenced'
  location: 'global'
  tags: tags
  properties: {
    description: 'Alerts of the responder were deleted or switched off. Was it you?'
    enabled: true
    scopes: [
      groupScope
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Administrative'
        }
        {
          field: 'status'
          equals: 'Succeeded'
        }
        {
          anyOf: map(silencing, operation => {
            field: 'operationName'
            equals: operation
          })
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: people.id
        }
      ]
    }
  }
}

resource silencedElsewhere 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
  name: 'alerts-silenced-in-subscription'
  location: 'global'
  tags: tags
  properties: {
    description: 'Something in this subscription holds back alerts, or was taken away that the responder hears by. A deployment of the responder holds back its alerts on changes for an hour. Was it you?'
    enabled: true
    scopes: [
      subscription().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Administrative'
        }
        {
          field: 'status'
          equals: 'Succeeded'
        }
        {
          anyOf: map(silencingElsewhere, operation => {
            field: 'operationName'
            equals: operation
          })
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: people.id
        }
      ]
    }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: people
  properties: {
    level: 'CanNotDelete'
    notes: 'Who is told when the responder itself is changed.'
  }
}

resource changedLock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: changed
  properties: {
    level: 'CanNotDelete'
    notes: 'Tells when the responder is changed.'
  }
}

resource silencedLock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: silenced
  properties: {
    level: 'CanNotDelete'
    notes: 'Tells when alerts are switched off.'
  }
}

resource silencedElsewhereLock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: silencedElsewhere
  properties: {
    level: 'CanNotDelete'
    notes: 'Tells when alerts are held back.'
  }
}
