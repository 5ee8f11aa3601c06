// Command verdicts says what Flux, Argo CD and Argo Workflows make of objects, each by its own code, so that no test has
// to guess.
//
// Standard input has JSON lists of {"by": JUDGE, "ask": {...}}, one after the other. Each is answered on standard output
// by a line with a list of {"answer": ..., "error": "..."} in the same order, and nothing is remembered from one to the
// next. The judges are the rows of the table below. Those that look into a cluster find it by KUBECONFIG.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type judge func(ask json.RawMessage) (any, error)

var judges = map[string]judge{
	"kstatus":       kstatus,
	"flux-health":   fluxHealth,
	"flux-job":      fluxJob,
	"flux-build":    fluxBuild,
	"flux-apply":    fluxApply,
	"argocd-health": argocdHealth,
	"argocd-offers": argocdOffers,
	"argocd-action": argocdAction,
	"argocd-diff":   argocdDiff,
	"argocd-sync":   argocdSync,
	"argo-lint":     argoLint,
}

type question struct {
	By  string          `json:"by"`
	Ask json.RawMessage `json:"ask"`
}

type verdict struct {
	Answer any    `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
}

// told is what every judge of health answers.
type told struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	questions, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var asked []question
		if err := questions.Decode(&asked); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		verdicts, err := judged(asked)
		if err != nil {
			return err
		}
		if err := answers.Encode(verdicts); err != nil {
			return err
		}
	}
}

func judged(questions []question) ([]verdict, error) {
	defer forget()
	verdicts := make([]verdict, len(questions))
	for i, question := range questions {
		judge, known := judges[question.By]
		if !known {
			return nil, fmt.Errorf("[%d].by: there is no judge %q", i, question.By)
		}
		answer, err := judge(question.Ask)
		verdicts[i].Answer = answer
		if err != nil {
			verdicts[i] = verdict{Error: err.Error()}
		}
	}
	return verdicts, nil
}

// read decodes what a judge is asked, and refuses what it would not look at.
func read[T any](ask json.RawMessage) (T, error) {
	var into T
	decoder := json.NewDecoder(bytes.NewReader(ask))
	decoder.DisallowUnknownFields()
	return into, decoder.Decode(&into)
}
