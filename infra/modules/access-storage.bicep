// What the app's identity may do with the storage account.

param storageName string
param principalId string

var roles = [
  // The host: locks of timers and its keys, in containers that it makes. The package, which is read at the start.
  // The app: download_blob, upload_blob, list_blobs, delete_blob, create_container; get_blob_client asks nobody.
  { name: 'Storage Blob Data Owner', id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b' }
  // The host: receiving, hiding and deleting messages, and filling poison queues. The app: send_message, create_queue, and
  // of poison queues receive_messages, delete_message.
  { name: 'Storage Queue Data Contributor', id: '974c5e8b-45b9-4653-ba55-5f855dd0fb88' }
  // The app: get_entity, query_entities, list_entities, create_entity, update_entity, delete_entity, submit_transaction,
  // create_table.
  { name: 'Storage Table Data Contributor', id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3' }
]

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    name: guid(account.id, principalId, role.id)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]
