// Watches the responder from outside: these alerts reach people by Azure Monitor, without the app, its storage or Teams.
import * as types from 'types.bicep'

@description('Name of the action group.')
param actionGroupName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Workspace with the logs.')
param workspaceId string

@description('Who gets e-mails.')
param emails types.email[]

@description('Who gets text messages.')
param phones types.phone[]

@description('Who is called.')
param calls types.phone[]

@description('Whether the owners of the subscription get e-mails too. Addresses need no confirmation then.')
param owners bool

@description('Whether alerts on silent timers are on: not before the code is there.')
param heartbeats bool

@description('Whether to lock against deletion.')
param locks bool

var owner = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'
// Each timer of the app, and how long since the end of its last successful run somebody should look. `window` is where
// runs are looked for: `silence`, and the half hour that a run may take, because a run counts by when it began.
var timers = [
  {
    // Longer than a minute's work takes when many pages wait: an alarm in the middle of an incident misleads.
    function: 'resume_cases'
    silence: '20m'
    window: 'PT1H'
    looked: 'PT5M'
    severity: 0
  }
  {
    function: 'poll_directory_audits'
    silence: '15m'
    window: 'PT45M'
    looked: 'PT5M'
    severity: 1
  }
  {
    function: 'poll_sign_ins'
    silence: '15m'
    window: 'PT45M'
    looked: 'PT15M'
    severity: 1
  }
  {
    function: 'take_snapshots'
    silence: '1h'
    window: 'PT2H'
    looked: 'PT15M'
    severity: 1
  }
  {
    function: 'sweep_rosters'
    silence: '1h'
    window: 'PT2H'
    looked: 'PT15M'
    severity: 1
  }
  {
    function: 'count_in_log_analytics'
    silence: '1h'
    window: 'PT2H'
    looked: 'PT15M'
    severity: 2
  }
  {
    function: 'backfill_directory_audits'
    silence: '1h'
    window: 'PT2H'
    looked: 'PT15M'
    severity: 2
  }
  {
    function: 'backfill_sign_ins'
    silence: '1h'
    window: 'PT2H'
    looked: 'PT15M'
    severity: 2
  }
  {
    function: 'purge_old_data'
    silence: '30h'
    window: 'P2D'
    looked: 'PT6H'
    severity: 3
  }
  {
    function: 'keep_lists'
    silence: '30h'
    window: 'P2D'
    looked: 'PT6H'
    severity: 3
  }
  {
    function: 'report_night'
    silence: '30h'
    window: 'P2D'
    looked: 'PT6H'
    severity: 2
  }
  {
    function: 'look_at_posture'
    silence: '30h'
    window: 'P2D'
    looked: 'PT6H'
    severity: 3
  }
  {
    function: 'try_owners'
    silence: '30h'
    window: 'P2D'
    looked: 'PT6H'
    severity: 3
  }
]
var happenings = [
  {
    name: 'poison-messages'
    title: 'A case or an event could not be answered: its message went to the poison queue, from where it is played again'
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
    name: 'deliveries-failing'
    title: 'Event Grid can not put events into the queue: changes of Azure roles come late or not at all'
    query: loadTextContent('queries/deliveries-failing.kql')
    severity: 1
  }
  {
    name: 'pages-not-delivered'
    title: 'A page could not be delivered: nobody may know of a case'
    query: loadTextContent('queries/pages-not-delivered.kql')
    severity: 0
  }
  {
    name: 'nobody-reached'
    title: 'An urgent page reached nobody who acknowledged: call the owners by phone'
    query: loadTextContent('queries/nobody-reached.kql')
    severity: 0
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
    armRoleReceivers: owners
      ? [
          {
            name: 'owners of the subscription'
            roleId: owner
            useCommonAlertSchema: true
          }
        ]
      : []
    voiceReceivers: [
      for call in calls: {
        name: '${call.name} by call'
        countryCode: call.countryCode
        phoneNumber: call.number
      }
    ]
  }
}

// Fires when no successful run ended within `silence`; resolves itself with the next one.
resource silences 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for timer in timers: {
    name: 'silence-${timer.function}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Entra Responder: no successful run of ${timer.function}'
      description: 'It has not succeeded for ${timer.silence}. Look at the function app: stopped, failing, or its timers dead?'
      severity: timer.severity
      enabled: heartbeats
      scopes: [
        workspaceId
      ]
      evaluationFrequency: timer.looked
      windowSize: timer.window
      criteria: {
        allOf: [
          {
            query: replace(
              replace(loadTextContent('queries/heartbeat.kql'), '{function}', timer.function),
              '{silence}',
              timer.silence
            )
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
      // Not longer than the window less the frequency, or what happens meanwhile is never told.
      muteActionsDuration: 'PT10M'
      skipQueryValidation: true
      actions: {
        actionGroups: [
          people.id
        ]
      }
    }
  }
]

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: people
  properties: {
    level: 'CanNotDelete'
    notes: 'Who is told when the responder itself is in trouble.'
  }
}

resource silenceLocks 'Microsoft.Authorization/locks@2020-05-01' = [
  for (timer, i) in timers: if (locks) {
    name: 'keep'
    scope: silences[i]
    properties: {
      level: 'CanNotDelete'
      notes: 'Tells when the responder has stopped.'
    }
  }
]

resource eventLocks 'Microsoft.Authorization/locks@2020-05-01' = [
  for (happening, i) in happenings: if (locks) {
    name: 'keep'
    scope: events[i]
    properties: {
      level: 'CanNotDelete'
      notes: 'Tells when the responder is in trouble.'
    }
  }
]

@description('Resource id of the action group.')
output actionGroupId string = people.id
