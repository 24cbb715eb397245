// One private endpoint, and its addresses in the private zone.

param name string
param location string
param tags { *: string }
param subnetId string
param targetId string
param zoneId string

@description('Which of the target\'s services: blob, queue, table, vault, registry or sites.')
param service string

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      { name: service, properties: { privateLinkServiceId: targetId, groupIds: [service] } }
    ]
  }
}

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      { name: service, properties: { privateDnsZoneId: zoneId } }
    ]
  }
}
