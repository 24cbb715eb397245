// Webhooks of the base registry, one in each of its regions: a webhook hears only the pushes of its own.

param registryName string
param locations array
param functionAppId string
param functionAppHost string

@secure()
param secret string

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource webhooks 'Microsoft.ContainerRegistry/registries/webhooks@2025-11-01' = [for place in locations: {
  parent: registry
  name: 'tidegate${toLower(replace(place, ' ', ''))}'
  location: place
  properties: {
    status: 'enabled'
    actions: ['push']
    scope: ''
    // That function's own key, which opens no other; it exists from the app's first publication on.
    serviceUri: 'https://${functionAppHost}/api/webhooks/acr?code=${uriComponent(listKeys('${functionAppId}/functions/acr_webhook', '2024-04-01').default)}'
    customHeaders: { 'x-tidegate-secret': secret }
  }
}]
