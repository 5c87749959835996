// Compares cases.jsonl with Go's text/template and sprig.
//
//	go run .           fails where Go gives anything else than the file says
//	go run . -write    writes what Go gives
//
// A row is a template and what Go writes for it, with the data of data.json: "go", or "error"
// with the first line of Go's error. Where ours is deliberately different, "ours" has what
// it writes, or "ours_error" a part of its error, and "why" the reason; Go's own part is
// still Go's.
//
// Go's encoding/json reads every number as a float64, which writes a million as 1e+06 and
// loses digits of long integers. Here integers are given to the templates as int64, which is
// what ours keeps. Where float64 makes a difference, "float64" has what Go then writes.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// Row is a line of cases.jsonl.
type Row struct {
	Template  string  `json:"template"`
	Go        *string `json:"go,omitempty"`
	Error     string  `json:"error,omitempty"`
	Float64   *string `json:"float64,omitempty"`
	Ours      *string `json:"ours,omitempty"`
	OursError string  `json:"ours_error,omitempty"`
	Why       string  `json:"why,omitempty"`
}

// 2026-11-29T08:05:09.007Z, as the test of ours has it.
var now = time.UnixMilli(1795939509007).UTC()

func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	functions := template.FuncMap{"now": func() time.Time { return now }}
	for _, name := range []string{"date", "default", "toJson", "upper", "lower", "trim", "replace", "join", "quote"} {
		functions[name] = all[name]
	}
	return functions
}

func run(text string, data any) (string, error) {
	parsed, err := template.New("t").Funcs(functions()).Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, data)
	return out.String(), err
}

// Integers as int64, and other numbers as float64.
func exact(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = exact(member)
		}
	case []any:
		for place, item := range value {
			value[place] = exact(item)
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		float, err := value.Float64()
		if err != nil {
			panic(err)
		}
		return float
	}
	return value
}

func read(name string) []byte {
	content, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return content
}

func main() {
	write := flag.Bool("write", false, "write what Go gives")
	flag.Parse()
	time.Local = time.UTC

	content := read("data.json")
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var whole, floats any
	if err := decoder.Decode(&whole); err != nil {
		panic(err)
	}
	whole = exact(whole)
	if err := json.Unmarshal(content, &floats); err != nil {
		panic(err)
	}

	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	rows, differ := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(read("cases.jsonl"))), "\n") {
		var row Row
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			panic(fmt.Sprint(line, err))
		}
		row.Go, row.Error, row.Float64 = nil, "", nil
		text, err := run(row.Template, whole)
		if err != nil {
			row.Error = strings.SplitN(err.Error(), "\n", 2)[0]
		} else {
			row.Go = &text
		}
		if float, err := run(row.Template, floats); err == nil && (row.Go == nil || float != text) {
			if strings.Contains(row.Template, "| date") {
				// sprig's date formats the current time for whatever is no time of its own.
				float = "the time at which it runs"
			}
			row.Float64 = &float
		}
		before := made.Len()
		if err := encoder.Encode(row); err != nil {
			panic(err)
		}
		if seen := strings.TrimSpace(made.String()[before:]); seen != line && !*write {
			differ++
			fmt.Printf("the file: %s\nGo:       %s\n", line, seen)
		}
		rows++
	}
	if *write {
		if err := os.WriteFile("cases.jsonl", made.Bytes(), 0o644); err != nil {
			panic(err)
		}
	}
	fmt.Printf("%d rows, %d differ from Go\n", rows, differ)
	if differ > 0 {
		os.Exit(1)
	}
}
