// Renders a Helm chart as `helm template` does, for tests: the distribution has no Helm, but has text/template and
// sprig. Supports only those of Helm's own functions that the chart uses.
//
//	render CHART NAMESPACE [-notes] [-values] [-api=GROUP/VERSION/KIND] [-kube=VERSION] [-reuse=FILE]
//	  [PATH=VALUE...]
//
// -reuse: the values of an older chart replace this chart's, as with `helm upgrade --reuse-values`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v2" // like Helm's toYaml: indents by two, list items not at all
)

type object = map[string]interface{}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// Helm reads YAML through JSON: numbers are float64, keys are strings.
func plain(value interface{}) interface{} {
	switch typed := value.(type) {
	case map[interface{}]interface{}:
		out := object{}
		for key, each := range typed {
			out[fmt.Sprint(key)] = plain(each)
		}
		return out
	case []interface{}:
		for i := range typed {
			typed[i] = plain(typed[i])
		}
		return typed
	case int:
		return float64(typed)
	}
	return value
}

func read(file string) object {
	text, err := os.ReadFile(file)
	check(err)
	var parsed interface{}
	check(yaml.Unmarshal(text, &parsed))
	return plain(parsed).(object)
}

// The value of a --set: {a,b} is a list, {} a list of one empty text; true, false, null and whole numbers are typed.
func typed(text string) interface{} {
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		list := []interface{}{}
		for _, each := range strings.Split(text[1:len(text)-1], ",") {
			list = append(list, typed(each))
		}
		return list
	}
	switch text {
	case "true", "false":
		return text == "true"
	case "null":
		return nil
	}
	if number, err := strconv.ParseInt(text, 10, 64); err == nil && (text == "0" || !strings.HasPrefix(text, "0")) {
		return number
	}
	return text
}

func element(at interface{}, name string) (object, string, int) {
	index := regexp.MustCompile(`^(.*)\[(\d+)\]$`).FindStringSubmatch(name)
	if index == nil {
		return at.(object), name, -1
	}
	number, _ := strconv.Atoi(index[2])
	return at.(object), index[1], number
}

// A path in --set syntax: a.b[0].c
func set(values object, path string, value interface{}) {
	at := values
	steps := strings.Split(path, ".")
	for i, step := range steps {
		last := i == len(steps)-1
		holder, name, index := element(at, step)
		if index >= 0 {
			list, _ := holder[name].([]interface{})
			for len(list) <= index {
				list = append(list, object{})
			}
			holder[name] = list
			if last {
				list[index] = value
			} else {
				at = list[index].(object)
			}
		} else if last && value == nil {
			delete(holder, name) // as Helm does with a value of the chart
		} else if last {
			holder[name] = value
		} else {
			if _, present := holder[name].(object); !present {
				holder[name] = object{}
			}
			at = holder[name].(object)
		}
	}
}

func functions(all *template.Template) template.FuncMap {
	funcs := sprig.TxtFuncMap()
	delete(funcs, "env") // Helm removes both
	delete(funcs, "expandenv")
	funcs["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	funcs["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		check(err)
		return strings.TrimSuffix(string(text), "\n")
	}
	funcs["fromYaml"] = func(text string) object {
		var parsed interface{}
		check(yaml.Unmarshal([]byte(text), &parsed))
		return plain(parsed).(object)
	}
	funcs["fail"] = func(sentence string) (string, error) { return "", fmt.Errorf("%s", sentence) }
	// As without a cluster: finds nothing.
	funcs["lookup"] = func(...string) object { return object{} }
	return funcs
}

// The chart's other files, relative to its directory, like Helm's .Files.
type chartFiles string

func (folder chartFiles) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(string(folder), name))
	check(err)
	return string(text)
}

// The kinds that a cluster serves, like Helm's .Capabilities.APIVersions.
type kinds []string

func (k kinds) Has(wanted string) bool {
	for _, each := range k {
		if each == wanted {
			return true
		}
	}
	return false
}

type arguments struct {
	folder, namespace string
	notes, onlyValues bool
	apis              kinds
	kubernetes        string
	values            object
}

func parsed() arguments {
	if len(os.Args) < 3 {
		check(fmt.Errorf("usage: render CHART NAMESPACE [OPTION...] [PATH=VALUE...]"))
	}
	given := arguments{folder: os.Args[1], namespace: os.Args[2], kubernetes: "v1.36.2"}
	given.values = read(filepath.Join(given.folder, "values.yaml"))
	for _, argument := range os.Args[3:] {
		switch path, value, isSet := strings.Cut(argument, "="); {
		case argument == "-notes":
			given.notes = true
		case argument == "-values":
			given.onlyValues = true
		case path == "-api":
			given.apis = append(given.apis, value)
		case path == "-kube":
			given.kubernetes = value
		case path == "-reuse":
			given.values = read(value)
		case isSet:
			set(given.values, path, typed(value))
		default:
			check(fmt.Errorf("%s is no argument", argument))
		}
	}
	return given
}

func main() {
	given := parsed()
	folder, values := given.folder, given.values
	if given.onlyValues { // input for the schema check
		check(json.NewEncoder(os.Stdout).Encode(values))
		return
	}
	chart := object{}
	for key, value := range read(filepath.Join(folder, "Chart.yaml")) {
		chart[strings.ToUpper(key[:1])+key[1:]] = value
	}
	files, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	check(err)
	base := filepath.Join(chart["Name"].(string), "templates")
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(err)
		_, err = all.New(filepath.Join(base, filepath.Base(file))).Parse(string(text))
		check(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasPrefix(name, "_") || (name == "NOTES.txt") != given.notes {
			continue
		}
		full := filepath.Join(base, name)
		var out bytes.Buffer
		check(all.ExecuteTemplate(&out, full, object{
			"Values": values, "Chart": chart, "Capabilities": object{
				"APIVersions": given.apis, "KubeVersion": object{"Version": given.kubernetes}},
			"Release":  object{"Name": "pellicle", "Namespace": given.namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
			"Template": object{"Name": full, "BasePath": base},
			"Files":    chartFiles(folder),
		}))
		text := strings.TrimSpace(strings.ReplaceAll(out.String(), "<no value>", ""))
		if text == "" {
			continue
		}
		if given.notes {
			fmt.Println(text)
		} else {
			fmt.Printf("---\n# Source: %s\n%s\n", full, text)
		}
	}
}
