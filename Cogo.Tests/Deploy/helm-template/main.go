// Renders a Helm chart as `helm template` does, with the engine that Helm is made of (Go's text/template and sprig), for
// machines that have no helm. What it does not know is an error: unknown functions, missing keys under `required`, files
// that are no YAML. It knows no subcharts, no hooks' order, no lookup and no capabilities beyond those below.
//
// Prints one line of JSON a manifest.
//
// usage: helm-template CHART [-f VALUES]... [--set a.b=c]...
//        helm-template --yaml FILE    prints a YAML file as JSON
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "helm-template:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if args[0] == "--yaml" {
		document, err := load(args[1])
		if err != nil {
			return err
		}
		return print(document)
	}
	chart := args[0]
	metadata, err := load(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		return err
	}
	values, err := load(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "-f":
			i++
			more, err := load(args[i])
			if err != nil {
				return err
			}
			merge(values, more)
		case "--set":
			i++
			parts := strings.SplitN(args[i], "=", 2)
			var value interface{}
			if err := yaml.Unmarshal([]byte(parts[1]), &value); err != nil {
				return err
			}
			set(values, strings.Split(parts[0], "."), value)
		default:
			return fmt.Errorf("unknown argument %s", args[i])
		}
	}

	all := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv"} {
		delete(functions, name)
	}
	functions["toYaml"] = func(value interface{}) (string, error) {
		var out bytes.Buffer
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		err := encoder.Encode(value)
		return strings.TrimSuffix(out.String(), "\n"), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	all.Funcs(functions)

	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := all.New(file).Parse(string(text)); err != nil {
			return err
		}
	}
	top := map[string]interface{}{
		"Values": values,
		"Chart":  map[string]interface{}{"Name": metadata["name"], "Version": metadata["version"], "AppVersion": metadata["appVersion"]},
		"Release": map[string]interface{}{
			"Name": "cogo", "Namespace": "cogo", "Service": "Helm", "Revision": 1, "IsInstall": true, "IsUpgrade": false,
		},
	}
	for _, file := range files {
		if filepath.Ext(file) != ".yaml" {
			continue
		}
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, file, top); err != nil {
			return err
		}
		decoder := yaml.NewDecoder(bytes.NewReader(out.Bytes()))
		for {
			var document map[string]interface{}
			err := decoder.Decode(&document)
			if err != nil && err.Error() == "EOF" {
				break
			}
			if err != nil {
				return fmt.Errorf("%s is no YAML: %v\n%s", file, err, out.String())
			}
			if document == nil {
				continue
			}
			if err := print(document); err != nil {
				return err
			}
		}
	}
	return nil
}

func print(document map[string]interface{}) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(document)
}

func load(file string) (map[string]interface{}, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	values := map[string]interface{}{}
	return values, yaml.Unmarshal(text, &values)
}

func merge(into, from map[string]interface{}) {
	for key, value := range from {
		below, isMap := value.(map[string]interface{})
		if there, both := into[key].(map[string]interface{}); isMap && both {
			merge(there, below)
		} else {
			into[key] = value
		}
	}
}

func set(values map[string]interface{}, path []string, value interface{}) {
	for _, key := range path[:len(path)-1] {
		below, isMap := values[key].(map[string]interface{})
		if !isMap {
			below = map[string]interface{}{}
			values[key] = below
		}
		values = below
	}
	values[path[len(path)-1]] = value
}
