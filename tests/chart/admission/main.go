// Evaluates a chart's ValidatingAdmissionPolicies on requests as a Kubernetes API server does: its expressions, with the
// functions that a 1.30 server offers them.
//
//	admission MANIFESTS CASES
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"gopkg.in/yaml.v3"
)

type object = map[string]interface{}

// Named is an expression of a validation or a variable.
type named struct {
	Name, Expression, Message string
	MessageExpression         string `yaml:"messageExpression"`
}

type policy struct {
	Kind string
	Spec struct {
		FailurePolicy    string `yaml:"failurePolicy"`
		MatchConstraints struct {
			ResourceRules []struct{ Operations, Resources []string } `yaml:"resourceRules"`
		} `yaml:"matchConstraints"`
		MatchConditions []named `yaml:"matchConditions"`
		Variables       []named
		Validations     []named
	}
}

// A request of the table, as merge patches to `request` and `node`.
type testCase struct {
	Name    string
	Request object
	Before  object
	Patch   object
	Denied  string // a part of the message; empty: admitted
}

type table struct {
	Request object // as in an AdmissionReview
	Node    object
	Cases   []testCase
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// RFC 7386, on a copy.
func merged(target, patch object) object {
	out := object{}
	for key, value := range target {
		out[key] = value
	}
	for key, value := range patch {
		inner, isMap := value.(object)
		if value == nil {
			delete(out, key)
		} else if before, present := out[key].(object); isMap && present {
			out[key] = merged(before, inner)
		} else {
			out[key] = value
		}
	}
	return out
}

func readPolicies(file string) []policy {
	in, err := os.Open(file)
	check(err)
	defer in.Close()
	decoder := yaml.NewDecoder(in)
	var policies []policy
	for {
		var document policy
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return policies
		}
		check(err)
		if document.Kind == "ValidatingAdmissionPolicy" {
			policies = append(policies, document)
		}
	}
}

func contains(list []string, wanted string) bool {
	for _, each := range list {
		if each == wanted {
			return true
		}
	}
	return false
}

// Whether the policy's rules cover the request's resource and operation.
func constrained(p policy, request object) bool {
	resource := request["resource"].(object)["resource"].(string)
	if sub, present := request["subResource"].(string); present {
		resource += "/" + sub
	}
	for _, rule := range p.Spec.MatchConstraints.ResourceRules {
		if contains(rule.Operations, request["operation"].(string)) && contains(rule.Resources, resource) {
			return true
		}
	}
	return false
}

type evaluator struct {
	env *cel.Env
	at  object
}

func newEvaluator(request object, before, after interface{}) evaluator {
	env, err := cel.NewEnv(cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType),
		cel.Variable("request", cel.DynType), cel.Variable("variables", cel.DynType), cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(2)), ext.Sets())
	check(err)
	return evaluator{env, object{"request": request, "oldObject": before, "object": after, "variables": object{}}}
}

func (e evaluator) value(expression string) (interface{}, error) {
	ast, issues := e.env.Compile(expression)
	if issues != nil && issues.Err() != nil {
		check(fmt.Errorf("%s: %w", expression, issues.Err()))
	}
	program, err := e.env.Program(ast)
	check(err)
	out, _, err := program.Eval(e.at)
	if err != nil {
		return nil, err
	}
	return out.Value(), nil
}

// A variable that cannot be computed fails where it is used.
func (e evaluator) compute(variables []named) {
	for _, each := range variables {
		if value, err := e.value(each.Expression); err == nil {
			e.at["variables"].(object)[each.Name] = value
		}
	}
}

func (e evaluator) message(validation named) string {
	if validation.MessageExpression != "" {
		if text, err := e.value(validation.MessageExpression); err == nil {
			return text.(string)
		}
	}
	return validation.Message
}

// Why the request is denied; empty: admitted.
func (p policy) denial(request object, before, after interface{}) string {
	if !constrained(p, request) {
		return ""
	}
	at := newEvaluator(request, before, after)
	for _, each := range p.Spec.MatchConditions {
		if value, err := at.value(each.Expression); err == nil && value == false {
			return ""
		} else if err != nil {
			return each.Name + ": " + err.Error()
		}
	}
	at.compute(p.Spec.Variables)
	for _, each := range p.Spec.Validations {
		if value, err := at.value(each.Expression); err != nil {
			return "failed: " + err.Error()
		} else if value != true {
			return at.message(each)
		}
	}
	return ""
}

func (t table) verdict(policies []policy, each testCase) string {
	request := merged(t.Request, each.Request)
	node := merged(t.Node, each.Before)
	var before, after interface{} = node, merged(node, each.Patch)
	switch request["operation"] {
	case "CREATE":
		before = nil
	case "DELETE":
		after = nil
	default:
		if reflect.DeepEqual(before, after) != (len(each.Patch) == 0) {
			return "the case's patch changes nothing"
		}
	}
	for _, p := range policies {
		if said := p.denial(request, before, after); said != "" {
			return said
		}
	}
	return ""
}

func main() {
	if len(os.Args) != 3 {
		check(fmt.Errorf("usage: admission MANIFESTS CASES"))
	}
	checked := readPolicies(os.Args[1])
	text, err := os.ReadFile(os.Args[2])
	check(err)
	var cases table
	check(yaml.Unmarshal(text, &cases))
	wrong := 0
	for _, each := range cases.Cases {
		said := cases.verdict(checked, each)
		if (said == "") != (each.Denied == "") || !strings.Contains(said, each.Denied) {
			fmt.Printf("%s: expected %q, the policies say %q\n", each.Name, each.Denied, said)
			wrong++
		}
	}
	if len(checked) != 2 || len(cases.Cases) == 0 {
		check(fmt.Errorf("expected two policies and some cases"))
	}
	for _, p := range checked {
		if p.Spec.FailurePolicy != "Fail" {
			check(fmt.Errorf("a policy must fail closed"))
		}
	}
	fmt.Printf("%d requests, %d not as the table has them\n", len(cases.Cases), wrong)
	if wrong > 0 {
		os.Exit(1)
	}
}
