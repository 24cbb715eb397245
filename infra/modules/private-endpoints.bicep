// Private endpoints of everything the app reads or writes, and the names by which it finds them.

param location string
param tags { *: string }
param subnetId string
param networkId string

@description('Resource group with the private zones, which its owner links to the network; empty makes the zones here.')
param zoneGroupId string

param storageId string
param vaultId string
param registryIds string[]

@description('Whether the app will have an endpoint too. It is made after the app; its zone is made here.')
param withSites bool

var suffixes = environment().suffixes
// The vault's private zone differs from its public one by a syllable: .vault.azure.net, .vaultcore.azure.net.
var vaultZone = 'privatelink${replace(suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
var registryZone = 'privatelink${suffixes.acrLoginServer}'
// No function tells the domain of apps.
var sitesZones = {
  AzureCloud: 'privatelink.azurewebsites.net'
  AzureUSGovernment: 'privatelink.azurewebsites.us'
  AzureChinaCloud: 'privatelink.chinacloudsites.cn'
}
var sitesZone = sitesZones[environment().name]
var storageServices = ['blob', 'queue', 'table']
var storageZones = [for service in storageServices: 'privatelink.${service}.${suffixes.storage}']
var zoneNames = concat(storageZones, [vaultZone, registryZone], withSites ? [sitesZone] : [])
var ownZones = empty(zoneGroupId)
var zonesIn = '${ownZones ? resourceGroup().id : zoneGroupId}/providers/Microsoft.Network/privateDnsZones'

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: if (ownZones) {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneNames: if (ownZones) {
    parent: zones[index]
    name: 'tidegate'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: networkId }
    }
  }
]

module storage 'private-endpoint.bicep' = [
  for service in storageServices: {
    dependsOn: [zones]
    params: {
      name: 'pe-${last(split(storageId, '/'))}-${service}'
      location: location
      tags: tags
      subnetId: subnetId
      targetId: storageId
      service: service
      zoneId: '${zonesIn}/privatelink.${service}.${suffixes.storage}'
    }
  }
]

module vault 'private-endpoint.bicep' = {
  dependsOn: [zones]
  params: {
    name: 'pe-${last(split(vaultId, '/'))}'
    location: location
    tags: tags
    subnetId: subnetId
    targetId: vaultId
    service: 'vault'
    zoneId: '${zonesIn}/${vaultZone}'
  }
}

module registries 'private-endpoint.bicep' = [
  for id in registryIds: {
    dependsOn: [zones]
    params: {
      name: 'pe-${last(split(id, '/'))}'
      location: location
      tags: tags
      subnetId: subnetId
      targetId: id
      service: 'registry'
      zoneId: '${zonesIn}/${registryZone}'
    }
  }
]

output sitesZoneId string = '${zonesIn}/${sitesZone}'
