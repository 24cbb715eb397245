// The key that signs records of decisions, and what the app's identity may do with it: read its public part, and sign.
// It is one key, and no other of the vault. The private key never leaves it.

param vaultName string
param principalId string

@description('Part of the role\'s name.')
param deploymentName string

var groupId = resourceGroup().id

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName
}

// One that is there stays as it is, with all its versions: `az keyvault key rotate` makes the next one.
resource key 'Microsoft.KeyVault/vaults/keys@2025-05-01' = {
  parent: vault
  name: 'records'
  properties: {
    kty: 'EC'
    curveName: 'P-256'
    keyOps: ['sign', 'verify']
  }
}

resource signer 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(vault.id, deploymentName, 'tidegate-records')
  properties: {
    roleName: 'Tidegate records by ${vaultName} (${deploymentName})'
    description: 'Signs by one key and reads its public part; changes and backs up none.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        dataActions: [
          'Microsoft.KeyVault/vaults/keys/read' // newest
          'Microsoft.KeyVault/vaults/keys/sign/action' // sign
        ]
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(key.id, principalId, deploymentName, 'tidegate-records')
  scope: key
  properties: {
    roleDefinitionId: signer.id
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output keyUri string = key.properties.keyUri
