// Watches the responder from outside: these alerts reach people by Azure Monitor, without the app, its storage or Teams.

@description('Name of the action group.')
param actionGroupName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Workspace with the logs.')
param workspaceId string

@description('Who gets e-mails.')
param emails {
  name: string
  address: string
}[]

@description('Who gets text messages.')
param phones {
  name: string
  countryCode: string
  number: string
}[]

@description('Who is called.')
param calls {
  name: string
  countryCode: string
  number: string
}[]

@description('Whether to lock against deletion.')
param locks bool

var groupScope = resourceGroup().id
// Each timer of the app, and how long it may be silent or fail before somebody should look.
var heartbeats = [
  {
    function: 'resume_cases'
    silence: 'PT10M'
    looked: 'PT5M'
    severity: 0
  }
  {
    function: 'poll_directory_audits'
    silence: 'PT15M'
    looked: 'PT5M'
    severity: 1
  }
  {
    function: 'poll_sign_ins'
    silence: 'PT15M'
    looked: 'PT15M'
    severity: 1
  }
  {
    function: 'take_snapshots'
    silence: 'PT1H'
    looked: 'PT15M'
    severity: 1
  }
  {
    function: 'sweep_rosters'
    silence: 'PT1H'
    looked: 'PT15M'
    severity: 1
  }
  {
    function: 'count_in_log_analytics'
    silence: 'PT1H'
    looked: 'PT15M'
    severity: 2
  }
  {
    function: 'backfill_directory_audits'
    silence: 'P2D'
    looked: 'PT6H'
    severity: 2
  }
  {
    function: 'backfill_sign_ins'
    silence: 'P2D'
    looked: 'PT6H'
    severity: 2
  }
  {
    function: 'purge_counters'
    silence: 'P2D'
    looked: 'PT6H'
    severity: 3
  }
]
var happenings = [
  {
    name: 'poison-messages'
    title: 'A case could not be answered: its message went to the poison queue'
    query: loadTextContent('queries/poison-messages.kql')
    severity: 1
  }
  {
    name: 'dead-letters'
    title: 'Event Grid gave up on events: changes of Azure roles may have been missed'
    query: loadTextContent('queries/dead-letters.kql')
    severity: 1
  }
  {
    name: 'pages-not-delivered'
    title: 'A page could not be delivered: nobody may know of a case'
    query: loadTextContent('queries/pages-not-delivered.kql')
    severity: 0
  }
]
var changes = [
  'Microsoft.Web/sites/stop/action'
  'Microsoft.Web/sites/write'
  'Microsoft.Web/sites/delete'
  'Microsoft.Web/sites/config/write'
  'Microsoft.EventGrid/systemTopics/delete'
  'Microsoft.EventGrid/systemTopics/eventSubscriptions/write'
  'Microsoft.EventGrid/systemTopics/eventSubscriptions/delete'
  'Microsoft.Insights/actionGroups/write'
  'Microsoft.Insights/scheduledQueryRules/write'
  'Microsoft.Insights/scheduledQueryRules/delete'
  'Microsoft.Authorization/locks/delete'
]
var changeConditions = [
  for operation in changes: {
    field: 'operationName'
    equals: operation
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'responder'
    enabled: true
    emailReceivers: [
      for email in emails: {
        name: email.name
        emailAddress: email.address
        useCommonAlertSchema: true
      }
    ]
    smsReceivers: [
      for phone in phones: {
        name: '${phone.name} by text'
        countryCode: phone.countryCode
        phoneNumber: phone.number
      }
    ]
    voiceReceivers: [
      for call in calls: {
        name: '${call.name} by call'
        countryCode: call.countryCode
        phoneNumber: call.number
      }
    ]
  }
}

// Fires when there was no successful run in the window; resolves itself with the next one.
resource silences 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for heartbeat in heartbeats: {
    name: 'silence-${heartbeat.function}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Entra Responder: no successful run of ${heartbeat.function}'
      description: 'It has not succeeded for ${heartbeat.silence}. Look at the function app: stopped, failing, or its timers dead?'
      severity: heartbeat.severity
      enabled: true
      scopes: [
        workspaceId
      ]
      evaluationFrequency: heartbeat.looked
      windowSize: heartbeat.silence
      criteria: {
        allOf: [
          {
            query: replace(loadTextContent('queries/heartbeat.kql'), '{function}', heartbeat.function)
            timeAggregation: 'Count'
            operator: 'LessThan'
            threshold: 1
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      autoMitigate: true
      skipQueryValidation: true
      actions: {
        actionGroups: [
          people.id
        ]
      }
    }
  }
]

resource events 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for happening in happenings: {
    name: happening.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Entra Responder: ${happening.name}'
      description: happening.title
      severity: happening.severity
      enabled: true
      scopes: [
        workspaceId
      ]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        allOf: [
          {
            query: happening.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      autoMitigate: false
      muteActionsDuration: 'PT30M'
      skipQueryValidation: true
      actions: {
        actionGroups: [
          people.id
        ]
      }
    }
  }
]

// From the activity log, so it works when the workspace does not; a deployment of one's own shows here as well.
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
          anyOf: changeConditions
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
    notes: 'Who is told when the responder itself is in trouble.'
  }
}
