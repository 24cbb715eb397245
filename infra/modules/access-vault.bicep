// What the app's identity may do with the vault.

param vaultName string
param principalId string

var roles = [
  // The platform reads the two secrets on the app's behalf, for the references in its settings.
  { name: 'Key Vault Secrets User', id: '4633458b-17de-408a-b874-0445c86b69e6' }
]

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    name: guid(vault.id, principalId, role.id)
    scope: vault
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]
