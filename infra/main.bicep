// Everything that Entra Responder needs in Azure, in one go: a resource group, what is in it, and what its identity may
// do in the subscriptions that it watches. It starts harmless: the identity may only read, every detection observes.
//
// Order: this file, then the code, then modules/events.bicep (the event subscriptions need the deployed function).
targetScope = 'subscription'

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
@allowed([
  'watch'
  'act'
])
param tier string = 'watch'

@description('Ids of further subscriptions to watch; the one deployed to is always watched.')
param watchedSubscriptionIds string[] = []

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

@description('PFX or PEM file of that registration in base64, if you bring your own: grant.sh --b2c makes one in the vault. Given once, it stays there.')
@secure()
param b2cCertificate string = ''

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

@description('Where PagerDuty takes events; its European region has an address of its own.')
param pagerDutyUrl string = 'https://events.pagerduty.com/v2/enqueue'

@description('Link to a case in cards, with {case} where the case id goes; empty for none.')
param caseLink string = ''

@description('Application (client) id of the registration that operators sign in to; HTTP without its token gets 401.')
@minLength(36)
@maxLength(36)
param operatorsClientId string

@description('Object ids of groups whose members may call the app; empty lets in whoever the registration lets in.')
param operatorGroupIds string[] = []

@description('Address ranges (CIDR) from which operators call. When given, only they and Event Grid reach the app at all.')
param operatorAddressRanges string[] = []

@description('People who hear of trouble with the responder itself, by e-mail.')
@minLength(1)
param alertEmails {
  name: string
  address: string
}[]

@description('The same by text message; countryCode is without the plus sign.')
param alertPhones {
  name: string
  countryCode: string
  number: string
}[] = []

@description('The same by telephone call; Azure calls numbers of few countries.')
param alertCalls {
  name: string
  countryCode: string
  number: string
}[] = []

// ---- how it works ----------------------------------------------------------------------------------------------------

@description('Remediations of one kind in an hour, after which people are paged instead.')
@minValue(0)
@maxValue(1000)
param remediationsPerHour int = 10

@description('How long one run holds a case before another may take it over.')
@minValue(5)
@maxValue(3600)
param leaseSeconds int = 120

@description('How long a remediation waits until the tenant shows it. Shorter than leaseSeconds.')
@minValue(1)
@maxValue(240)
param readBackSeconds int = 20

@description('How far each poll reads back beyond the last one: audit records come late.')
@minValue(5)
@maxValue(1440)
param pollOverlapMinutes int = 60

@description('After this long without an acknowledgement a page goes to the next owner and channel.')
@minValue(1)
@maxValue(1440)
param acknowledgeMinutes int = 15

@description('Words that differ by tenant (ids, domains, conventions), as the setting VOCABULARY takes them; empty for the defaults.')
param vocabulary object = {}

@description('Folder of Sigma rules, as a path in the code that is deployed, like rules; each runs as a detection. Empty for none.')
param sigmaRules string = ''

@description('NCRONTAB: when the audit logs are read.')
param auditPollSchedule string = '0 */2 * * * *'

@description('How sign-ins are read: poll needs Entra ID P1 in each tenant; off leaves the sign-in logs alone.')
@allowed([
  'poll'
  'off'
])
param signIns string = 'poll'

@description('NCRONTAB: when the sign-in logs are read.')
param signInPollSchedule string = '30 */2 * * * *'

@description('NCRONTAB: when the last 24 hours are read again.')
param backfillSchedule string = '0 40 3 * * *'

@description('NCRONTAB: when snapshots are taken.')
param snapshotSchedule string = '30 */10 * * * *'

@description('NCRONTAB: when it is read who is privileged and which groups roles can be given to.')
param rosterSchedule string = '0 */15 * * * *'

@description('NCRONTAB: when counts that nobody needs any more are deleted.')
param counterPurgeSchedule string = '0 10 4 * * *'

@description('NCRONTAB: when unfinished cases and waiting pages are taken up. It is the heartbeat that an alert watches.')
param resumeSchedule string = '15 * * * * *'

@description('Resource id of the workspace that Entra sends its sign-in logs to; it then counts in place of the app. Empty: the app counts.')
param signInWorkspaceId string = ''

@description('NCRONTAB: when that workspace is asked for counts.')
param logCountSchedule string = '45 */10 * * * *'

@description('Most instances of the function app.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

// ---- what is kept, and who reaches it --------------------------------------------------------------------------------

@description('Days for which evidence cannot be changed or deleted after it is written.')
@minValue(1)
@maxValue(146000)
param evidenceDays int = 365

@description('Locked can never be undone or shortened, and keeps the account from being deleted until it runs out.')
@allowed([
  'Unlocked'
  'Locked'
])
param evidenceLock string = 'Unlocked'

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 90

@description('Whether storage, vault and logs answer on their public addresses (to Entra tokens only). Disabled needs private endpoints, which are not made here.')
@allowed([
  'Enabled'
  'Disabled'
])
param networkAccess string = 'Enabled'

@description('Subnet (delegated to Microsoft.App/environments, with service endpoints for storage and Key Vault) that the app goes out through. When given, storage and vault refuse every other network.')
param integrationSubnetId string = ''

@description('Make an Event Hub for Entra\'s diagnostic settings, for tenants too large to poll.')
param auditStream bool = false

@description('Let senders to that Event Hub use the key of its authorization rule, which Entra\'s diagnostic settings ask for.')
param auditStreamKeys bool = false

@description('Keep what matters from being deleted by a CanNotDelete lock.')
param locks bool = true

// ----------------------------------------------------------------------------------------------------------------------

var suffix = uniqueString(subscription().id, environmentName, prefix)
var tags = {
  'azd-env-name': environmentName
  'entra-responder': prefix
}
var names = {
  group: 'rg-${prefix}-${environmentName}'
  identity: 'id-${prefix}-${suffix}'
  workspace: 'log-${prefix}-${suffix}'
  insights: 'appi-${prefix}-${suffix}'
  storage: '${prefix}st${suffix}'
  evidence: '${prefix}ev${suffix}'
  vault: '${prefix}kv${suffix}'
  plan: 'plan-${prefix}-${suffix}'
  app: '${prefix}-${suffix}'
  topic: 'evgt-${prefix}-${suffix}'
  stream: 'evhns-${prefix}-${suffix}'
  actionGroup: 'ag-${prefix}-${suffix}'
}
var ownSubscriptionId = subscription().subscriptionId
var subscriptionIds = union([ownSubscriptionId], watchedSubscriptionIds)
var untouchableIds = union(emergencyAccountIds, protectedPrincipalIds)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: names.group
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity-${suffix}'
  scope: group
  params: {
    name: names.identity
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring-${suffix}'
  scope: group
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
    location: location
    tags: tags
    retentionDays: logDays
    publicNetworkAccess: networkAccess
    principalId: identity.outputs.principalId
    locks: locks
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage-${suffix}'
  scope: group
  params: {
    name: names.storage
    location: location
    tags: tags
    sku: storageSku
    publicNetworkAccess: networkAccess
    subnetId: integrationSubnetId
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    locks: locks
  }
}

module evidence 'modules/evidence.bicep' = {
  name: 'evidence-${suffix}'
  scope: group
  params: {
    name: names.evidence
    location: location
    tags: tags
    sku: storageSku
    publicNetworkAccess: networkAccess
    subnetId: integrationSubnetId
    retentionDays: evidenceDays
    lockState: evidenceLock
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    locks: locks
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault-${suffix}'
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    publicNetworkAccess: networkAccess
    subnetId: integrationSubnetId
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    teamsWebhookUrl: teamsWebhookUrl
    pagerDutyRoutingKey: pagerDutyRoutingKey
    b2cCertificate: b2cCertificate
    locks: locks
  }
}

module signInLogs 'modules/sign-in-logs.bicep' = if (!empty(signInWorkspaceId)) {
  name: 'sign-in-logs-${suffix}'
  scope: resourceGroup(split(signInWorkspaceId, '/')[2], split(signInWorkspaceId, '/')[4])
  params: {
    workspaceName: last(split(signInWorkspaceId, '/'))
    principalId: identity.outputs.principalId
  }
}

module app 'modules/app.bicep' = {
  name: 'app-${suffix}'
  scope: group
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: tags
    maximumInstances: maximumInstances
    subnetId: integrationSubnetId
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    identityPrincipalId: identity.outputs.principalId
    hostStorageName: storage.outputs.name
    evidenceStorageName: evidence.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    vaultUri: vault.outputs.uri
    insightsConnectionString: monitoring.outputs.connectionString
    operatorsClientId: operatorsClientId
    operatorGroupIds: operatorGroupIds
    operatorAddressRanges: operatorAddressRanges
    subscriptionIds: subscriptionIds
    emergencyAccountIds: emergencyAccountIds
    protectedPrincipalIds: protectedPrincipalIds
    b2cTenantId: b2cTenantId
    b2cResponderId: b2cResponderId
    b2cClientId: b2cClientId
    pageByTeams: pageByTeams
    pageByPagerDuty: pageByPagerDuty
    pagerDutyUrl: pagerDutyUrl
    caseLink: caseLink
    logWorkspaceId: empty(signInWorkspaceId) ? '' : signInLogs!.outputs.customerId
    remediationsPerHour: remediationsPerHour
    leaseSeconds: leaseSeconds
    readBackSeconds: readBackSeconds
    pollOverlapMinutes: pollOverlapMinutes
    acknowledgeMinutes: acknowledgeMinutes
    vocabulary: vocabulary
    signIns: signIns
    sigmaRules: sigmaRules
    auditPollSchedule: auditPollSchedule
    signInPollSchedule: signInPollSchedule
    backfillSchedule: backfillSchedule
    snapshotSchedule: snapshotSchedule
    rosterSchedule: rosterSchedule
    counterPurgeSchedule: counterPurgeSchedule
    resumeSchedule: resumeSchedule
    logCountSchedule: logCountSchedule
    locks: locks
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles-${suffix}'
  params: {
    tier: tier
    installation: '${prefix}-${environmentName}'
    principalId: identity.outputs.principalId
    untouchableIds: untouchableIds
  }
}

module activityLog 'modules/activity-log.bicep' = {
  name: 'activity-log-${suffix}'
  params: {
    installation: '${prefix}-${environmentName}'
    workspaceId: monitoring.outputs.workspaceId
  }
}

module topic 'modules/topic.bicep' = {
  name: 'topic-${suffix}'
  scope: group
  params: {
    name: names.topic
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    locks: locks
  }
}

module deadLetters 'modules/dead-letters.bicep' = {
  name: 'dead-letters-${suffix}'
  scope: group
  params: {
    accountName: storage.outputs.name
    containerName: storage.outputs.deadLetterContainer
    topicPrincipalId: topic.outputs.principalId
  }
}

module watched 'modules/watch.bicep' = [
  for id in watchedSubscriptionIds: {
    name: 'watch-${uniqueString(id, suffix)}'
    scope: subscription(id)
    params: {
      groupName: names.group
      topicName: names.topic
      location: location
      tags: tags
      tier: tier
      installation: '${prefix}-${environmentName}'
      principalId: identity.outputs.principalId
      untouchableIds: untouchableIds
      workspaceId: monitoring.outputs.workspaceId
      locks: locks
    }
  }
]

module watchedDeadLetters 'modules/dead-letters.bicep' = [
  for (id, i) in watchedSubscriptionIds: {
    name: 'dead-letters-${uniqueString(id, suffix)}'
    scope: group
    params: {
      accountName: storage.outputs.name
      containerName: storage.outputs.deadLetterContainer
      topicPrincipalId: watched[i].outputs.topicPrincipalId
    }
  }
]

module stream 'modules/stream.bicep' = if (auditStream) {
  name: 'stream-${suffix}'
  scope: group
  params: {
    name: names.stream
    location: location
    tags: tags
    publicNetworkAccess: networkAccess
    sharedKeys: auditStreamKeys
    principalId: identity.outputs.principalId
    locks: locks
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts-${suffix}'
  scope: group
  params: {
    actionGroupName: names.actionGroup
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    emails: alertEmails
    phones: alertPhones
    calls: alertCalls
    locks: locks
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook-${suffix}'
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

@description('Object id of the identity, to which the Graph permissions are granted.')
output identityPrincipalId string = identity.outputs.principalId

@description('Application id of the identity.')
output identityClientId string = identity.outputs.clientId

@description('Name of the host storage account: tables, queue, snapshots.')
output storageName string = storage.outputs.name

@description('Name of the evidence account.')
output evidenceName string = evidence.outputs.name

@description('Name of the vault.')
output vaultName string = vault.outputs.name

@description('What modules/events.bicep takes as deadLetterAccountId.')
output deadLetterAccountId string = storage.outputs.id

@description('What modules/events.bicep takes as subscriptionIds.')
output subscriptionIds string[] = subscriptionIds

@description('What modules/events.bicep takes as topicName: the same name in the same group of every subscription.')
output topicName string = topic.outputs.name
