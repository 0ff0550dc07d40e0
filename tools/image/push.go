package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// push brings a layout to a registry under a reference with a tag. A tag that is
// there already with other content is refused: a version is one image for ever.
func push(ctx context.Context, path, reference string, out io.Writer, getenv func(string) string) error {
	index, digest, err := openLayout(path)
	if err != nil {
		return err
	}
	tag, err := name.NewTag(reference, name.StrictValidation)
	if err != nil {
		return err
	}
	login := authn.Basic{Username: getenv("CI_REGISTRY_USER"), Password: getenv("CI_REGISTRY_PASSWORD")}
	if login.Username == "" || login.Password == "" {
		return errors.New("CI_REGISTRY_USER and CI_REGISTRY_PASSWORD are not set")
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuth(&login)}
	there, err := remote.Head(tag, options...)
	switch {
	case err == nil && there.Digest == digest:
		_, err = fmt.Fprintf(out, "%s is there already, %s\n", tag, digest)
		return err
	case err == nil:
		return fmt.Errorf("%s is there already and is %s, not %s", tag, there.Digest, digest)
	case !isNotFound(err):
		return fmt.Errorf("asking for %s: %w", tag, err)
	}
	if err := remote.WriteIndex(tag, index, options...); err != nil {
		return fmt.Errorf("pushing %s: %w", tag, err)
	}
	_, err = fmt.Fprintf(out, "pushed %s, %s\n", tag, digest)
	return err
}

func isNotFound(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && answer.StatusCode == http.StatusNotFound
}
