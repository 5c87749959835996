#!/usr/bin/env bash
# Go modules github.com/r3labs/sse/v2, version 2.10.0, and github.com/tmaxmax/go-sse, version
# 0.12.0.
#
# A good engineer would guess: a client of server-sent events takes an event of any length, since
#   the HTML standard knows no limit, or returns an error for one that is too long.
# What really happens: both read through a buffer of 64 KiB, and the error about an event that does
#   not fit ("token too long") is to them a broken connection. They connect again, with the
#   Last-Event-ID of before, get the same event, and so on; the error goes to a callback for
#   reconnections alone, and there is none by default. Short lines of `data` are no help, because
#   the whole event has to fit. `ClientMaxBufferSize` of the first, and `Buffer` of the second's
#   connection, raise the limit.
# Why it matters: Kafka takes records of a megabyte by default, and a gateway shows each as one
#   event. Behind the first long record such a client sees no other, while the gateway reads and
#   sends the same page again and again. It looks like a network that breaks.
# Verified on 2026-11-30.
set -euo pipefail

place=$(mktemp -d)
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
cd "$place"
cat > go.mod <<'MOD'
module finding

go 1.23

require (
	github.com/r3labs/sse/v2 v2.10.0
	github.com/tmaxmax/go-sse v0.12.0
)
MOD
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	r3labs "github.com/r3labs/sse/v2"
	tmaxmax "github.com/tmaxmax/go-sse"
)

type client func(ctx context.Context, url string, buffer int, event func(data int), again func(error, time.Duration))

func r3(ctx context.Context, url string, buffer int, event func(int), again func(error, time.Duration)) {
	var options []func(*r3labs.Client)
	if buffer > 0 {
		options = append(options, r3labs.ClientMaxBufferSize(buffer))
	}
	client := r3labs.NewClient(url, options...)
	client.ReconnectNotify = again
	_ = client.SubscribeRawWithContext(ctx, func(e *r3labs.Event) { event(len(e.Data)) })
}

func tmax(ctx context.Context, url string, buffer int, event func(int), again func(error, time.Duration)) {
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	connection := (&tmaxmax.Client{OnRetry: again}).NewConnection(request)
	if buffer > 0 {
		connection.Buffer(nil, buffer)
	}
	connection.SubscribeToAll(func(e tmaxmax.Event) { event(len(e.Data)) })
	_ = connection.Connect()
}

// Sends three events, the second of them long, to whoever has not seen the first, and the last two
// to whoever has. Says what the client saw in five seconds, and how it came.
func try(read client, lines, length, buffer int) string {
	var mutex sync.Mutex
	var seen []int
	resumed, problem := 0, "no error"
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		mutex.Lock()
		answer.Header().Set("content-type", "text/event-stream")
		if request.Header.Get("Last-Event-ID") == "1" {
			resumed++
		} else {
			fmt.Fprint(answer, "id: 1\ndata: a\n\n")
		}
		mutex.Unlock()
		line := "data: " + strings.Repeat("x", length/lines) + "\n"
		fmt.Fprintf(answer, "id: 2\n%s\nid: 3\ndata: b\n\n", strings.Repeat(line, lines))
		answer.(http.Flusher).Flush()
		select {
		case <-request.Context().Done():
		case <-stop:
		}
	}))
	ctx, cancel := context.WithCancel(context.Background())
	event := func(data int) {
		mutex.Lock()
		defer mutex.Unlock()
		seen = append(seen, data)
	}
	again := func(err error, _ time.Duration) {
		mutex.Lock()
		defer mutex.Unlock()
		if strings.Contains(err.Error(), "token too long") {
			problem = "token too long"
		} else {
			problem = err.Error()
		}
	}
	go read(ctx, server.URL, buffer, event, again)
	time.Sleep(5 * time.Second)
	mutex.Lock()
	defer mutex.Unlock()
	cancel()
	close(stop)
	return fmt.Sprintf("data of %v bytes, %s, resumed more than once %t", seen, problem, resumed > 1)
}

func main() {
	for _, c := range []struct {
		name string
		read client
	}{{"r3labs", r3}, {"tmaxmax", tmax}} {
		for _, row := range [][3]int{{1, 65000, 0}, {1, 66000, 0}, {10, 66000, 0}, {1, 900000, 1 << 20}} {
			fmt.Printf("%s, %d lines of %d bytes, buffer %d: %s\n", c.name, row[0], row[1], row[2], try(c.read, row[0], row[1], row[2]))
		}
	}
}
GO
go mod tidy 2> /dev/null
go run . | tee seen
for client in r3labs tmaxmax; do
    echo "$client, 1 lines of 65000 bytes, buffer 0: data of [1 65000 1] bytes, no error, resumed more than once false"
    echo "$client, 1 lines of 66000 bytes, buffer 0: data of [1] bytes, token too long, resumed more than once true"
    echo "$client, 10 lines of 66000 bytes, buffer 0: data of [1] bytes, token too long, resumed more than once true"
    echo "$client, 1 lines of 900000 bytes, buffer 1048576: data of [1 900000 1] bytes, no error, resumed more than once false"
done > stated
cmp --silent seen stated && exit
echo "Long events are not treated as stated any more." && exit 1
