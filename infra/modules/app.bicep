// The function app on Flex Consumption, its settings, and who may call it.

@description('Name of the app. The host id is cut from its first 32 characters.')
param name string

@description('Name of the plan.')
param planName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Most instances.')
param maximumInstances int

@description('Subnet that the app goes out through; empty for none.')
param subnetId string

@description('Enabled or Disabled. Event Grid delivers to public addresses only, so Disabled means polling alone.')
param publicNetworkAccess string = 'Enabled'

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

@description('Groups whose members may call the app; empty for whoever the registration lets in.')
param operatorGroupIds string[]

@description('Address ranges that may reach the app; empty for all.')
param operatorAddressRanges string[]

@description('Subscriptions whose role assignments are guarded.')
param subscriptionIds string[]

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

@description('Where PagerDuty takes events.')
param pagerDutyUrl string

@description('Link to a case in cards; empty for none.')
param caseLink string

@description('Id of the workspace that counts sign-ins; empty for none.')
param logWorkspaceId string

@description('Remediations of one kind in an hour.')
param remediationsPerHour int

@description('Seconds for which a run holds a case.')
param leaseSeconds int

@description('Seconds to wait for a remediation to show.')
param readBackSeconds int

@description('Minutes that polls overlap.')
param pollOverlapMinutes int

@description('Minutes until a page is escalated.')
param acknowledgeMinutes int

@description('Words that differ by tenant; empty for the defaults.')
param vocabulary object

@description('How sign-ins are read: poll or off.')
param signIns string

@description('Folder of Sigma rules in the package; empty for none.')
param sigmaRules string

@description('NCRONTAB of the audit poll.')
param auditPollSchedule string

@description('NCRONTAB of the sign-in poll.')
param signInPollSchedule string

@description('NCRONTAB of the daily back-fill.')
param backfillSchedule string

@description('NCRONTAB of the snapshots.')
param snapshotSchedule string

@description('NCRONTAB of the rosters.')
param rosterSchedule string

@description('NCRONTAB of the purge of counts.')
param counterPurgeSchedule string

@description('NCRONTAB of the resume timer.')
param resumeSchedule string

@description('NCRONTAB of the counts in the workspace.')
param logCountSchedule string

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
var eventGridRules = [
  {
    name: 'event-grid'
    priority: 100
    action: 'Allow'
    tag: 'ServiceTag'
    ipAddress: 'AzureEventGrid'
  }
]

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
    publicNetworkAccess: publicNetworkAccess
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      ipSecurityRestrictionsDefaultAction: empty(operatorAddressRanges) ? 'Allow' : 'Deny'
      ipSecurityRestrictions: empty(operatorAddressRanges) ? [] : concat(eventGridRules, operatorRules)
    }
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
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

// The product's settings are those of shared/settings.py, no more and no fewer; the rest is the platform's.
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
    WORKFORCE_TENANT_ID: subscription().tenantId
    WORKFORCE_RESPONDER_ID: identityPrincipalId
    WORKFORCE_CLIENT_ID: identityClientId
    SUBSCRIPTION_IDS: join(subscriptionIds, ',')
    EMERGENCY_ACCOUNT_IDS: join(emergencyAccountIds, ',')
    PROTECTED_PRINCIPAL_IDS: join(protectedPrincipalIds, ',')
    VOCABULARY: empty(vocabulary) ? '' : string(vocabulary)
    SIGMA_RULES: sigmaRules
    B2C_TENANT_ID: b2cTenantId
    B2C_RESPONDER_ID: b2cResponderId
    B2C_CLIENT_ID: b2cClientId
    B2C_CERTIFICATE: empty(b2cTenantId) ? '' : '${secretReference}b2c-certificate)'
    TEAMS_WEBHOOK_URL: pageByTeams ? '${secretReference}teams-webhook-url)' : ''
    PAGERDUTY_ROUTING_KEY: pageByPagerDuty ? '${secretReference}pagerduty-routing-key)' : ''
    PAGERDUTY_URL: pagerDutyUrl
    CASE_LINK: caseLink
    GRAPH_URL: 'https://graph.microsoft.com'
    GRAPH_AUDIENCE: 'https://graph.microsoft.com'
    ARM_URL: environment().resourceManager
    ARM_AUDIENCE: environment().resourceManager
    AUTHORITY_URL: environment().authentication.loginEndpoint
    LOG_WORKSPACE_ID: logWorkspaceId
    LOG_ANALYTICS_URL: 'https://api.loganalytics.io'
    REMEDIATIONS_PER_HOUR: string(remediationsPerHour)
    LEASE_SECONDS: string(leaseSeconds)
    READ_BACK_SECONDS: string(readBackSeconds)
    POLL_OVERLAP_MINUTES: string(pollOverlapMinutes)
    ACKNOWLEDGE_MINUTES: string(acknowledgeMinutes)
    SIGN_INS: signIns
    AUDIT_POLL_SCHEDULE: auditPollSchedule
    SIGN_IN_POLL_SCHEDULE: signInPollSchedule
    BACKFILL_SCHEDULE: backfillSchedule
    SNAPSHOT_SCHEDULE: snapshotSchedule
    ROSTER_SCHEDULE: rosterSchedule
    COUNTER_PURGE_SCHEDULE: counterPurgeSchedule
    RESUME_SCHEDULE: resumeSchedule
    LOG_COUNT_SCHEDULE: logCountSchedule
  }
}

// Event Grid brings the host's own key instead of a token, so its path alone is left to the host.
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
      unauthenticatedClientAction: 'Return401'
      excludedPaths: [
        '/runtime/webhooks/eventgrid'
        '/runtime/webhooks/EventGrid'
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
          defaultAuthorizationPolicy: {
            allowedPrincipals: empty(operatorGroupIds) ? null : {
              groups: operatorGroupIds
            }
          }
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

output id string = app.id
output name string = app.name
output host string = app.properties.defaultHostName
