module steerer.example/tools/notifications

go 1.26.3

require (
	github.com/argoproj/argo-cd/v3 v3.5.7
	github.com/argoproj/notifications-engine v0.5.1-0.20260503100631-0cff13b8a717
	sigs.k8s.io/yaml v1.6.0
)

require (
	github.com/expr-lang/expr v1.17.8 // indirect
	github.com/sirupsen/logrus v1.9.4 // indirect
	go.yaml.in/yaml/v2 v2.4.4 // indirect
	golang.org/x/sys v0.48.0 // indirect
)
