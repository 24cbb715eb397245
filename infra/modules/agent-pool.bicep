// A pool of agents for the runs of the staging registry: where the registry is closed, the shared ones cannot reach it.

param registryName string
param name string
param location string
param tags { *: string }

@description('Subnet of the agents; empty for none.')
param subnetId string

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource pool 'Microsoft.ContainerRegistry/registries/agentPools@2025-03-01-preview' = {
  parent: registry
  name: name
  location: location
  tags: tags
  properties: {
    count: 1
    os: 'Linux'
    // The smallest: two processors. It is paid for by the time that it is there.
    tier: 'S1'
    virtualNetworkSubnetResourceId: empty(subnetId) ? null : subnetId
  }
}
