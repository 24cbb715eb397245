// Pushes into the base registry, put into a queue of the app's storage account by Event Grid. Nobody calls the app, and
// nothing has a key or a secret. docs/decisions/0010-event-grid-fills-a-queue.md says why so.

param registryName string

@description('Of the registry: its system topic must stand in the same.')
param location string

param tags { *: string }

@description('The system topic that the registry has already, with an identity of the system; empty makes one. A registry has one at most.')
param topicName string

param storageId string

var create = empty(topicName)
var name = create ? 'tidegate-${uniqueString(registry.id)}' : topicName
var storageParts = split(storageId, '/')
var queueName = 'imports'
var containerName = 'undelivered'

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource made 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (create) {
  name: name
  location: location
  tags: tags
  // With no other kind of identity may Event Grid pass the storage account's firewall.
  identity: { type: 'SystemAssigned' }
  properties: {
    source: registry.id
    topicType: 'Microsoft.ContainerRegistry.Registries'
  }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: name
}

module access 'access-events.bicep' = {
  scope: resourceGroup(storageParts[2], storageParts[4])
  params: {
    storageName: storageParts[8]
    queueName: queueName
    containerName: containerName
    // The registry's topic is somebody else's where it was there; its identity is known only then.
    #disable-next-line what-if-short-circuiting
    principalId: create ? made!.identity.principalId : topic.identity.principalId
  }
}

resource pushes 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  // Several deployments may listen to one registry.
  name: 'tidegate-${uniqueString(storageId)}'
  dependsOn: [made, access]
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: ['Microsoft.ContainerRegistry.ImagePushed', 'Microsoft.ContainerRegistry.ImageDeleted']
    }
    // A day of tries, which are Event Grid's own defaults; what is left then is kept as a blob.
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: storageId
          queueName: queueName
          // For ever, as all messages but checks: an app that is away for a week catches up.
          queueMessageTimeToLiveInSeconds: -1
        }
      }
    }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storageId
          blobContainerName: containerName
        }
      }
    }
  }
}
