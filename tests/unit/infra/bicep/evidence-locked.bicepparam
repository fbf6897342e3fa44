// Evidence can't be changed by anybody.
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
param evidenceLock = 'Locked'
