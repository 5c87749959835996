#!/usr/bin/env bash
# Go module github.com/Masterminds/sprig/v3, version 3.3.0.
#
# A good engineer would guess: `{{ .created | date "2006-01-02" }}` formats the time in
#   `created`, or fails if that is no time. The time of an event mostly comes as a text or as
#   a number of JSON.
# What really happens: `date` knows time.Time, *time.Time, int, int32 and int64. For every
#   other value it formats the time at which it runs, without an error: for a text in RFC
#   3339, for nil, and for seconds since 1970 that encoding/json has read, because those are
#   float64. The same seconds written in the template are an int, and are formatted.
# Why it matters: a template that stamps records with the time of their event stamps them
#   with today's date instead, and looks right as long as the event is of today. A test with
#   a literal number passes.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
cd "$place"
cat > go.mod <<'MOD'
module finding

go 1.23

require github.com/Masterminds/sprig/v3 v3.3.0
MOD
cat > main.go <<'GO'
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

func main() {
	time.Local = time.UTC
	var data any
	if err := json.Unmarshal([]byte(`{"text":"2001-02-03T04:05:06Z","seconds":981173106,"none":null}`), &data); err != nil {
		panic(err)
	}
	before := time.Now().Year()
	wrong := 0
	for _, row := range []struct{ template, stated string }{
		{`{{ 981173106 | date "2006" }}`, "2001"},
		{`{{ .seconds | int64 | date "2006" }}`, "2001"},
		{`{{ .text | toDate "2006-01-02T15:04:05Z07:00" | date "2006" }}`, "2001"},
		{`{{ .text | date "2006" }}`, "now"},
		{`{{ .seconds | date "2006" }}`, "now"},
		{`{{ .none | date "2006" }}`, "now"},
	} {
		parsed := template.Must(template.New("t").Funcs(sprig.TxtFuncMap()).Parse(row.template))
		var out bytes.Buffer
		if err := parsed.Execute(&out, data); err != nil {
			fmt.Println(row.template, "fails:", err)
			wrong++
			continue
		}
		seen := out.String()
		for _, year := range []int{before, time.Now().Year()} {
			if seen == fmt.Sprint(year) {
				seen = "now"
			}
		}
		fmt.Printf("%-62s gives the year %s (%s)\n", row.template, out.String(), seen)
		if seen != row.stated {
			wrong++
		}
	}
	if wrong > 0 {
		os.Exit(1)
	}
}
GO
go mod tidy 2> /dev/null
go run . && exit
echo "sprig's date does not treat texts and numbers of JSON as stated any more." && exit 1
