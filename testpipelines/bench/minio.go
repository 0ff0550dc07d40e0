package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// minIO is a MinIO server on loopback with one bucket.
type minIO struct {
	url    string
	bucket string
	env    []string // what gives programs its keys
	stop   func()
}

// startMinIO starts the server program with its data in a folder.
func startMinIO(ctx context.Context, program, dir string) (*minIO, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	keys := aws.Credentials{AccessKeyID: "root", SecretAccessKey: rand.Text()}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "server", "--quiet", "--address", address, filepath.Join(dir, "data"))
	cmd.Env = []string{
		"HOME=" + dir, "MINIO_ROOT_USER=" + keys.AccessKeyID, "MINIO_ROOT_PASSWORD=" + keys.SecretAccessKey,
		"MINIO_REGION=" + awsfake.Region, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=on",
	}
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, so it never ends well
		close(gone)
	}()
	m := &minIO{url: "http://" + address, bucket: "bench", stop: func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-gone
	}}
	m.env = []string{
		"AWS_ACCESS_KEY_ID=" + keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey, "AWS_REGION=" + awsfake.Region,
		"AWS_ENDPOINT_URL=" + m.url, "AWS_EC2_METADATA_DISABLED=true",
	}
	if err := m.ready(ctx, gone); err != nil {
		m.stop()
		return nil, fmt.Errorf("starting MinIO: %w: %s", err, log.Bytes())
	}
	client := s3.New(s3.Options{
		Region: awsfake.Region, BaseEndpoint: &m.url, UsePathStyle: true,
		Credentials: credentials.StaticCredentialsProvider{Value: keys},
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &m.bucket}); err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}

// ready waits until the server takes calls.
func (m *minIO) ready(ctx context.Context, gone <-chan struct{}) error {
	for deadline := time.After(time.Minute); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/minio/health/cluster", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			if err := response.Body.Close(); err == nil && response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-gone:
			return errors.New("it ended before it was ready")
		case <-deadline:
			return errors.New("it was not ready within a minute")
		case <-time.After(50 * time.Millisecond):
		}
	}
}
