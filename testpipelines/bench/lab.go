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
	_ = os.RemoveAll(l.dir) // a leftover in the folder for temporary files hurts nobody
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
		"AWS_ENDPOINT_URL_STS="+l.cloud.STSURL(), "XDG_RUNTIME_DIR="+l.dir,
		"GITLAB_CI=true", "CI_JOB_ID=4711", "CI_PROJECT_PATH_SLUG=group-project")
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
	built := filepath.Join(l.dir, "built")
	const all = "./cmd/ci-aws ./testpipelines/bench/minimal ./testpipelines/bench/post ./testpipelines/bench/peak"
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec go build "+string(flags[1])+` -o "$0/" `+all, built)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w: %s", err, text)
	}
	return install(built, l.bin(""))
}

// install copies programs. As the linker leaves a file, memory-mapped and page
// by page, the kernel starts it slower, and not each file alike; what comes from
// an image or a download was written in one go.
func install(from, to string) error {
	programs, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, p := range programs {
		program, err := os.ReadFile(filepath.Join(from, p.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, p.Name()), program, 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) bin(name string) string { return filepath.Join(l.dir, "bin", name) }

// program is a command line of one of the programs.
func (l *lab) program(want, name string, args ...string) contender {
	return contender{args: append([]string{l.bin(name)}, args...), env: l.env, want: want}
}
