package main

import (
	"encoding/json"

	"github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	"github.com/argoproj/argo-workflows/v4/workflow/templateresolution"
	"github.com/argoproj/argo-workflows/v4/workflow/validate"
)

// argoLint is `argo lint` for a WorkflowTemplate that refers to no other: each template, parameter and artifact that is
// named in it has to be there. It answers nothing, or fails.
func argoLint(ask json.RawMessage) (any, error) {
	asked, err := read[struct {
		Template v1alpha1.WorkflowTemplate `json:"template"`
	}](ask)
	if err != nil {
		return nil, err
	}
	return nil, validate.ValidateWorkflowTemplate(logging.InitLoggerInContext(),
		&templateresolution.NullWorkflowTemplateNamespacedGetter{},
		&templateresolution.NullClusterWorkflowTemplateGetter{},
		&asked.Template, nil, validate.ValidateOpts{Lint: true})
}
