package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func run(ctx context.Context, args []string, out io.Writer) error {
	conf, err := config.LoadDefaultConfig(ctx, config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = margin
	}))
	if err != nil {
		return fmt.Errorf("loading the SDK's configuration: %w", err)
	}
	switch {
	case len(args) == 1 && args[0] == "whoami":
		return whoami(ctx, conf, out)
	case len(args) == 2 && args[0] == "roundtrip":
		return roundtrip(ctx, conf, args[1], out)
	case len(args) == 2 && args[0] == "outlive":
		return outlive(ctx, conf, args[1], out)
	}
	return errors.New("want: sdkprobe whoami | sdkprobe outlive DURATION | sdkprobe roundtrip s3://BUCKET/KEY")
}

// margin is how long before their end credentials are no longer used: sandbox
// sessions are short.
const margin = time.Second

// outlive asks who the caller is at once and again after so long, as one program.
func outlive(ctx context.Context, conf aws.Config, length string, out io.Writer) error {
	d, err := time.ParseDuration(length)
	if err != nil {
		return fmt.Errorf("%q is no duration", length)
	}
	if err := whoami(ctx, conf, out); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
	}
	return whoami(ctx, conf, out)
}

// whoami prints the caller's ARN and account, and the SDK's name for the place
// that the credentials came from.
func whoami(ctx context.Context, conf aws.Config, out io.Writer) error {
	id, err := sts.NewFromConfig(conf).GetCallerIdentity(ctx, nil)
	if err != nil {
		return fmt.Errorf("asking who the caller is: %w", err)
	}
	keys, err := conf.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("reading the credentials' source: %w", err)
	}
	return json.NewEncoder(out).Encode(struct {
		ARN     string `json:"arn"`
		Account string `json:"account"`
		Source  string `json:"source"`
	}{aws.ToString(id.Arn), aws.ToString(id.Account), keys.Source})
}

const objectSize = 64 << 10

func roundtrip(ctx context.Context, conf aws.Config, url string, out io.Writer) error {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
	if !ok || !strings.HasPrefix(url, "s3://") || bucket == "" || key == "" {
		return fmt.Errorf("%q is not s3://BUCKET/KEY", url)
	}
	client := s3.NewFromConfig(conf)
	sent := make([]byte, objectSize)
	_, _ = rand.Read(sent) // never fails, by its contract
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(sent)}); err != nil {
		return fmt.Errorf("writing %q: %w", url, err)
	}
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("reading %q: %w", url, err)
	}
	defer object.Body.Close()
	got, err := io.ReadAll(object.Body)
	if err != nil {
		return fmt.Errorf("reading %q: %w", url, err)
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("reading %q: got other bytes than were written", url)
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		return fmt.Errorf("deleting %q: %w", url, err)
	}
	_, err = fmt.Fprintf(out, "%s: wrote, read back and deleted %d bytes\n", url, len(got))
	return err
}
