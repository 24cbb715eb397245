// A network and private zones that are there already; nobody's agents, so the staging registry stays open.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param privateNetworking = true
param appSubnetId = '/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/spoke/subnets/functions'
param endpointSubnetId = '/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/spoke/subnets/endpoints'
param privateDnsZoneGroupId = '/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-dns'
