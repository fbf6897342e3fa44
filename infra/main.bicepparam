// Values of one installation, read from the environment: `azd env set NAME value`, or `export NAME=value` for plain az.
// What isn't here keeps its default in main.bicep. Secrets are needed once; leave their variables unset afterwards.
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'prod')
param storageSku = readEnvironmentVariable('STORAGE_SKU', 'Standard_ZRS')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tier = readEnvironmentVariable('RESPONDER_TIER', 'watch')

// Lists are separated by commas.
param emergencyAccountIds = filter(split(readEnvironmentVariable('EMERGENCY_ACCOUNT_IDS'), ','), id => !empty(id))
param protectedPrincipalIds = filter(
  split(readEnvironmentVariable('PROTECTED_PRINCIPAL_IDS', ''), ','),
  id => !empty(id)
)
param existingTopicIds = filter(split(readEnvironmentVariable('EXISTING_TOPIC_IDS', ''), ','), id => !empty(id))
param watchedSubscriptionIds = filter(
  split(readEnvironmentVariable('WATCHED_SUBSCRIPTION_IDS', ''), ','),
  id => !empty(id)
)

param operatorsClientId = readEnvironmentVariable('OPERATORS_CLIENT_ID')
param alertEmails = [
  {
    name: 'owners of the responder'
    address: readEnvironmentVariable('ALERT_EMAIL')
  }
]

param pageByTeams = bool(readEnvironmentVariable('PAGE_BY_TEAMS', 'true'))
param teamsWebhookUrl = readEnvironmentVariable('TEAMS_WEBHOOK_URL', '')
param pageByPagerDuty = bool(readEnvironmentVariable('PAGE_BY_PAGERDUTY', 'false'))
param pagerDutyRoutingKey = readEnvironmentVariable('PAGERDUTY_ROUTING_KEY', '')
param hearPagerDuty = bool(readEnvironmentVariable('HEAR_PAGERDUTY', 'false'))
param pagerDutyWebhookSecrets = readEnvironmentVariable('PAGERDUTY_WEBHOOK_SECRETS', '')

param emergencyKeyHash = readEnvironmentVariable('EMERGENCY_KEY_HASH', '')
param emergencyOperators = readEnvironmentVariable('EMERGENCY_OPERATORS', '')
param emergencyGenesis = readEnvironmentVariable('EMERGENCY_GENESIS', '')
param oneTimeCodes = bool(readEnvironmentVariable('ONE_TIME_CODES', 'false'))
param emergencyCodes = readEnvironmentVariable('EMERGENCY_CODES', '')
param signState = bool(readEnvironmentVariable('SIGN_STATE', 'false'))
param stateKeys = readEnvironmentVariable('STATE_KEYS', '')
param supportContact = readEnvironmentVariable('SUPPORT_CONTACT', '')
param supportPhone = readEnvironmentVariable('SUPPORT_PHONE', '')
param sealedCredential = readEnvironmentVariable('SEALED_CREDENTIAL', '')
param emergencyPhones = readEnvironmentVariable('EMERGENCY_PHONES', '')

param b2cTenantId = readEnvironmentVariable('B2C_TENANT_ID', '')
param b2cResponderId = readEnvironmentVariable('B2C_RESPONDER_ID', '')
param b2cClientId = readEnvironmentVariable('B2C_CLIENT_ID', '')

param auditStream = bool(readEnvironmentVariable('AUDIT_STREAM', 'false'))
param signInWorkspaceId = readEnvironmentVariable('SIGN_IN_WORKSPACE_ID', '')
param vocabulary = readEnvironmentVariable('VOCABULARY', '')
param evidenceDays = int(readEnvironmentVariable('EVIDENCE_DAYS', '365'))
param evidenceLock = readEnvironmentVariable('EVIDENCE_LOCK', 'Unlocked')
param heartbeats = bool(readEnvironmentVariable('RESPONDER_HEARTBEATS', 'true'))
param locks = bool(readEnvironmentVariable('RESPONDER_LOCKS', 'true'))

// Functions that don't wait for a cold start; `none` for none.
param alwaysReadyFunctions = filter(
  split(
    readEnvironmentVariable(
      'ALWAYS_READY_FUNCTIONS',
      readEnvironmentVariable('RESPONDER_TIER', 'watch') == 'act' ? 'subscription_events,answer_case' : 'none'
    ),
    ','
  ),
  name => !empty(name) && name != 'none'
)
