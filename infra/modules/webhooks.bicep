// Webhooks of the base registry, one in each of its regions: a webhook hears only of pushes and deletions in its own.

param registryName string
param registryLocation string

@description('The registry\'s further regions.')
param replicaLocations string[]

@description('Part of the webhooks\' names: several deployments may listen to one registry.')
param token string

param tags { *: string }
param functionAppId string
param functionAppHost string

@secure()
param secret string

// The function's own key, which opens no other; it exists from the app's first publication on. In a header, because
// addresses end in telemetry.
var headers = {
  'x-functions-key': listKeys('${functionAppId}/functions/acr_webhook', '2025-03-01').default
  'x-tidegate-secret': secret
}
// An address with a key in it would be a secret; this one has none.
var address = 'https://${functionAppHost}/api/webhooks/acr'

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource home 'Microsoft.ContainerRegistry/registries/webhooks@2025-11-01' = {
  parent: registry
  name: 'tidegate${token}'
  location: registryLocation
  tags: tags
  properties: {
    status: 'enabled'
    actions: ['push', 'delete']
    scope: ''
    #disable-next-line use-secure-value-for-secure-inputs
    serviceUri: address
    customHeaders: headers
  }
}

resource replicas 'Microsoft.ContainerRegistry/registries/webhooks@2025-11-01' = [
  for place in replicaLocations: {
    parent: registry
    name: 'tidegate${token}${toLower(replace(place, ' ', ''))}'
    location: place
    tags: tags
    properties: {
      status: 'enabled'
      actions: ['push', 'delete']
      scope: ''
      #disable-next-line use-secure-value-for-secure-inputs
      serviceUri: address
      customHeaders: headers
    }
  }
]
