// Command minimal is the least program that does what `ci-aws env` does with the
// same parts of the SDK: it is what ci-aws is timed against.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "minimal: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	env, err := config.NewEnvConfig()
	if err != nil {
		return fmt.Errorf("reading AWS's variables: %w", err)
	}
	client := sts.NewFromConfig(aws.Config{Region: env.Region, ConfigSources: []any{env}})
	token := stscreds.IdentityTokenFile(env.WebIdentityTokenFilePath)
	keys, err := stscreds.NewWebIdentityRoleProvider(client, env.RoleARN, token).Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("exchanging the token: %w", err)
	}
	_, err = fmt.Fprintf(out, "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\nexport AWS_SESSION_TOKEN=%s\n",
		keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
	return err
}
