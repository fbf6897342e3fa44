// The function app on Flex Consumption, its settings, and who may call it.
import * as types from 'types.bicep'

@description('Name of the app. The host id is cut from its first 32 characters.')
param name string

@description('Name of the plan.')
param planName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Most instances.')
param maximumInstances int

@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@description('Functions of which one instance is always there.')
param alwaysReadyFunctions string[]

@description('Resource id of the identity that the app works under.')
param identityId string

@description('Application id of that identity.')
param identityClientId string

@description('Object id of that identity: the app knows its own changes by it.')
param identityPrincipalId string

@description('Name of the host storage account.')
param hostStorageName string

@description('Name of the evidence account.')
param evidenceStorageName string

@description('Container of the deployed code.')
param deploymentContainer string

@description('Address of the vault, with its slash at the end.')
param vaultUri string

@description('Connection string of Application Insights: addresses, and no key that opens anything.')
param insightsConnectionString string

@description('Application id of the registration that operators sign in to.')
param operatorsClientId string

@description('Address ranges that may reach the app; empty for all.')
param operatorAddressRanges string[]

@description('Subscriptions whose role assignments are guarded.')
param subscriptionIds string[]

@description('Resource ids of what has a diagnostic setting of the installation, and of the topics that deliver to it.')
param loggedResourceIds string[]

@description('Object ids of the break-glass accounts.')
param emergencyAccountIds string[]

@description('Object ids of other principals that nothing is taken from.')
param protectedPrincipalIds string[]

@description('Id of the B2C tenant; empty for none.')
param b2cTenantId string

@description('Object id of the responder in the B2C tenant.')
param b2cResponderId string

@description('Application id of the responder in the B2C tenant.')
param b2cClientId string

@description('Whether the vault holds teams-webhook-url.')
param pageByTeams bool

@description('Whether the vault holds pagerduty-routing-key.')
param pageByPagerDuty bool

@description('Whether the vault holds pagerduty-webhook-secrets.')
param hearPagerDuty bool

@description('Where PagerDuty takes events.')
param pagerDutyUrl string

@description('SHA-256 of the emergency key; empty for none.')
param emergencyKeyHash string

@description('Signed statements about operators; empty for none.')
param emergencyOperators string

@description('SHA-256 of the statement that founds the list of operators; empty for any that the setting holds.')
param emergencyGenesis string

@description('Whether the vault holds emergency-codes.')
param oneTimeCodes bool

@description('Whether the vault holds state-keys.')
param signState bool

@description('Whom Microsoft\'s support calls back, as JSON; empty for nobody.')
param supportContact string

@description('Where Microsoft\'s support is telephoned.')
param supportPhone string

@description('Where the sealed credentials of the emergency accounts are.')
param sealedCredential string

@description('Names with telephone numbers, separated by semicolons.')
param emergencyPhones string

@description('Id of the workspace that counts sign-ins; empty for none.')
param logWorkspaceId string

@description('Remediations of one kind in an hour.')
param remediationsPerHour int

@description('Seconds for which a run holds a case.')
param leaseSeconds int

@description('Seconds to wait for a remediation to show.')
param readBackSeconds int

@description('Requests for audit and sign-in logs of a tenant in ten seconds.')
param reportsPerTenSeconds int

@description('Minutes until a page is escalated.')
param acknowledgeMinutes int

@description('Messages that a channel gets in an hour.')
param messagesPerHour int

@description('Language of messages about an emergency.')
param noticeLanguage string

@description('Days for which cases, pages, changes and old versions are kept.')
param retentionDays int

@description('The tenant profile, as JSON; empty for the defaults.')
param vocabulary string

@description('How sign-ins are read: poll or off.')
param signIns string

@description('Host name of the namespace with the audit stream; empty for none.')
param auditStreamNamespace string

@description('The hub of the audit stream; empty for none.')
param auditStreamHub string

@description('Folder of Sigma rules in the package; empty for none.')
param sigmaRules string

@description('Whether to lock against deletion.')
param locks bool

var secretReference = '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/'
var operatorRules = [
  for (addresses, i) in operatorAddressRanges: {
    name: 'operators-${i}'
    priority: 200 + i
    action: 'Allow'
    ipAddress: addresses
  }
]
// HTTP is kept warm in every tier: it is what people reach for when something is wrong.
var alwaysReady = map(concat(['http'], map(alwaysReadyFunctions, name => 'function:${name}')), name => {
  name: name
  instanceCount: 1
})

resource hostStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: hostStorageName
}

resource evidenceStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: evidenceStorageName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'responder' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      ipSecurityRestrictionsDefaultAction: empty(operatorAddressRanges) ? 'Allow' : 'Deny'
      ipSecurityRestrictions: operatorRules
    }
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: alwaysReady
        triggers: {
          http: {
            // Python's default is one request an instance: the second at the same time would wait for a cold start.
            perInstanceConcurrency: 16
          }
        }
        maximumInstanceCount: maximumInstances
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
    }
  }
}

// The product's settings are those of shared/model/app_settings.py, no more and no fewer; the rest is the platform's.
resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__blobServiceUri: hostStorage.properties.primaryEndpoints.blob
    AzureWebJobsStorage__queueServiceUri: hostStorage.properties.primaryEndpoints.queue
    AzureWebJobsStorage__tableServiceUri: hostStorage.properties.primaryEndpoints.table
    EvidenceStorage__credential: 'managedidentity'
    EvidenceStorage__clientId: identityClientId
    EvidenceStorage__blobServiceUri: evidenceStorage.properties.primaryEndpoints.blob
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // Of each instance: the host hands the worker up to 12 messages of a queue at once, and timers besides.
    PYTHON_THREADPOOL_THREAD_COUNT: '16'
    // In bytes. The host refuses larger bodies before they reach Python; its default is a hundred times as much.
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1048576'
    WORKFORCE_TENANT_ID: subscription().tenantId
    WORKFORCE_RESPONDER_ID: identityPrincipalId
    WORKFORCE_CLIENT_ID: identityClientId
    SUBSCRIPTION_IDS: join(subscriptionIds, ',')
    EMERGENCY_ACCOUNT_IDS: join(emergencyAccountIds, ',')
    PROTECTED_PRINCIPAL_IDS: join(protectedPrincipalIds, ',')
    OWN_RESOURCE_GROUPS: join(
      map(subscriptionIds, id => '/subscriptions/${id}/resourceGroups/${resourceGroup().name}'),
      ','
    )
    LOGGED_RESOURCES: join(loggedResourceIds, ',')
    OPERATORS_CLIENT_ID: operatorsClientId
    VOCABULARY: vocabulary
    SIGMA_RULES: sigmaRules
    B2C_TENANT_ID: b2cTenantId
    B2C_RESPONDER_ID: b2cResponderId
    B2C_CLIENT_ID: b2cClientId
    B2C_CERTIFICATE: empty(b2cTenantId) ? '' : '${secretReference}b2c-certificate)'
    TEAMS_WEBHOOK_URL: pageByTeams ? '${secretReference}teams-webhook-url)' : ''
    PAGERDUTY_ROUTING_KEY: pageByPagerDuty ? '${secretReference}pagerduty-routing-key)' : ''
    PAGERDUTY_URL: pagerDutyUrl
    PAGERDUTY_WEBHOOK_SECRETS: hearPagerDuty ? '${secretReference}pagerduty-webhook-secrets)' : ''
    CASE_LINK: 'https://${app.properties.defaultHostName}/api/console/i/{case}'
    EMERGENCY_KEY_HASH: emergencyKeyHash
    EMERGENCY_OPERATORS: emergencyOperators
    EMERGENCY_GENESIS: emergencyGenesis
    EMERGENCY_CODES: oneTimeCodes ? '${secretReference}emergency-codes)' : ''
    STATE_KEYS: signState ? '${secretReference}state-keys)' : ''
    SUPPORT_CONTACT: supportContact
    SUPPORT_PHONE: supportPhone
    SEALED_CREDENTIAL: sealedCredential
    EMERGENCY_PHONES: emergencyPhones
    GRAPH_URL: 'https://graph.microsoft.com'
    ARM_URL: environment().resourceManager
    AUTHORITY_URL: environment().authentication.loginEndpoint
    LOG_WORKSPACE_ID: logWorkspaceId
    LOG_ANALYTICS_URL: 'https://api.loganalytics.io'
    REMEDIATIONS_PER_HOUR: string(remediationsPerHour)
    RETENTION_DAYS: string(retentionDays)
    LEASE_SECONDS: string(leaseSeconds)
    READ_BACK_SECONDS: string(readBackSeconds)
    REPORTS_PER_TEN_SECONDS: string(reportsPerTenSeconds)
    ACKNOWLEDGE_MINUTES: string(acknowledgeMinutes)
    MESSAGES_PER_HOUR: string(messagesPerHour)
    NOTICE_LANGUAGE: noticeLanguage
    SIGN_INS: signIns
    AUDIT_STREAM_HUB: auditStreamHub
    AUDIT_STREAM__fullyQualifiedNamespace: auditStreamNamespace
    AUDIT_STREAM__credential: 'managedidentity'
    AUDIT_STREAM__clientId: identityClientId
    // The silence that the alerts allow each timer (alerts.bicep) fits these.
    AUDIT_POLL_SCHEDULE: '0 */2 * * * *'
    SIGN_IN_POLL_SCHEDULE: '30 */2 * * * *'
    SNAPSHOT_SCHEDULE: '30 */10 * * * *'
    ROSTER_SCHEDULE: '0 */15 * * * *'
    RESUME_SCHEDULE: '15 * * * * *'
    NOON_SCHEDULE: '0 0 12 * * *'
    REACH_SCHEDULE: '0 0 9 * * *'
  }
}

// People sign in on the way to a page; programs bring a token. Who may: whoever is assigned to the registration, which
// hands out no token to anybody else (infra/scripts/operators.sh). A list of allowed applications would refuse people: it
// looks into access tokens, and a browser brings an id token.
resource authentication 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      // Reached when Entra is what failed: there the app itself checks an emergency key and a proof of each request, and the
      // signature of PagerDuty's webhook, which has no token.
      excludedPaths: [
        '/api/emergency'
        '/api/emergency/*'
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: operatorsClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            operatorsClientId
            'api://${operatorsClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

resource noFtpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noPublishingPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: app
  properties: {
    level: 'CanNotDelete'
    notes: 'The responder itself.'
  }
}

@description('Resource id of the app.')
output id string = app.id

@description('Name of the app.')
output name string = app.name

@description('Host name that operators call.')
output host string = app.properties.defaultHostName
