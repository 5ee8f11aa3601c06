module steerer.example/tools/gitops-crds

go 1.26.3

require (
	github.com/argoproj/argo-cd/v3 v3.5.7 // indirect
	github.com/argoproj/argo-workflows/v4 v4.0.5 // indirect
	github.com/fluxcd/kustomize-controller v1.9.6 // indirect
)
