// What the app's identity may do with the images of the staging or the base registry.

param registryName string
param principalId string

@description('Whether the registry gives rights by repository. It then asks for the second role where the first is enough elsewhere.')
param abac bool

var roles = [
  // begin_import_image into it, and out of it where promotion, or the way back to a former digest, names it as the
  // source; get_tag_properties, to read back the digest, list_tag_properties, to compare what is there with what is
  // wanted, get_manifest_properties, to ask where a digest can still be had, what a manifest names for housekeeping,
  // and whether it is locked, list_manifest_properties, to see what lies beside it, and get_repository_properties, to
  // see whether somebody locked it all; manifests and lists of referrers are pulled, and blobs of records, by
  // download_blob. What refers to an image is imported as images are, and never pushed. It is the built-in role with no
  // more than registries/importImage/action, registries/read and registries/pull/read: it cannot push.
  { name: 'Container Registry Data Importer and Data Reader', id: '577a9874-89fd-4f24-9dbd-b5034d0ad23a' }
]
var abacRoles = [
  // The same properties, where rights are given by repository. In staging also what a gate's run pulls, which asks as
  // the caller: credentials.sourceRegistry.identity is '[caller]'.
  { name: 'Container Registry Repository Reader', id: 'b93aa761-3e63-49ed-ac28-beffa264f7ac' }
]

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in (abac ? concat(roles, abacRoles) : roles): {
    name: guid(registry.id, principalId, role.id)
    scope: registry
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]
