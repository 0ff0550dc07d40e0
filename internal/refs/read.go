package refs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Stdin is the name in places of what came from it.
const Stdin = "stdin"

// The bounds of what is read.
const (
	maxFile  = 32 << 20 // bytes of one file
	bigFile  = 1 << 20  // bytes from which files are read one after the other
	maxFiles = 100_000
)

// Read reads files, folders with all that is in them, and in for "-". A path that
// is not there or may not be read is an error; of all else that cannot be read or
// understood Unread says what and why. Links within folders are not followed, and
// .git, .terraform and node_modules are left out.
func Read(ctx context.Context, paths []string, in io.Reader) (Set, error) {
	w := &walker{seen: map[string]bool{}}
	for _, path := range paths {
		if err := w.path(path); err != nil {
			return Set{}, err
		}
	}
	sets, err := w.read(ctx, in)
	if err != nil {
		return Set{}, err
	}
	var all Set
	for _, s := range sets {
		all.add(s)
	}
	all.join()
	if dir, err := os.Getwd(); err == nil {
		all.root = repository(dir)
	}
	return all, nil
}

// walker lists files.
type walker struct {
	files []file
	seen  map[string]bool
}

// file is one file to read, or what is said of one that is not read.
type file struct {
	name  string
	named bool
	size  int64
	why   string // it is not read
	kind  Kind   // "" is Skipped
}

func (w *walker) add(f file) {
	key := filepath.Clean(f.name)
	if w.seen[key] {
		return
	}
	w.seen[key] = true
	w.files = append(w.files, f)
}

func (w *walker) path(path string) error {
	if path == "-" {
		w.add(file{name: path, named: true})
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading %q: %w", path, cause(err))
	}
	if !info.IsDir() {
		w.add(file{name: path, named: true, size: info.Size()})
		return nil
	}
	// A link that is named is followed, which WalkDir would not do.
	root := path
	if link, err := os.Lstat(path); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		root = path + string(filepath.Separator)
	}
	err = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			if name == root {
				return fmt.Errorf("reading %q: %w", path, cause(err))
			}
			w.add(file{name: name, why: "cannot be read: " + cause(err).Error()})
			return nil
		}
		return w.entry(filepath.Clean(name), e)
	})
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	return err
}

func (w *walker) entry(name string, e fs.DirEntry) error {
	switch {
	case e.IsDir():
		if slices.Contains([]string{".git", ".terraform", "node_modules"}, e.Name()) {
			return fs.SkipDir
		}
		return nil
	case len(w.files) >= maxFiles:
		w.add(file{name: filepath.Dir(name), why: fmt.Sprintf("has more than %d files with those before it, and no further one is read", maxFiles)})
		return fs.SkipAll
	case e.Type()&fs.ModeSymlink != 0:
		w.add(file{name: name, kind: Linked, why: "is a link, which is not followed"})
	case !e.Type().IsRegular():
		w.add(file{name: name, kind: Irregular, why: "is no regular file"})
	default:
		f := file{name: name}
		if info, err := e.Info(); err == nil {
			f.size = info.Size()
		}
		w.add(f)
	}
	return nil
}

// cause is an error of the file system without the path, which is said before.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// read reads the files side by side and gives their sets in their order.
func (w *walker) read(ctx context.Context, in io.Reader) ([]Set, error) {
	sets := make([]Set, len(w.files))
	errs := make([]error, len(w.files))
	next := make(chan int)
	var big sync.Mutex // large files one by one, for the memory that they take
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(w.files), 8) {
		group.Go(func() {
			for i := range next {
				f := w.files[i]
				if f.size > bigFile {
					big.Lock()
				}
				sets[i], errs[i] = f.read(ctx, in)
				if f.size > bigFile {
					big.Unlock()
				}
			}
		})
	}
	err := ctx.Err()
	for i := 0; i < len(w.files) && err == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	close(next)
	group.Wait()
	return sets, errors.Join(err, errors.Join(errs...))
}

func (f file) read(ctx context.Context, in io.Reader) (Set, error) {
	name := f.name
	if name == "-" && f.named {
		name = Stdin
	}
	if f.why == "" && f.size > maxFile {
		f.why = tooLarge()
	}
	if f.why != "" {
		return f.skipped(name), nil
	}
	text, err := f.text(ctx, in)
	switch {
	case err != nil && f.named:
		return Set{}, fmt.Errorf("reading %q: %w", name, cause(err))
	case err != nil:
		f.why = "cannot be read: " + cause(err).Error()
		return f.skipped(name), nil
	case len(text) > maxFile:
		f.why = tooLarge()
		return f.skipped(name), nil
	}
	return parse(name, text, f.named), nil
}

func tooLarge() string { return fmt.Sprintf("has more than %d MiB", maxFile>>20) }

func (f file) skipped(name string) Set {
	return Set{Others: 1, Unread: []Unread{{report.Place{File: name}, cmp.Or(f.kind, Skipped), f.why}}}
}

// text reads the file. What never ends, or waits for a writer, is left behind
// when the context ends.
func (f file) text(ctx context.Context, in io.Reader) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	read := func() result {
		source := in
		if !f.named || f.name != "-" {
			opened, err := os.Open(f.name)
			if err != nil {
				return result{nil, err}
			}
			defer opened.Close()
			source = opened
		}
		text, err := io.ReadAll(io.LimitReader(source, maxFile+1))
		return result{text, err}
	}
	if !f.named {
		r := read()
		return r.text, r.err
	}
	done := make(chan result, 1)
	go func() { done <- read() }()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
