package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// lab is where the programs run: a cloud in this process, a pod's environment,
// and the programs, all built alike.
type lab struct {
	cloud *awsfake.Cloud
	dir   string
	env   []string
	token string // the file
}

// newLab builds the programs and starts the cloud. Close the lab after use.
func newLab(ctx context.Context, environ []string) (*lab, error) {
	dir, err := os.MkdirTemp("", "bench-*")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, token: filepath.Join(dir, "token")}
	if err := l.open(ctx, environ); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) close() {
	if l.cloud != nil {
		l.cloud.Close()
	}
	os.RemoveAll(l.dir)
}

func (l *lab) open(ctx context.Context, environ []string) (err error) {
	if l.cloud, err = awsfake.Start(awsfake.Config{}); err != nil {
		return err
	}
	if err := l.cloud.AddReference(); err != nil {
		return err
	}
	token, err := l.cloud.Issuer().Mint(awsfake.PodToken{})
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.token, []byte(token), 0o600); err != nil {
		return err
	}
	l.env = append(clean(environ),
		"AWS_ROLE_ARN="+awsfake.JobRole, "AWS_WEB_IDENTITY_TOKEN_FILE="+l.token, "AWS_REGION="+awsfake.Region,
		"AWS_ENDPOINT_URL_STS="+l.cloud.STSURL(), "XDG_RUNTIME_DIR="+l.dir)
	return l.build(ctx)
}

// clean takes away what would change what the programs do: settings of AWS's,
// GitLab's and our own, and proxies.
func clean(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		foreign := strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "CI_") || strings.HasPrefix(name, "GITLAB_") ||
			strings.HasSuffix(name, "_PROXY") || name == "XDG_RUNTIME_DIR"
		if !foreign {
			kept = append(kept, variable)
		}
	}
	return kept
}

var releaseLine = regexp.MustCompile(`(?m)^RELEASE := (.+)$`)

// build compiles the programs by the flags of a release, which the Makefile has.
func (l *lab) build(ctx context.Context) error {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		return err
	}
	flags := releaseLine.FindSubmatch(makefile)
	if flags == nil {
		return errors.New("reading Makefile: no line that begins RELEASE :=")
	}
	const all = "./cmd/ci-aws ./testpipelines/bench/minimal ./testpipelines/bench/post ./testpipelines/bench/peak"
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec go build "+string(flags[1])+` -o "$0/" `+all, filepath.Join(l.dir, "bin"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w: %s", err, text)
	}
	return nil
}

// program is a command line of one of the programs.
func (l *lab) program(want, name string, args ...string) contender {
	return contender{args: append([]string{filepath.Join(l.dir, "bin", name)}, args...), env: l.env, want: want}
}
