package render

import (
	"bytes"
	"encoding/json"
	"strings"
)

// SchemaFile is where the schema is in the project's repository.
const SchemaFile = "docs/ci-aws.schema.json"

// schemaURL is where editors get it, by the first line of the commented file.
const schemaURL = "https://gitlab.com/ci-aws/ci-aws/-/raw/main/" + SchemaFile

type object = map[string]any

// Schema is the JSON schema of a description, for editors: its keys, what they
// hold and what each value must look like. Complete judges more.
// https://json-schema.org/draft/2020-12
func Schema() string {
	root := group(bindings())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "ci-aws.yaml: what ci-aws render writes files of"
	root["required"] = []string{"account", "issuer"}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // maps, lists and strings always encode
	}
	return b.String()
}

// group is an object with those keys; dots in their names make objects within.
func group[T any](keys []binding[T]) object {
	properties := object{}
	for _, k := range keys {
		at := properties
		names := strings.Split(k.Name, ".")
		for _, name := range names[:len(names)-1] {
			if at[name] == nil {
				at[name] = object{"type": "object", "additionalProperties": false, "properties": object{}}
			}
			at = at[name].(object)["properties"].(object)
		}
		at[names[len(names)-1]] = k.schema()
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties}
}

func (k Key) schema() object {
	about := k.What
	if k.Default != "" {
		about += ". Default: " + k.Default
	}
	one := object{"type": "string", "pattern": k.rule.pattern}
	if k.rule.most > 0 {
		one["maxLength"] = k.rule.most
	}
	s := object{}
	switch k.Kind {
	case Text:
		s = one
	case Bool:
		s["type"] = "boolean"
	case Number:
		s["type"], s["minimum"], s["maximum"] = "integer", 1, 36500
	case Texts:
		s["type"], s["items"] = "array", one
	case FleetList:
		s["type"], s["minItems"] = "array", 2
		s["items"] = object{"type": "array", "minItems": 1, "items": object{"type": "string"}}
	case JobList:
		item := group(jobBindings())
		item["required"] = []string{"service-account"}
		s["type"], s["items"] = "array", item
	case Statements:
		item := group(statementBindings())
		item["required"] = []string{"actions", "resources"}
		s["type"], s["items"] = "array", item
	}
	s["description"] = about
	return s
}
