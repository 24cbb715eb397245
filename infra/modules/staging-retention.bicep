// Clears the staging registry: what was promoted or rejected long ago is of no more use there. Retention policies know
// only untagged manifests, so tags are purged by a task, in every tier.

param registryName string
param location string
param days int

var steps = '''
version: v1.1.0
steps:
  - cmd: acr purge --filter '.*:.*' --ago {0}d --untagged
    disableWorkingDirectoryOverride: true
    timeout: 3600
'''

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource purge 'Microsoft.ContainerRegistry/registries/tasks@2025-03-01-preview' = {
  parent: registry
  name: 'tidegate-purge'
  location: location
  properties: {
    status: 'Enabled'
    platform: { os: 'Linux', architecture: 'amd64' }
    timeout: 3600
    step: {
      type: 'EncodedTask'
      encodedTaskContent: base64(format(steps, days))
    }
    trigger: {
      timerTriggers: [
        { name: 'daily', schedule: '0 3 * * *', status: 'Enabled' }
      ]
    }
  }
}
