// Command post sends the request of an exchange without any SDK and prints the
// answer as it comes: what the exchange itself costs a Go program.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	if err := run(context.Background(), os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "post: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	token, err := os.ReadFile(getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))
	if err != nil {
		return fmt.Errorf("reading the token: %w", err)
	}
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {getenv("AWS_ROLE_ARN")}, "RoleSessionName": {"post"}, "WebIdentityToken": {string(token)},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, getenv("AWS_ENDPOINT_URL_STS"), strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("sending the request: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("exchanging the token: %s", resp.Status)
	}
	_, err = io.Copy(out, resp.Body)
	return err
}
