// The app's network: a subnet it sends from, one with the private endpoints, one with the agents of a pool if there is
// one, and one address towards the internet, where Docker Hub and MCR are.

param name string
param location string
param tags { *: string }
param addressSpace string
param appPrefix string
param endpointPrefix string

@description('Empty for no agents.')
param agentPrefix string

resource address 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: 'pip-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource gateway 'Microsoft.Network/natGateways@2025-05-01' = {
  name: 'ng-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: {
    publicIpAddresses: [{ id: address.id }]
  }
}

// Nothing is let in but what the platform's defaults let in: calls from within the network.
resource closed 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: { securityRules: [] }
}

var agents = [
  {
    name: 'agents'
    properties: {
      addressPrefix: agentPrefix
      defaultOutboundAccess: false
      natGateway: { id: gateway.id }
      networkSecurityGroup: { id: closed.id }
    }
  }
]
var subnets = [
  {
    name: 'app'
    properties: {
      addressPrefix: appPrefix
      defaultOutboundAccess: false
      natGateway: { id: gateway.id }
      networkSecurityGroup: { id: closed.id }
      // What Flex Consumption wants.
      delegations: [
        { name: 'functions', properties: { serviceName: 'Microsoft.App/environments' } }
      ]
    }
  }
  {
    name: 'endpoints'
    properties: {
      addressPrefix: endpointPrefix
      defaultOutboundAccess: false
      networkSecurityGroup: { id: closed.id }
    }
  }
]

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressSpace] }
    subnets: empty(agentPrefix) ? subnets : concat(subnets, agents)
  }
}
