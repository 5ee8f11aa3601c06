package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	build "github.com/fluxcd/pkg/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/fluxcd/pkg/runtime/statusreaders"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	"github.com/fluxcd/pkg/ssa/normalize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
)

// The name under which kustomize-controller writes.
const kustomizeController = "kustomize-controller"

func said(result *status.Result, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return told{Status: string(result.Status), Message: result.Message}, nil
}

// kstatus is the algorithm that Flux goes by for a kind without expressions.
func kstatus(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Object unstructured.Unstructured `json:"object"`
	}](ask)
	if err != nil {
		return nil, err
	}
	return said(status.Compute(&asked.Object))
}

// fluxHealth evaluates expressions as `spec.healthCheckExprs` of a Kustomization has them.
func fluxHealth(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Object      unstructured.Unstructured   `json:"object"`
		Expressions kustomize.CustomHealthCheck `json:"expressions"`
	}](ask)
	if err != nil {
		return nil, err
	}
	evaluator, err := cel.NewStatusEvaluator(&asked.Expressions.HealthCheckExpressions)
	if err != nil {
		return nil, err
	}
	return said(evaluator.Evaluate(context.Background(), &asked.Object))
}

// fluxJob is Flux's own reading of a Job, which differs from that of kstatus.
func fluxJob(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Object unstructured.Unstructured `json:"object"`
	}](ask)
	if err != nil {
		return nil, err
	}
	result := statusreaders.ComputeJobStatus(&asked.Object)
	return said(&result, nil)
}

// fluxApply applies objects as kustomize-controller does for a Kustomization with these rules in `spec.ignore`, and
// answers what it did to each: created, configured or unchanged.
func fluxApply(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Objects []*unstructured.Unstructured `json:"objects"`
		Ignore  []kustomizev1.IgnoreRule     `json:"ignore"`
	}](ask)
	if err != nil {
		return nil, err
	}
	connection, err := connect()
	if err != nil {
		return nil, err
	}
	if err := normalize.UnstructuredList(asked.Objects); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	owner := ssa.Owner{Field: kustomizeController, Group: kustomizev1.GroupVersion.Group}
	options := ssa.DefaultApplyOptions()
	annotation := func(name, value string) map[string]string {
		return map[string]string{kustomizev1.GroupVersion.Group + "/" + name: value}
	}
	options.ForceSelector = annotation("force", kustomizev1.EnabledValue)
	options.IfNotPresentSelector = annotation("ssa", kustomizev1.IfNotPresentValue)
	options.DriftIgnoreRules = rules(asked.Ignore)
	done, err := ssa.NewResourceManager(connection, nil, owner).ApplyAll(ctx, asked.Objects, options)
	if err != nil {
		return nil, err
	}
	actions := map[string]string{}
	for _, entry := range done.Entries {
		actions[entry.Subject] = entry.Action.String()
	}
	return actions, nil
}

// fluxBuild gives the objects that kustomize-controller would apply for a Kustomization: its `spec.path` under `root`,
// built with all that its spec changes, variables included, whose values are read from the cluster.
func fluxBuild(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Root          string                    `json:"root"`
		Kustomization unstructured.Unstructured `json:"kustomization"`
	}](ask)
	if err != nil {
		return nil, err
	}
	var typed kustomizev1.Kustomization
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(
		asked.Kustomization.Object, &typed, true); err != nil {
		return nil, err
	}
	connection, err := connect()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(asked.Root, typed.Spec.Path)
	if _, err := build.NewGenerator(asked.Root, asked.Kustomization).WriteFile(folder); err != nil {
		return nil, err
	}
	built, err := build.SecureBuild(asked.Root, folder, false)
	if err != nil {
		return nil, err
	}
	objects := []*unstructured.Unstructured{}
	for _, resource := range built.Resources() {
		if typed.Spec.PostBuild != nil {
			resource, err = build.SubstituteVariables(context.Background(), connection, asked.Kustomization, resource,
				build.SubstituteWithStrict(true))
			if err != nil {
				return nil, err
			}
		}
		text, err := resource.MarshalJSON()
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(text); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// connect gives a connection to the cluster of KUBECONFIG.
func connect() (client.Client, error) {
	cluster, err := config.GetConfig()
	if err != nil {
		return nil, err
	}
	return client.New(cluster, client.Options{})
}

// rules are the rules of a Kustomization in the words of the package that applies.
func rules(ignore []kustomizev1.IgnoreRule) []jsondiff.IgnoreRule {
	found := make([]jsondiff.IgnoreRule, len(ignore))
	for i, rule := range ignore {
		found[i].Paths = rule.Paths
		if target := rule.Target; target != nil {
			found[i].Selector = &jsondiff.Selector{
				Group: target.Group, Version: target.Version, Kind: target.Kind,
				Name: target.Name, Namespace: target.Namespace,
				AnnotationSelector: target.AnnotationSelector, LabelSelector: target.LabelSelector,
			}
		}
	}
	return found
}
