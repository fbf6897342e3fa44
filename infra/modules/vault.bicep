// The vault with the few secrets there are. A deployment that is given none leaves those in the vault as they are. The B2C
// certificate is made in it by infra/scripts/grant.sh --b2c, or imported by `az keyvault certificate import`.
import * as types from 'types.bicep'

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Resource id of the identity that the app works under.')
param identityId string

@description('Object id of that identity.')
param principalId string

@description('Names this installation in the descriptions of role assignments.')
param installation string

@description('Workspace for the logs.')
param workspaceId string

@description('Address of the Teams workflow; empty keeps what is there.')
@secure()
param teamsWebhookUrl string

@description('PagerDuty routing key; empty keeps what is there.')
@secure()
param pagerDutyRoutingKey string

@description('Secrets of operators\' one-time codes as JSON; empty keeps what is there.')
@secure()
param emergencyCodes string

@description('The app\'s own key for what it stores; empty keeps what is there.')
@secure()
param stateKeys string

@description('Secrets of PagerDuty\'s webhook; empty keeps what is there.')
@secure()
param pagerDutyWebhookSecrets string

@description('Whether to lock against deletion.')
param locks bool

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

resource teamsSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(teamsWebhookUrl)) {
  parent: vault
  name: 'teams-webhook-url'
  properties: {
    value: teamsWebhookUrl
    contentType: 'https address'
  }
}

resource pagerDutySecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(pagerDutyRoutingKey)) {
  parent: vault
  name: 'pagerduty-routing-key'
  properties: {
    value: pagerDutyRoutingKey
    contentType: 'Events v2 routing key'
  }
}

resource codesSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(emergencyCodes)) {
  parent: vault
  name: 'emergency-codes'
  properties: {
    value: emergencyCodes
    contentType: 'JSON, secrets by operator'
  }
}

resource stateSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(stateKeys)) {
  parent: vault
  name: 'state-keys'
  properties: {
    value: stateKeys
    contentType: '64 hexadecimal digits, or twice as many with a comma between'
  }
}

resource webhookSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(pagerDutyWebhookSecrets)) {
  parent: vault
  name: 'pagerduty-webhook-secrets'
  properties: {
    value: pagerDutyWebhookSecrets
    contentType: 'one secret, or two separated by a comma'
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identityId, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Entra Responder ${installation}: the app reads its secrets.'
  }
}

#disable-next-line use-recent-api-versions // there is no newer one
resource accessLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'access'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: vault
  properties: {
    level: 'CanNotDelete'
    notes: 'Without its secrets the responder can page nobody.'
  }
}

@description('Address of the vault, with its slash at the end.')
output uri string = vault.properties.vaultUri
