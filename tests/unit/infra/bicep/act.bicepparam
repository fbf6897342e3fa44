// Puts back what it finds in two subscriptions, for operators at known addresses, with both channels and a B2C tenant.
using '../../../../infra/main.bicep'

param emergencyAccountIds = [
  'cccccccc-0000-4000-8000-000000000001'
  'cccccccc-0000-4000-8000-000000000002'
]
param operatorsClientId = 'dddddddd-0000-4000-8000-000000000001'
param alertEmails = [
  {
    name: 'owners of the responder'
    address: 'owners@contoso.com'
  }
]
param tier = 'act'
param watchedSubscriptionIds = [
  'bbbbbbbb-0000-4000-8000-000000000002'
]
param protectedPrincipalIds = [
  'cccccccc-0000-4000-8000-000000000003'
]
param operatorAddressRanges = [
  '203.0.113.0/24'
]
param pageByPagerDuty = true
param emergencyKeyHash = 'c0535e4be2b79ffd93291305436bf889314e4a3faec05ecffcbb7df31ad9e51a'
param oneTimeCodes = true
param emergencyCodes = '{}'
param signState = true
param stateKeys = '0000000000000000000000000000000000000000000000000000000000000000'
param hearPagerDuty = true
param b2cTenantId = 'eeeeeeee-0000-4000-8000-000000000001'
param b2cResponderId = 'eeeeeeee-0000-4000-8000-000000000002'
param b2cClientId = 'eeeeeeee-0000-4000-8000-000000000003'
