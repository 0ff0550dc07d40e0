package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// Exit codes that are not the command's, as env(1) and the shell have them.
const (
	exitOurs      = 125
	exitNotRun    = 126
	exitNotFound  = 127
	exitSignalled = 128
)

type streams struct {
	in       io.Reader
	out, err io.Writer
}

// options are what a flag can break or change.
type options struct {
	trustSub      string
	trustPolicy   string
	audience      string
	account       string
	replay        string
	replayTimes   int
	sessionLength time.Duration
	tokenAge      time.Duration
	podIdentity   bool
	gitlabToken   bool
	command       []string
}

func parse(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&o.trustSub, "trust-sub", "", "the job role trusts this `sub` instead of the pod's")
	flags.StringVar(&o.trustPolicy, "trust-policy", "", "the job role has the trust policy in this `file`")
	flags.StringVar(&o.audience, "audience", awsfake.STSAudience, "the pod's token is for this `audience`")
	flags.StringVar(&o.account, "account", awsfake.Account, "AWS_ROLE_ARN names the role in this `account`")
	flags.StringVar(&o.replay, "replay", "", "answer with the recorded answer of this `id`")
	flags.IntVar(&o.replayTimes, "replay-times", 0, "how many calls -replay answers; 0 is all")
	flags.DurationVar(&o.sessionLength, "session-length", 0, "sessions last this long, whatever is asked for")
	flags.DurationVar(&o.tokenAge, "token-age", 0, "the pod's token was issued so long ago")
	flags.BoolVar(&o.podIdentity, "pod-identity", false, "the pod has EKS Pod Identity, not IRSA")
	flags.BoolVar(&o.gitlabToken, "gitlab-token", false, "the job has a GitLab ID token in CI_AWS_ID_TOKEN, and CI_AWS_ROLE_ARN")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.command = flags.Args(); len(o.command) == 0 {
		return o, errors.New("no command given")
	}
	return o, nil
}

// run gives the exit code.
func run(ctx context.Context, args []string, std streams, environ []string) int {
	code, err := sandbox(ctx, args, std, environ)
	if err != nil {
		fmt.Fprintln(std.err, "sandbox: error:", err)
	}
	return code
}

func sandbox(ctx context.Context, args []string, std streams, environ []string) (int, error) {
	o, err := parse(args, std.err)
	if err != nil {
		return exitOurs, err
	}
	cloud, err := o.cloud()
	if err != nil {
		return exitOurs, err
	}
	defer cloud.Close()
	dir, err := os.MkdirTemp("", "sandbox-*")
	if err != nil {
		return exitOurs, err
	}
	defer os.RemoveAll(dir)
	env, err := o.environment(cloud, dir, environ)
	if err != nil {
		return exitOurs, err
	}
	return command(ctx, o.command, std, env)
}

// cloud starts the reference set-up with what the flags break in it.
func (o options) cloud() (*awsfake.Cloud, error) {
	cloud, err := awsfake.Start(awsfake.Config{SessionLength: o.sessionLength})
	if err != nil {
		return nil, err
	}
	err = cloud.AddReference()
	if err == nil && o.trustSub != "" {
		trust := cloud.ClusterTrust()
		trust.Subject = o.trustSub
		err = cloud.SetTrust(awsfake.JobRole, trust.JSON())
	}
	if err == nil && o.trustPolicy != "" {
		var policy []byte
		if policy, err = os.ReadFile(o.trustPolicy); err == nil {
			err = cloud.SetTrust(awsfake.JobRole, string(policy))
		}
	}
	if err == nil && o.replay != "" {
		err = cloud.Inject(awsfake.Fault{Vector: o.replay, Times: o.replayTimes})
	}
	if err != nil {
		cloud.Close()
		return nil, err
	}
	return cloud, nil
}

// command runs a command to its end and passes signals on to it.
func command(ctx context.Context, args []string, std streams, env []string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = std.in, std.out, std.err, env
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNotFound, err
		}
		return exitNotRun, err
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s) // it may have ended by itself
			case <-done:
				return
			}
		}
	}()
	err := cmd.Wait()
	close(done)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok && err != nil {
		return exitOurs, err
	}
	if !ok {
		return 0, nil
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignalled + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
