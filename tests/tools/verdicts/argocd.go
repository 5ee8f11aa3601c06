package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	jsonpatch "github.com/evanphx/json-patch"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
)

// managers read the argocd-cm of a namespace each, and watch it until they are forgotten.
var (
	managers = map[string]*settings.SettingsManager{}
	watching []context.CancelFunc
)

// forget lets the next look at an argocd-cm be one at what it says then.
func forget() {
	for _, end := range watching {
		end()
	}
	clear(managers)
	watching = nil
}

// overrides reads what the argocd-cm of a namespace says of resources, as Argo CD does: a key that it would not
// understand counts for nothing here either.
func overrides(namespace string) (map[string]v1alpha1.ResourceOverride, error) {
	if managers[namespace] == nil {
		cluster, err := config.GetConfig()
		if err != nil {
			return nil, err
		}
		connection, err := kubernetes.NewForConfig(cluster)
		if err != nil {
			return nil, err
		}
		ctx, end := context.WithCancel(context.Background())
		watching = append(watching, end)
		managers[namespace] = settings.NewSettingsManager(ctx, connection, namespace)
	}
	return managers[namespace].GetResourceOverrides()
}

// argocdHealth gives the health that Argo CD shows, with the argocd-cm of `namespace`.
// No health at all (a kind that it does not know) has an empty status.
func argocdHealth(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Object    unstructured.Unstructured `json:"object"`
		Namespace string                    `json:"namespace"`
	}](ask)
	if err != nil {
		return nil, err
	}
	known, err := overrides(asked.Namespace)
	if err != nil {
		return nil, err
	}
	found, err := health.GetResourceHealth(&asked.Object, lua.ResourceHealthOverrides(known))
	if err != nil || found == nil {
		return told{}, err
	}
	return told{Status: string(found.Status), Message: found.Message}, nil
}

// argocdOffers gives the actions on an object that Argo CD lists, with the argocd-cm of `namespace`: by the name of each,
// whether it can be chosen.
func argocdOffers(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Object    unstructured.Unstructured `json:"object"`
		Namespace string                    `json:"namespace"`
	}](ask)
	if err != nil {
		return nil, err
	}
	known, err := overrides(asked.Namespace)
	if err != nil {
		return nil, err
	}
	vm := lua.VM{ResourceOverrides: known}
	scripts, err := vm.GetResourceActionDiscovery(&asked.Object)
	if err != nil {
		return nil, err
	}
	found, err := vm.ExecuteResourceActionDiscovery(&asked.Object, scripts)
	if err != nil {
		return nil, err
	}
	offers := map[string]bool{}
	for _, action := range found {
		offers[action.Name] = !action.Disabled
	}
	return offers, nil
}

// argocdAction runs an action on an object, and gives the merge patch that Argo CD sends to the cluster.
func argocdAction(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Object    unstructured.Unstructured `json:"object"`
		Namespace string                    `json:"namespace"`
		Action    string                    `json:"action"`
	}](ask)
	if err != nil {
		return nil, err
	}
	known, err := overrides(asked.Namespace)
	if err != nil {
		return nil, err
	}
	vm := lua.VM{ResourceOverrides: known}
	definition, err := vm.GetResourceAction(&asked.Object, asked.Action)
	if err != nil {
		return nil, err
	}
	written, err := vm.ExecuteResourceAction(&asked.Object, definition.ActionLua, nil)
	if err != nil {
		return nil, err
	}
	if len(written) != 1 || written[0].K8SOperation != lua.PatchOperation {
		return nil, fmt.Errorf("%s is not a patch of one object", asked.Action)
	}
	from, err := asked.Object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	to, err := written[0].UnstructuredObj.MarshalJSON()
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.CreateMergePatch(from, to)
	return json.RawMessage(patch), err
}

// argocdDiff compares an object of Git with the live one under the `ignoreDifferences` of an Application, and answers
// whether it is out of sync, and what a sync would send to the cluster.
func argocdDiff(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Application v1alpha1.Application      `json:"application"`
		Git         unstructured.Unstructured `json:"git"`
		Live        unstructured.Unstructured `json:"live"`
		Namespace   string                    `json:"namespace"`
	}](ask)
	if err != nil {
		return nil, err
	}
	known, err := overrides(asked.Namespace)
	if err != nil {
		return nil, err
	}
	settings, err := comparison(asked.Application, known)
	if err != nil {
		return nil, err
	}
	difference, err := argodiff.StateDiff(asked.Live.DeepCopy(), asked.Git.DeepCopy(), settings)
	if err != nil {
		return nil, err
	}
	sent := &asked.Git
	policy := asked.Application.Spec.SyncPolicy
	if policy != nil && policy.SyncOptions.HasOption("RespectIgnoreDifferences=true") {
		sent, err = respecting(&asked.Git, &asked.Live, settings)
	}
	return map[string]any{"outOfSync": difference.Modified, "sent": sent}, err
}

// comparison is how Argo CD compares what an Application has in Git with what is there.
func comparison(application v1alpha1.Application, known map[string]v1alpha1.ResourceOverride) (argodiff.DiffConfig, error) {
	return argodiff.NewDiffConfigBuilder().
		WithDiffSettings(application.Spec.IgnoreDifferences, known, true, normalizers.IgnoreNormalizerOpts{}).
		WithTracking("app.kubernetes.io/instance", string(v1alpha1.TrackingMethodAnnotation)).
		WithNoCache().
		Build()
}

// respecting is what RespectIgnoreDifferences makes of Git's object: what is ignored is taken out of it, and then put in
// from the live one by a merge patch, which for a custom resource takes a list as a whole. Argo CD keeps this one step to
// itself (normalizeTargetResources in controller/sync.go); what it is made of is Argo CD's, and is called here.
func respecting(git, live *unstructured.Unstructured, settings argodiff.DiffConfig) (*unstructured.Unstructured, error) {
	lives, gits := []*unstructured.Unstructured{live.DeepCopy()}, []*unstructured.Unstructured{git.DeepCopy()}
	normalized, err := argodiff.Normalize(lives, gits, settings)
	if err != nil {
		return nil, err
	}
	var documents [3][]byte
	for i, object := range []*unstructured.Unstructured{normalized.Lives[0], live, normalized.Targets[0]} {
		if documents[i], err = object.MarshalJSON(); err != nil {
			return nil, err
		}
	}
	merged, err := merge(git, documents[0], documents[1], documents[2])
	if err != nil {
		return nil, err
	}
	sent := &unstructured.Unstructured{}
	return sent, sent.UnmarshalJSON(merged)
}

// merge patches target by what leads from one document to another: strategically where Kubernetes knows the kind.
func merge(kind *unstructured.Unstructured, from, to, target []byte) ([]byte, error) {
	typed, err := scheme.Scheme.New(kind.GroupVersionKind())
	if err != nil {
		patch, err := jsonpatch.CreateMergePatch(from, to)
		if err != nil {
			return nil, err
		}
		return jsonpatch.MergePatch(target, patch)
	}
	lookup, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(to, to, from, lookup, true)
	if err != nil {
		return nil, err
	}
	return strategicpatch.StrategicMergePatch(target, patch, typed)
}
