// One subscription's activity log, kept with the other logs: who changed what, also when the responder was down.
targetScope = 'subscription'

@description('Names this installation.')
param installation string

@description('Workspace for the logs.')
param workspaceId string

#disable-next-line use-recent-api-versions // there is no newer one
resource export 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'entra-responder-${installation}'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'Administrative'
        enabled: true
      }
      {
        category: 'Security'
        enabled: true
      }
      {
        category: 'Policy'
        enabled: true
      }
    ]
  }
}
