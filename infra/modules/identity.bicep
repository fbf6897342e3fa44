// The identity that the app works under. It belongs to no other resource, so the app can be made anew and keep its rights.
import * as types from 'types.bicep'

@description('Name of the identity.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags types.tags

@description('Whether to lock against deletion.')
param locks bool

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locks) {
  name: 'keep'
  scope: identity
  properties: {
    level: 'CanNotDelete'
    notes: 'Made anew it would be another principal, without any of its grants.'
  }
}

@description('Object id of the identity.')
output principalId string = identity.properties.principalId

@description('Application id of the identity.')
output clientId string = identity.properties.clientId
