package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entry is a file, folder or link of an image.
type entry struct {
	name   string // without a leading slash
	kind   byte
	mode   int64
	owner  int // user and group
	text   []byte
	target string // of a link
}

const (
	kindFile = tar.TypeReg
	kindDir  = tar.TypeDir
	kindLink = tar.TypeSymlink
)

func dir(name string) entry { return entry{name: name, kind: kindDir, mode: 0o755} }

func text(name, content string) entry {
	return entry{name: name, kind: kindFile, mode: 0o644, text: []byte(content)}
}

// fromDisk is the file at path under another name; only its content counts.
func fromDisk(path, name string, mode int64) (entry, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the files that the command line names
	return entry{name: name, kind: kindFile, mode: mode, text: content}, err
}

// newLayer is a layer of these files, all of one time, in this order.
func newLayer(files []entry) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range files {
		header := &tar.Header{
			Name: f.name, Typeflag: f.kind, Mode: f.mode, Size: int64(len(f.text)), Linkname: f.target,
			Uid: f.owner, Gid: f.owner, ModTime: created, Format: tar.FormatUSTAR,
		}
		if f.kind == kindDir {
			header.Name += "/"
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}

// applets are the programs of busybox that have a name of their own in the
// image: a shell, what GitLab's runner and the templates' scripts call, and
// what a job's script commonly does.
var applets = []string{
	"[", "ash", "awk", "base64", "basename", "cat", "chmod", "chown", "clear", "cmp", "cp", "cut", "date", "dd", "df",
	"diff", "dirname", "du", "echo", "egrep", "env", "expr", "false", "fgrep", "find", "grep", "gunzip", "gzip", "head",
	"hostname", "id", "kill", "ln", "ls", "md5sum", "mkdir", "mkfifo", "mktemp", "mv", "nc", "nslookup", "od", "paste",
	"printf", "ps", "pwd", "readlink", "realpath", "rm", "rmdir", "sed", "seq", "sh", "sha1sum", "sha256sum",
	"sleep", "sort", "stat", "sync", "tac", "tail", "tar", "tee", "test", "timeout", "touch", "tr", "true", "tty",
	"uname", "uniq", "unzip", "vi", "wc", "wget", "which", "whoami", "xargs", "yes", "zcat",
}
