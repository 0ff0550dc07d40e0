package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// A target is a layout, and where in a registry it belongs.
type target struct {
	index   v1.ImageIndex
	digest  v1.Hash
	tag     name.Tag
	options []remote.Option
}

// pushable asks the registry for the reference and says what is there. It is nil
// where that is the layout's image already; another one is an error, since a
// version is one image for ever.
func pushable(ctx context.Context, path, reference string, out io.Writer, getenv func(string) string) (*target, error) {
	index, digest, err := openLayout(path)
	if err != nil {
		return nil, err
	}
	tag, err := name.NewTag(reference, name.StrictValidation)
	if err != nil {
		return nil, err
	}
	login := authn.Basic{Username: getenv("CI_REGISTRY_USER"), Password: getenv("CI_REGISTRY_PASSWORD")}
	if login.Username == "" || login.Password == "" {
		return nil, errors.New("CI_REGISTRY_USER and CI_REGISTRY_PASSWORD are not set")
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuth(&login)}
	there, err := remote.Head(tag, options...)
	switch {
	case err == nil && there.Digest == digest:
		_, err = fmt.Fprintf(out, "%s is there already, %s\n", tag, digest)
		return nil, err
	case err == nil:
		return nil, fmt.Errorf("%s is there already and is %s, not %s", tag, there.Digest, digest)
	case !isNotFound(err):
		return nil, fmt.Errorf("asking for %s: %w", tag, err)
	}
	return &target{index, digest, tag, options}, nil
}

// push brings a layout to a registry under a reference with a tag.
func push(ctx context.Context, path, reference string, out io.Writer, getenv func(string) string) error {
	t, err := pushable(ctx, path, reference, out, getenv)
	if t == nil {
		return err
	}
	if err := remote.WriteIndex(t.tag, t.index, t.options...); err != nil {
		return fmt.Errorf("pushing %s: %w", t.tag, err)
	}
	_, err = fmt.Fprintf(out, "pushed %s, %s\n", t.tag, t.digest)
	return err
}

func isNotFound(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && answer.StatusCode == http.StatusNotFound
}
