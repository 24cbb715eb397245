// Private endpoints of everything the app reads or writes, and the names by which it finds them.

param location string
param subnetId string
param networkId string
param storageId string
param vaultId string
param registryIds array

var suffixes = environment().suffixes
// The vault's private zone differs from its public one by a syllable: .vault.azure.net, .vaultcore.azure.net.
var vaultZone = 'privatelink${replace(suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
var registryZone = 'privatelink${suffixes.acrLoginServer}'
var storageServices = ['blob', 'queue', 'table']
var storageZones = [for service in storageServices: 'privatelink.${service}.${suffixes.storage}']
var zoneNames = concat(storageZones, [vaultZone, registryZone])

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zone in zoneNames: {
  name: zone
  location: 'global'
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (zone, index) in zoneNames: {
  parent: zones[index]
  name: 'tidegate'
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: networkId }
  }
}]

module storage 'private-endpoint.bicep' = [for service in storageServices: {
  name: 'private-endpoint-${service}'
  dependsOn: [zones]
  params: {
    name: 'pe-${last(split(storageId, '/'))}-${service}'
    location: location
    subnetId: subnetId
    targetId: storageId
    service: service
    zoneName: 'privatelink.${service}.${suffixes.storage}'
  }
}]

module vault 'private-endpoint.bicep' = {
  name: 'private-endpoint-vault'
  dependsOn: [zones]
  params: {
    name: 'pe-${last(split(vaultId, '/'))}'
    location: location
    subnetId: subnetId
    targetId: vaultId
    service: 'vault'
    zoneName: vaultZone
  }
}

module registries 'private-endpoint.bicep' = [for id in registryIds: {
  name: 'private-endpoint-${last(split(id, '/'))}'
  dependsOn: [zones]
  params: {
    name: 'pe-${last(split(id, '/'))}'
    location: location
    subnetId: subnetId
    targetId: id
    service: 'registry'
    zoneName: registryZone
  }
}]
