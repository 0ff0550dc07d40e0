// Command transfer sends a file to S3 and gets it back, by the SDK's own transfer
// manager in its default settings and nothing else. It is what `ci-aws cache
// check` is measured beside. It has a module of its own, so that the manager is
// no dependency of the product's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "transfer: error:", err)
		os.Exit(1)
	}
	fmt.Println("transferred")
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("want: transfer FILE BUCKET")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String(args[1]), aws.String("transfer")
	file, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := manager.NewUploader(client).Upload(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: file}); err != nil {
		return err
	}
	back, err := os.Create(filepath.Join(filepath.Dir(args[0]), "back"))
	if err != nil {
		return err
	}
	defer back.Close()
	if _, err := manager.NewDownloader(client).Download(ctx, back, &s3.GetObjectInput{Bucket: bucket, Key: key}); err != nil {
		return err
	}
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key})
	return err
}
