// Resource ids taken apart, and what is said of a text that is none.

@export()
type registryPlace = {
  id: string
  subscription: string
  group: string
  name: string
}

@export()
type taskPlace = {
  id: string
  registryId: string
  subscription: string
  group: string
  registry: string
  name: string
}

func isId(id string, type string, parts int) bool =>
  startsWith(id, '/subscriptions/') && length(split(id, '/')) == parts && contains(
    toLower(id),
    '/providers/${toLower(type)}/'
  )

func refuse(parameter string, id string, expected string) string =>
  fail('${parameter} is "${id}", which is not the resource id that is expected: ${expected}. `az resource show --query id` prints one.')

@export()
func registryOf(parameter string, id string) registryPlace => {
  id: isId(id, 'Microsoft.ContainerRegistry/registries', 9)
    ? id
    : refuse(
        parameter,
        id,
        '/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.ContainerRegistry/registries/<name>'
      )
  subscription: split(id, '/')[?2] ?? ''
  group: split(id, '/')[?4] ?? ''
  name: last(split(id, '/'))
}

@export()
func taskOf(parameter string, id string) taskPlace => {
  id: isId(id, 'Microsoft.ContainerRegistry/registries', 11) && toLower(split(id, '/')[?9] ?? '') == 'tasks'
    ? id
    : refuse(
        parameter,
        id,
        '/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.ContainerRegistry/registries/<registry>/tasks/<name>'
      )
  registryId: join(take(split(id, '/'), 9), '/')
  subscription: split(id, '/')[?2] ?? ''
  group: split(id, '/')[?4] ?? ''
  registry: split(id, '/')[?8] ?? ''
  name: last(split(id, '/'))
}

@export()
@description('A storage account; an empty text is none.')
func accountOf(parameter string, id string) registryPlace => {
  id: empty(id) || isId(id, 'Microsoft.Storage/storageAccounts', 9)
    ? id
    : refuse(
        parameter,
        id,
        '/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.Storage/storageAccounts/<name>'
      )
  subscription: split(id, '/')[?2] ?? ''
  group: split(id, '/')[?4] ?? ''
  name: last(split(id, '/'))
}

@export()
@description('The network that a subnet is a part of.')
func networkOf(parameter string, id string) string =>
  isId(id, 'Microsoft.Network/virtualNetworks', 11)
    ? join(take(split(id, '/'), 9), '/')
    : refuse(
        parameter,
        id,
        '/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.Network/virtualNetworks/<network>/subnets/<name>'
      )

@export()
@description('Whether two resource ids, or names, mean the same.')
func same(one string, other string) bool => toLower(one) == toLower(other)
