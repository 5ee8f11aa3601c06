package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
)

// operation is where a sync operation stands: what Argo CD keeps in an Application between two looks at the cluster.
type operation struct {
	Phase   common.OperationPhase       `json:"phase"`
	Message string                      `json:"message"`
	Results []common.ResourceSyncResult `json:"results"`
	Started time.Time                   `json:"started"`
}

// argocdSync takes a sync operation of an Application one step on, as its controller does at each look at the cluster,
// or ends it as somebody asked it to, and answers where it stands then. Without an operation a new one begins. `objects`
// is what Git has, hooks included.
func argocdSync(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Application v1alpha1.Application         `json:"application"`
		Objects     []*unstructured.Unstructured `json:"objects"`
		Namespace   string                       `json:"namespace"`
		Operation   *operation                   `json:"operation"`
		Terminate   bool                         `json:"terminate"`
	}](ask)
	if err != nil {
		return nil, err
	}
	known, err := overrides(asked.Namespace)
	if err != nil {
		return nil, err
	}
	connection, err := connect()
	if err != nil {
		return nil, err
	}
	live, err := living(connection, asked.Objects)
	if err != nil {
		return nil, err
	}
	result := sync.Reconcile(asked.Objects, live, "", scopes{connection.RESTMapper()})
	settings, err := comparison(asked.Application, known)
	if err != nil {
		return nil, err
	}
	differences, err := argodiff.StateDiffs(result.Live, result.Target, settings)
	if err != nil {
		return nil, err
	}
	at := asked.Operation
	if at == nil {
		at = &operation{Phase: common.OperationRunning, Started: time.Now()}
	}
	choices := asked.Application.Spec.SyncPolicy.SyncOptions
	cluster, err := config.GetConfig()
	if err != nil {
		return nil, err
	}
	step, cleanup, err := sync.NewSyncContext("", result, cluster, cluster,
		&kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}, "",
		sync.WithLogr(logr.Discard()),
		sync.WithHealthOverride(lua.ResourceHealthOverrides(known)),
		sync.WithInitialState(at.Phase, at.Message, at.Results, metav1.NewTime(at.Started)),
		sync.WithResourceModificationChecker(choices.HasOption("ApplyOutOfSyncOnly=true"), differences))
	if err != nil {
		return nil, err
	}
	defer cleanup()
	if asked.Terminate {
		step.Terminate()
	} else {
		step.Sync()
	}
	at.Phase, at.Message, at.Results = step.GetState()
	return at, nil
}

// living reads from the cluster what of these objects is there.
func living(connection client.Client, objects []*unstructured.Unstructured) (
	map[kube.ResourceKey]*unstructured.Unstructured, error,
) {
	found := map[kube.ResourceKey]*unstructured.Unstructured{}
	for _, object := range objects {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(object.GroupVersionKind())
		err := connection.Get(context.Background(), client.ObjectKeyFromObject(object), live)
		switch {
		case err == nil:
			found[kube.GetResourceKey(live)] = live
		case !errors.IsNotFound(err):
			return nil, err
		}
	}
	return found, nil
}

// scopes says what kinds are namespaced, as the server does.
type scopes struct{ mapper meta.RESTMapper }

func (s scopes) IsNamespaced(kind schema.GroupKind) (bool, error) {
	mapping, err := s.mapper.RESTMapping(kind)
	if err != nil {
		return false, err
	}
	return mapping.Scope.Name() == meta.RESTScopeNameNamespace, nil
}
