// The subscription deployed to is among the watched, twice and in another spelling; so is a further one.
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
param watchedSubscriptionIds = [
  'BBBBBBBB-0000-4000-8000-000000000001'
  'bbbbbbbb-0000-4000-8000-000000000001'
  'bbbbbbbb-0000-4000-8000-000000000002'
  'BBBBBBBB-0000-4000-8000-000000000002'
]
