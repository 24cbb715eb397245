// What the documents recommend: everything made, nothing else said.
using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
