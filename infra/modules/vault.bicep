// The vault with the few secrets there are. A deployment that is given none leaves those in the vault as they are.

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Enabled or Disabled: whether the vault answers on its public address.')
param publicNetworkAccess string

@description('Subnet that alone reaches the vault; empty for no such limit.')
param subnetId string

@description('Object id of the identity that reads the secrets.')
param principalId string

@description('Workspace for the logs.')
param workspaceId string

@description('Address of the Teams workflow; empty keeps what is there.')
@secure()
param teamsWebhookUrl string

@description('PagerDuty routing key; empty keeps what is there.')
@secure()
param pagerDutyRoutingKey string

@description('Certificate of the B2C registration in base64; empty keeps what is there.')
@secure()
param b2cCertificate string

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
    publicNetworkAccess: publicNetworkAccess
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: empty(subnetId) ? 'Allow' : 'Deny'
      virtualNetworkRules: empty(subnetId) ? [] : [
        {
          id: subnetId
        }
      ]
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

resource certificateSecret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!empty(b2cCertificate)) {
  parent: vault
  name: 'b2c-certificate'
  properties: {
    value: b2cCertificate
    contentType: 'PFX or PEM in base64'
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'The app reads its secrets.'
  }
}

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

output name string = vault.name
output uri string = vault.properties.vaultUri
