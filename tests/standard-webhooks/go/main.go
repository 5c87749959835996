// Verifies requests with the Go library: a line of standard input for each.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func verify(line string) error {
	parts := strings.Split(line, "\t")
	headers := http.Header{}
	headers.Set("webhook-id", parts[1])
	headers.Set("webhook-timestamp", parts[2])
	headers.Set("webhook-signature", parts[3])
	body, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		return err
	}
	webhook, err := standardwebhooks.NewWebhook(parts[0])
	if err != nil {
		return err
	}
	return webhook.Verify(body, headers)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := verify(lines.Text()); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
	}
}
