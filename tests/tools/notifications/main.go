// Says what Argo CD and Flux make of what they are told of a release, by their own code.
//
// It reads {"catalog": the ConfigMap of Argo CD's notifications as YAML, "asked": [{"trigger": name, "app": Application}]},
// and answers for each trigger what would be sent, and once per what. Or it reads {"notice": an event}, and answers what
// Flux's notification-controller reads of it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	exprstrings "github.com/argoproj/argo-cd/v3/util/notification/expression/strings"
	"github.com/argoproj/argo-cd/v3/util/notification/expression/time"
	"github.com/argoproj/notifications-engine/pkg/triggers"
	eventv1 "github.com/fluxcd/pkg/apis/event/v1beta1"
	"sigs.k8s.io/yaml"
)

type question struct {
	Trigger string         `json:"trigger"`
	App     map[string]any `json:"app"`
}

type answer struct {
	Send []string `json:"send"`
	Once string   `json:"once"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var input struct {
		Catalog string         `json:"catalog"`
		Asked   []question     `json:"asked"`
		Notice  *eventv1.Event `json:"notice"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		return err
	}
	if input.Notice != nil {
		return json.NewEncoder(os.Stdout).Encode(input.Notice)
	}
	service, err := catalog(input.Catalog)
	if err != nil {
		return err
	}
	answers := make([]answer, 0, len(input.Asked))
	for _, asked := range input.Asked {
		// What Argo CD has in an expression, but for `repo`, which needs its repository server.
		vars := map[string]any{"app": asked.App, "time": time.NewExprs(), "strings": exprstrings.NewExprs()}
		results, err := service.Run(asked.Trigger, vars)
		if err != nil {
			return fmt.Errorf("%s: %w", asked.Trigger, err)
		}
		told := answer{Send: []string{}}
		for _, result := range results {
			if result.Triggered {
				told.Send = append(told.Send, result.Templates...)
				told.Once = result.OncePer
			}
		}
		answers = append(answers, told)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func catalog(text string) (triggers.Service, error) {
	var configMap struct {
		Data map[string]string `json:"data"`
	}
	if err := yaml.Unmarshal([]byte(text), &configMap); err != nil {
		return nil, err
	}
	known := map[string][]triggers.Condition{}
	for key, value := range configMap.Data {
		name, isTrigger := strings.CutPrefix(key, "trigger.")
		if !isTrigger {
			continue
		}
		var conditions []triggers.Condition
		if err := yaml.Unmarshal([]byte(value), &conditions); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		known[name] = conditions
	}
	return triggers.NewService(known)
}
