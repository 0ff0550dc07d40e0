package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// minIO is a MinIO server on loopback with one bucket.
type minIO struct {
	bucket string
	env    []string // what gives programs its address and its keys
	stop   func()
}

// startMinIO starts the server program with its data in a folder.
func startMinIO(ctx context.Context, program, dir string) (*minIO, error) {
	server, err := parts.StartMinIO(ctx, program, dir, awsfake.Region)
	if err != nil {
		return nil, err
	}
	m := &minIO{bucket: "bench", stop: func() { server.Stop() }, env: []string{
		"AWS_ACCESS_KEY_ID=" + server.User, "AWS_SECRET_ACCESS_KEY=" + server.Password, "AWS_REGION=" + awsfake.Region,
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_EC2_METADATA_DISABLED=true",
	}}
	client := s3.New(s3.Options{
		Region: awsfake.Region, BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(server.User, server.Password, ""),
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(m.bucket)}); err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}
