// Everything that Entra Responder needs in Azure, in one go: a resource group, what is in it, and what its identity may
// do in the subscriptions that it watches. It starts harmless: the identity may only read, every detection observes.
//
// Order: this file, the Graph permissions, the code; infra/scripts/deploy.sh does all. Event Grid delivers to a queue, so
// nothing that happens between is lost.
targetScope = 'subscription'
import * as types from 'modules/types.bicep'

// ---- where and what ------------------------------------------------------------------------------------------------

@description('First part of every name: lower-case letters and digits only, because storage accounts allow no others.')
@minLength(3)
@maxLength(9)
param prefix string = 'responder'

@description('Tells several installations apart; Azure Developer CLI finds its resources by this name.')
@minLength(1)
@maxLength(40)
param environmentName string = 'prod'

@description('Region of everything that has one. Flex Consumption must exist there: az functionapp list-flexconsumption-locations.')
param location string = deployment().location

@description('Copies that storage keeps. Zone-redundant by default; regions without zones need Standard_LRS.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param storageSku string = 'Standard_ZRS'

// ---- who is guarded, and how far it may go ---------------------------------------------------------------------------

@description('watch: the identity may read role assignments. act: it may also write and delete them, apart from its own and those of protected principals.')
param tier types.tier = 'watch'

@description('Ids of further subscriptions to watch; the one deployed to is always watched.')
param watchedSubscriptionIds string[] = []

@description('Resource ids of Event Grid system topics that watched subscriptions have already: Azure allows one for each. Its system-assigned identity must be on.')
param existingTopicIds string[] = []

@description('Object ids of the break-glass accounts. Nothing is ever taken from them.')
@minLength(1)
param emergencyAccountIds string[]

@description('Object ids of other principals that nothing is ever taken from.')
param protectedPrincipalIds string[] = []

@description('Id of the Azure AD B2C tenant; empty when there is none.')
param b2cTenantId string = ''

@description('Object id of the responder\'s service principal in the B2C tenant.')
param b2cResponderId string = ''

@description('Application id of the responder\'s registration in the B2C tenant.')
param b2cClientId string = ''

// ---- who is told, and who may ask ------------------------------------------------------------------------------------

@description('Page by Microsoft Teams: the vault must hold teams-webhook-url, put there by teamsWebhookUrl or by hand.')
param pageByTeams bool = true

@description('Address of the Teams workflow. Given once, it stays in the vault; leave it empty afterwards.')
@secure()
param teamsWebhookUrl string = ''

@description('Page by PagerDuty too, the channel that does not need the tenant: the vault must hold pagerduty-routing-key.')
param pageByPagerDuty bool = false

@description('Routing key of an Events v2 integration. Given once, it stays in the vault; leave it empty afterwards.')
@secure()
param pagerDutyRoutingKey string = ''

@description('Hear what people acknowledge in PagerDuty: the vault must hold pagerduty-webhook-secrets.')
param hearPagerDuty bool = false

@description('Secret of PagerDuty\'s webhook subscription; two, separated by a comma, while it is exchanged. Given once, it stays in the vault.')
@secure()
param pagerDutyWebhookSecrets string = ''

@description('Where PagerDuty takes events; its European region has an address of its own.')
param pagerDutyUrl string = 'https://events.pagerduty.com/v2/enqueue'

@description('SHA-256 of the emergency key, from `responder operator emergency-key`; two with a comma while it is exchanged. Empty: nobody calls without signing in.')
param emergencyKeyHash string = ''

@description('Signed statements about operators, from `responder operator list --setting`.')
param emergencyOperators string = ''

@description('SHA-256 of the statement that founds the list of operators.')
param emergencyGenesis string = ''

@description('Take one-time codes of operators in an emergency: the vault must hold emergency-codes.')
param oneTimeCodes bool = false

@description('Secrets of the codes as JSON, by operator. Given once, they stay in the vault; leave it empty afterwards.')
@secure()
param emergencyCodes string = ''

@description('Sign what the app stores about guarded objects with a key of its own: the vault must hold state-keys. Not to be taken away again.')
param signState bool = false

@description('That key, 64 hexadecimal digits; two separated by a comma while it is exchanged. Given once, it stays in the vault; leave it empty afterwards.')
@secure()
param stateKeys string = ''

@description('Application (client) id of the registration that operators sign in to; HTTP without its token gets 401.')
@minLength(36)
@maxLength(36)
param operatorsClientId string

@description('Address ranges (CIDR) from which operators call. When given, only they reach the app at all.')
param operatorAddressRanges string[] = []

@description('People who hear of trouble with the responder itself, by e-mail. Azure writes to each address once: whoever does not confirm within 30 minutes hears nothing.')
@minLength(1)
param alertEmails types.email[]

@description('The same by text message.')
param alertPhones types.phone[] = []

@description('The same by telephone call; Azure calls numbers of few countries.')
param alertCalls types.phone[] = []

@description('E-mails about trouble also go to whoever is Owner of the subscription. They need no confirmation, unlike addresses.')
param alertOwners bool = true

// ---- whom an emergency needs -----------------------------------------------------------------------------------------

@description('Whom Microsoft\'s support calls back: the JSON object that the setting SUPPORT_CONTACT takes; empty for nobody, and then no support ticket is created.')
param supportContact string = ''

@description('Where you telephone Microsoft\'s support, and the contract or access id that it asks for.')
param supportPhone string = ''

@description('Where the sealed credentials of the emergency accounts are and who holds them; never a credential.')
param sealedCredential string = ''

@description('Names with telephone numbers for the printed runbook, separated by semicolons.')
param emergencyPhones string = ''

// ---- how it works ----------------------------------------------------------------------------------------------------

@description('Remediations of one kind in an hour, after which people are paged instead.')
@minValue(0)
@maxValue(1000)
param remediationsPerHour int = 10

@description('How long one run holds a case before another may take it over.')
@minValue(5)
@maxValue(3600)
param leaseSeconds int = 120

@description('How long a remediation waits until the tenant shows it. Less than a third of leaseSeconds.')
@minValue(1)
@maxValue(240)
param readBackSeconds int = 20

@description('How many requests for audit and sign-in logs go to a tenant in ten seconds. Microsoft\'s limit is five for an app.')
@minValue(1)
@maxValue(100)
param reportsPerTenSeconds int = 5

@description('After this long without an acknowledgement a page goes to the next owner and channel.')
@minValue(1)
@maxValue(1440)
param acknowledgeMinutes int = 15

@description('Messages that a channel gets in an hour at most; what is more is folded into digests.')
@minValue(1)
@maxValue(1000)
param messagesPerHour int = 20

@description('Language of messages about an emergency, its operators and who can be reached: en or ko.')
@allowed(['en', 'ko'])
param noticeLanguage string = 'en'

@description('How many days cases, pages, changes and old versions of objects are kept. Evidence has a time of its own, evidenceDays.')
@minValue(60)
@maxValue(3650)
param retentionDays int = 365

@description('The tenant profile, that is, what differs by tenant (ids, domains, conventions): the JSON text that the setting VOCABULARY takes; empty for the defaults.')
param vocabulary string = ''

@description('Folder of Sigma rules, as a path in the code that is deployed, like rules; each runs as a detection. Empty for none.')
param sigmaRules string = ''

@description('How sign-ins are read: poll needs Entra ID P1 in each tenant; off leaves the sign-in logs alone.')
@allowed([
  'poll'
  'off'
])
param signIns string = 'poll'

@description('Resource id of the workspace that Entra sends its sign-in logs to; it then counts in place of the app. Empty: the app counts.')
param signInWorkspaceId string = ''

@description('Memory of an instance in MB. The app needs 140 at most as measured; 512 has a quarter of a core, 2048 one, 4096 two.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 512

@description('Functions of which one instance is always there, so that a lone event does not wait for a cold start. HTTP always has one. By default, in the tier act, those on the way from an event to putting back.')
param alwaysReadyFunctions string[] = tier == 'act'
  ? [
      'subscription_events'
      'answer_case'
    ]
  : []

@description('Whether the alerts on silent timers are on. A first deployment switches them off until the code is there.')
param heartbeats bool = true

@description('Most instances of the function app.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

// ---- what is kept, and who reaches it --------------------------------------------------------------------------------

@description('Days for which evidence cannot be changed or deleted after it is written.')
@minValue(1)
@maxValue(146000)
param evidenceDays int = 365

@description('Locked can never be undone or shortened, and keeps the account from being deleted until it runs out. An account must begin Unlocked: deploy.sh locks it in a second step.')
@allowed([
  'Unlocked'
  'Locked'
])
param evidenceLock string = 'Unlocked'

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 90

@description('Make an Event Hub for the tenants\' diagnostic settings, which the app reads beside the polls: records come minutes earlier, and from tenants too large to poll. They send with a key, so the namespace takes keys. The settings themselves are made by stream.sh.')
param auditStream bool = false

@description('Keep what matters from being deleted by a CanNotDelete lock.')
param locks bool = true

// ----------------------------------------------------------------------------------------------------------------------

var suffix = uniqueString(subscription().id, environmentName, prefix)
var installation = '${prefix}-${environmentName}'
var tags = {
  'azd-env-name': environmentName
  'entra-responder': prefix
  // Another installation may be called the same, in another subscription: scripts tell them apart by this.
  'entra-responder-home': ownSubscriptionId
}
var names = {
  group: 'rg-${installation}'
  streamGroup: 'rg-${installation}-stream'
  identity: 'id-${prefix}-${suffix}'
  workspace: 'log-${prefix}-${suffix}'
  insights: 'appi-${prefix}-${suffix}'
  storage: '${prefix}st${suffix}'
  evidence: '${prefix}ev${suffix}'
  // Begins with a letter whatever the prefix does, as a vault's name must.
  vault: 'kv${prefix}${suffix}'
  plan: 'plan-${prefix}-${suffix}'
  app: '${prefix}-${suffix}'
  topic: 'evgt-${prefix}-${suffix}'
  eventSubscriptions: 'entra-responder-${suffix}-'
  stream: 'evhns-${prefix}-${suffix}'
  hub: 'directory-logs'
  sender: 'diagnostic-settings'
  actionGroup: 'ag-${prefix}-${suffix}'
  changesActionGroup: 'ag-${prefix}-changes-${suffix}'
  events: 'resource-events'
  deadLetters: 'dead-letters'
}
var ownSubscriptionId = subscription().subscriptionId
// Each once, however it is spelled, and without the own one.
var furtherSubscriptionIds = filter(union(map(watchedSubscriptionIds, id => toLower(trim(id))), []), id => id != toLower(ownSubscriptionId) && !empty(id))
var subscriptionIds = concat([ownSubscriptionId], furtherSubscriptionIds)
var untouchableIds = union(emergencyAccountIds, protectedPrincipalIds)
// The topic of each: the one that is there already, or ours.
var givenTopics = map(existingTopicIds, id => {
  subscriptionId: toLower(split(id, '/')[2])
  group: split(id, '/')[4]
  name: last(split(id, '/'))
})
var topics types.topicPlace[] = map(
  subscriptionIds,
  id =>
    first(filter(givenTopics, topic => topic.subscriptionId == toLower(id))) ?? {
      subscriptionId: id
      group: names.group
      name: names.topic
    }
)
var signInWorkspace = split(
  empty(signInWorkspaceId) ? '/subscriptions/${ownSubscriptionId}/resourceGroups/${names.group}' : signInWorkspaceId,
  '/'
)
// Operations whose success Event Grid delivers: those that the detections on Azure resources look for. A filter takes 25
// values at most.
var operations = [
  [
    'Microsoft.Authorization/classicAdministrators/delete'
    'Microsoft.Authorization/classicAdministrators/write'
    'Microsoft.Authorization/denyAssignments/delete'
    'Microsoft.Authorization/denyAssignments/write'
    'Microsoft.Authorization/locks/delete'
    'Microsoft.Authorization/roleAssignments/delete'
    'Microsoft.Authorization/roleAssignments/write'
    'Microsoft.Authorization/roleAssignmentScheduleRequests/write'
    'Microsoft.Authorization/roleDefinitions/delete'
    'Microsoft.Authorization/roleDefinitions/write'
    'Microsoft.Authorization/roleEligibilityScheduleRequests/write'
    'Microsoft.Authorization/roleManagementPolicies/write'
    'Microsoft.Authorization/roleManagementPolicyAssignments/write'
    'Microsoft.Blueprint/blueprintAssignments/delete'
    'Microsoft.Management/managementGroups/subscriptions/delete'
    'Microsoft.Management/managementGroups/subscriptions/write'
    'Microsoft.Subscription/cancel/action'
  ]
  [
    'Microsoft.AADIAM/diagnosticSettings/delete'
    'Microsoft.AADIAM/diagnosticSettings/write'
    'Microsoft.AlertsManagement/actionRules/write'
    'Microsoft.EventGrid/domains/delete'
    'Microsoft.EventGrid/eventSubscriptions/delete'
    'Microsoft.EventGrid/eventSubscriptions/write'
    'Microsoft.EventGrid/systemTopics/delete'
    'Microsoft.EventGrid/systemTopics/eventSubscriptions/delete'
    'Microsoft.EventGrid/systemTopics/eventSubscriptions/write'
    'Microsoft.EventGrid/topics/delete'
    'Microsoft.EventGrid/topics/eventSubscriptions/delete'
    'Microsoft.EventGrid/topics/eventSubscriptions/write'
    'Microsoft.EventHub/namespaces/delete'
    'Microsoft.EventHub/namespaces/eventhubs/delete'
    'Microsoft.Insights/actionGroups/delete'
    'Microsoft.Insights/actionGroups/write'
    'Microsoft.Insights/activityLogAlerts/delete'
    'Microsoft.Insights/diagnosticSettings/delete'
    'Microsoft.Insights/diagnosticSettings/write'
    'Microsoft.Insights/logProfiles/delete'
    'Microsoft.Insights/scheduledQueryRules/delete'
    'Microsoft.KeyVault/vaults/delete'
    'Microsoft.OperationalInsights/workspaces/delete'
  ]
  [
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
]

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: names.group
  location: location
  tags: tags
}

// The stream has a group of its own: a B2C tenant can send to it only if some of its people may do everything in the group
// (Azure Lighthouse, stream.sh), and in the other one is the responder.
resource streamGroup 'Microsoft.Resources/resourceGroups@2025-04-01' = if (auditStream) {
  name: names.streamGroup
  location: location
  tags: tags
}

// Names of role assignments are made of resource ids, which are known beforehand: what-if then sees what is in every
// module. An identity that was made anew has the same id, and its old assignments have to go first (orphans.sh).
var identityId = resourceId(
  ownSubscriptionId,
  names.group,
  'Microsoft.ManagedIdentity/userAssignedIdentities',
  names.identity
)
var storageId = resourceId(ownSubscriptionId, names.group, 'Microsoft.Storage/storageAccounts', names.storage)
var evidenceId = resourceId(ownSubscriptionId, names.group, 'Microsoft.Storage/storageAccounts', names.evidence)
// What has a diagnostic setting of ours, and the topics with event subscriptions: the app guards both.
var loggedResourceIds = concat(
  [
    '${storageId}/tableServices/default'
    '${evidenceId}/blobServices/default'
    resourceId(ownSubscriptionId, names.group, 'Microsoft.KeyVault/vaults', names.vault)
  ],
  map(topics, topic => resourceId(topic.subscriptionId, topic.group, 'Microsoft.EventGrid/systemTopics', topic.name))
)

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: names.identity
    location: location
    tags: tags
    locks: locks
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
    location: location
    tags: tags
    retentionDays: logDays
    identityId: identityId
    principalId: identity.outputs.principalId
    installation: installation
    tier: tier
    locks: locks
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: names.storage
    location: location
    tags: tags
    sku: storageSku
    identityId: identityId
    principalId: identity.outputs.principalId
    installation: installation
    workspaceId: monitoring.outputs.workspaceId
    locks: locks
  }
}

module evidence 'modules/evidence.bicep' = {
  scope: group
  params: {
    name: names.evidence
    location: location
    tags: tags
    sku: storageSku
    retentionDays: evidenceDays
    lockState: evidenceLock
    identityId: identityId
    principalId: identity.outputs.principalId
    installation: installation
    workspaceId: monitoring.outputs.workspaceId
    locks: locks
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    identityId: identityId
    principalId: identity.outputs.principalId
    installation: installation
    workspaceId: monitoring.outputs.workspaceId
    teamsWebhookUrl: teamsWebhookUrl
    pagerDutyRoutingKey: pagerDutyRoutingKey
    emergencyCodes: emergencyCodes
    stateKeys: stateKeys
    pagerDutyWebhookSecrets: pagerDutyWebhookSecrets
    locks: locks
  }
}

module signInLogs 'modules/sign-in-logs.bicep' = if (!empty(signInWorkspaceId)) {
  scope: resourceGroup(signInWorkspace[2], signInWorkspace[4])
  params: {
    workspaceName: last(signInWorkspace)
    identityId: identityId
    principalId: identity.outputs.principalId
    installation: installation
  }
}

module app 'modules/app.bicep' = {
  scope: group
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: tags
    maximumInstances: maximumInstances
    instanceMemoryMB: instanceMemoryMB
    alwaysReadyFunctions: alwaysReadyFunctions
    identityId: identityId
    identityClientId: identity.outputs.clientId
    identityPrincipalId: identity.outputs.principalId
    hostStorageName: names.storage
    evidenceStorageName: names.evidence
    deploymentContainer: storage.outputs.deploymentContainer
    vaultUri: vault.outputs.uri
    insightsConnectionString: monitoring.outputs.connectionString
    operatorsClientId: operatorsClientId
    operatorAddressRanges: operatorAddressRanges
    subscriptionIds: subscriptionIds
    loggedResourceIds: loggedResourceIds
    emergencyAccountIds: emergencyAccountIds
    protectedPrincipalIds: protectedPrincipalIds
    b2cTenantId: b2cTenantId
    b2cResponderId: b2cResponderId
    b2cClientId: b2cClientId
    pageByTeams: pageByTeams
    pageByPagerDuty: pageByPagerDuty
    hearPagerDuty: hearPagerDuty
    pagerDutyUrl: pagerDutyUrl
    emergencyKeyHash: emergencyKeyHash
    emergencyOperators: emergencyOperators
    emergencyGenesis: emergencyGenesis
    oneTimeCodes: oneTimeCodes
    signState: signState
    logWorkspaceId: signInLogs.?outputs.customerId ?? ''
    remediationsPerHour: remediationsPerHour
    leaseSeconds: leaseSeconds
    readBackSeconds: readBackSeconds
    reportsPerTenSeconds: reportsPerTenSeconds
    acknowledgeMinutes: acknowledgeMinutes
    messagesPerHour: messagesPerHour
    noticeLanguage: noticeLanguage
    supportContact: supportContact
    supportPhone: supportPhone
    sealedCredential: sealedCredential
    emergencyPhones: emergencyPhones
    retentionDays: retentionDays
    vocabulary: vocabulary
    signIns: signIns
    auditStreamNamespace: stream.?outputs.host ?? ''
    auditStreamHub: auditStream ? names.hub : ''
    sigmaRules: sigmaRules
    locks: locks
  }
  dependsOn: [
    evidence
  ]
}

module roles 'modules/roles.bicep' = {
  params: {
    tier: tier
    installation: installation
    identityId: identityId
    principalId: identity.outputs.principalId
    untouchableIds: untouchableIds
  }
}

module activityLog 'modules/activity-log.bicep' = {
  params: {
    installation: installation
    workspaceId: monitoring.outputs.workspaceId
  }
}

module topic 'modules/topic.bicep' = if (topics[0].name == names.topic) {
  scope: group
  params: {
    name: names.topic
    tags: tags
    locks: locks
  }
}

module watched 'modules/watch.bicep' = [
  for (id, i) in furtherSubscriptionIds: {
    scope: subscription(id)
    params: {
      groupName: names.group
      topicName: topics[i + 1].name == names.topic ? names.topic : ''
      actionGroupName: names.changesActionGroup
      location: location
      tags: tags
      tier: tier
      installation: installation
      identityId: identityId
      principalId: identity.outputs.principalId
      untouchableIds: untouchableIds
      workspaceId: monitoring.outputs.workspaceId
      emails: alertEmails
      owners: alertOwners
      locks: locks
    }
  }
]

module deliveries 'modules/delivery.bicep' = [
  for place in topics: {
    scope: group
    params: {
      accountName: names.storage
      queueName: names.events
      containerName: names.deadLetters
      topic: place
      installation: installation
    }
    dependsOn: [
      storage
      topic
      watched
    ]
  }
]

module eventSubscriptions 'modules/event-subscriptions.bicep' = [
  for place in topics: {
    scope: resourceGroup(place.subscriptionId, place.group)
    params: {
      topicName: place.name
      namePrefix: names.eventSubscriptions
      accountId: storageId
      queueName: names.events
      containerName: names.deadLetters
      workspaceId: monitoring.outputs.workspaceId
      operations: operations
      ownGroupName: names.group
    }
    // Event Grid looks whether its topic may write to the queue.
    dependsOn: [
      deliveries
    ]
  }
]

module stream 'modules/stream.bicep' = if (auditStream) {
  scope: streamGroup
  params: {
    name: names.stream
    hubName: names.hub
    senderName: names.sender
    location: location
    tags: tags
    identityId: identityId
    principalId: identity.outputs.principalId
    installation: installation
    locks: locks
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    actionGroupName: names.actionGroup
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    emails: alertEmails
    phones: alertPhones
    calls: alertCalls
    owners: alertOwners
    heartbeats: heartbeats
    locks: locks
  }
}

module changes 'modules/changes.bicep' = {
  scope: group
  params: {
    actionGroupName: names.changesActionGroup
    tags: tags
    emails: alertEmails
    owners: alertOwners
    locks: locks
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

@description('Resource group of everything but what is in watched subscriptions.')
output resourceGroupName string = group.name

@description('Name of the function app, where the code goes.')
output functionAppName string = app.outputs.name

@description('Resource id of the function app.')
output functionAppId string = app.outputs.id

@description('Host name that operators call.')
output functionAppHost string = app.outputs.host

@description('Resource id of the identity.')
output identityId string = identityId

@description('Object id of the identity, to which the Graph permissions are granted.')
output identityPrincipalId string = identity.outputs.principalId

@description('Application id of the identity.')
output identityClientId string = identity.outputs.clientId

@description('Name of the host storage account: tables, queues, snapshots.')
output storageName string = names.storage

@description('Name of the evidence account.')
output evidenceName string = names.evidence

@description('Name of the vault.')
output vaultName string = names.vault

@description('Resource id of the action group that is told of trouble.')
output actionGroupId string = alerts.outputs.actionGroupId

@description('All watched subscriptions.')
output subscriptionIds string[] = subscriptionIds

@description('Resource id of the system topic of each watched subscription, in the same order.')
output topicIds string[] = map(
  topics,
  place => resourceId(place.subscriptionId, place.group, 'Microsoft.EventGrid/systemTopics', place.name)
)

@description('Resource id of the rule by whose key diagnostic settings send to the audit stream; empty without it.')
output auditStreamRuleId string = auditStream
  ? resourceId(
      ownSubscriptionId,
      names.streamGroup,
      'Microsoft.EventHub/namespaces/authorizationRules',
      names.stream,
      names.sender
    )
  : ''

@description('The hub of the audit stream; empty without it.')
output auditStreamHub string = auditStream ? names.hub : ''

@description('What the names of this installation\'s event subscriptions begin with.')
output eventSubscriptionPrefix string = names.eventSubscriptions

@description('The event subscriptions that should be on each topic.')
output eventSubscriptionNames string[] = concat(
  map(range(0, length(operations)), i => '${names.eventSubscriptions}${i}'),
  ['${names.eventSubscriptions}own']
)
