// Package awsconfig puts profiles into an AWS config file and takes them out again, and keeps every other byte of it:
// comments, line ends, a byte order mark, other sections, and what is broken in them.
//
// A profile written here is known by a comment in its section. Sections without it are other people's: they are
// replaced by force only, and never removed.
package awsconfig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Profile is a section whose credentials come from a command.
type Profile struct {
	Name    string   // 1 to 64 of A-Z a-z 0-9 _ . -
	Command []string // for credential_process, see CommandLine
	Region  string   // none where it is empty
}

// ForeignError is a profile in the way that this package did not write.
type ForeignError struct {
	Name string
	Line int // of its header
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("profile %q in line %d was not written by ci-aws configure", e.Name, e.Line)
}

// Set writes the profiles to the file, which it makes where it is missing: mode 0600, in a folder of mode 0700. A
// profile that this package wrote is brought up to date, with what others added to its section kept; one that it
// did not write is a *ForeignError, unless force is given, which replaces its settings. A profile that stands in the
// file twice is an error. Nothing is written when an error is returned, or when the file says it all.
//
// The file is replaced in one step and keeps its mode and owner; a link stays one, its target is replaced. Access
// lists, extended attributes and other hard links are not carried over. It is an error where others can write the
// file's folder, unless its sticky bit is set: they could put another file in its place. Group members do not count
// as others, since a user's private group and OpenShift's group 0 may write in any home.
//
// Of several calls at once, in whatever processes, none is lost: they take turns by a lock on the folder, waiting
// within ctx, and a change by another program in the middle of the edit begins it anew.
func Set(ctx context.Context, path string, profiles []Profile, force bool) error {
	if err := checkProfiles(profiles); err != nil {
		return err
	}
	if len(profiles) == 0 {
		return nil
	}
	return edit(ctx, path, true, func(text []byte) ([]byte, error) {
		return setAll(text, profiles, force)
	})
}

// SetKept is Set, but a file that it makes begins as kept, without the sections of those profiles, since what they say
// must not stand beside the command, and without the keys that Keys finds.
//
// It also wants nobody but the caller and root to be able to lead path elsewhere: others may guess it, and what a
// profile's command says is run. Below a folder in which others can make entries, such as /tmp, another user's link,
// folder or file on the way is an error that names its owner, as is a folder of the file's that is not the caller's or,
// but for root, that its group can write. Elsewhere the file's folder has to be the caller's or root's.
func SetKept(ctx context.Context, path string, kept []byte, profiles []Profile, force bool) error {
	if err := checkProfiles(profiles); err != nil {
		return err
	}
	if len(profiles) == 0 {
		return nil
	}
	target, err := ownTarget(path, false)
	if err != nil {
		return fmt.Errorf("editing %q: %w", path, err)
	}
	return editAt(ctx, path, target, true, keep(path, target, kept, profiles, force))
}

// keep is the edit of SetKept, made when the folder is there: what leads to it may have been planted since target was
// found.
func keep(path, target string, kept []byte, profiles []Profile, force bool) func([]byte) ([]byte, error) {
	return func(text []byte) ([]byte, error) {
		if now, err := ownTarget(path, true); err != nil || now != target {
			return nil, cmp.Or(err, errMoved)
		}
		if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
			text, _ = withoutKeys(without(kept, profiles))
		}
		return setAll(text, profiles, force)
	}
}

// errMoved is a path that led to one file first and then to another.
var errMoved = errors.New("it leads elsewhere than a moment ago")

// ownTarget is the file that path leads to by a way that is fit for the caller.
func ownTarget(path string, made bool) (string, error) {
	if err := ownWay().check(path, made); err != nil {
		return "", err
	}
	return resolve(path)
}

// Read returns the text of an AWS config file, nil where there is none. What is no such file is an error, as it is for
// Set, and is not waited for.
func Read(path string) ([]byte, error) {
	_, text, err := read(path)
	return text, err
}

// Remove takes the named profiles out of the file, with all that was added to their sections, and returns those that
// were there; without names, all that this package wrote. A named profile that it did not write is a *ForeignError,
// and nothing is removed. The file is replaced as Set does it, and may be left empty.
func Remove(ctx context.Context, path string, names []string) ([]string, error) {
	var removed []string
	err := edit(ctx, path, false, func(text []byte) (_ []byte, err error) {
		text, removed, err = remove(text, names)
		return text, err
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

// CommandLine returns the value of credential_process that runs argv. SDKs hand it to a shell, or split it by rules
// of their own, and some cut it at " #": so nothing is quoted, and an argument with any character that means
// something to one of them is an error, as is a program that is not named by its absolute path.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func CommandLine(argv []string) (string, error) {
	if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
		return "", errors.New("a credential_process needs the absolute path of its program")
	}
	for _, arg := range argv {
		if err := checkValue(arg); err != nil {
			return "", err
		}
	}
	return strings.Join(argv, " "), nil
}

const (
	letters    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	nameChars  = letters + "_.-"
	valueChars = letters + "_./:=@,+%-"
	maxName    = 64
)

func checkValue(s string) error {
	if s == "" || strings.Trim(s, valueChars) != "" {
		return fmt.Errorf("%q cannot stand in an AWS config file: only letters, digits and _./:=@,+%%- can", s)
	}
	return nil
}

// CheckName refuses the name of a profile that is not 1 to 64 letters, digits, _, . and -.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || strings.Trim(name, nameChars) != "" {
		return fmt.Errorf("profile name %q: want 1 to %d letters, digits and _.-", name, maxName)
	}
	return nil
}

func checkProfiles(profiles []Profile) error {
	seen := map[string]bool{}
	for _, p := range profiles {
		if err := CheckName(p.Name); err != nil {
			return err
		}
		if seen[p.Name] {
			return fmt.Errorf("profile %q is given twice", p.Name)
		}
		seen[p.Name] = true
		if _, err := CommandLine(p.Command); err != nil {
			return fmt.Errorf("profile %q: %w", p.Name, err)
		}
		if p.Region != "" {
			if err := checkValue(p.Region); err != nil {
				return fmt.Errorf("region of profile %q: %w", p.Name, err)
			}
		}
	}
	return nil
}
