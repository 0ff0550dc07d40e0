package smoke

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// What a writer may be asked for.
const (
	DefaultSize  = 1 << 20 // of each file, in bytes
	DefaultFiles = 10

	MinSize  = 32      // fewer bytes could agree by chance
	MaxTotal = 4 << 30 // of all files: S3 takes 5 GB in one PUT, which is how a runner stores a cache
	MaxFiles = 1000

	maxFleet    = 4096 // bytes of a fleet's tags
	maxPipeline = 64   // bytes of a pipeline's id
)

// Content is what a writer stores: Files files of Size bytes each. Every byte of
// it follows from these four, so that a reader needs no copy to compare with.
type Content struct {
	Pipeline string // CI_PIPELINE_ID of the pipeline that writes and reads
	Fleet    string // the tags of the writer's fleet: "cluster,kubernetes"
	Size     int64
	Files    int
}

// Check says what of the content cannot be.
func (c Content) Check() error {
	if err := CheckPipeline(c.Pipeline); err != nil {
		return err
	}
	if err := CheckFleet(c.Fleet); err != nil {
		return err
	}
	switch {
	case c.Files < 1 || c.Files > MaxFiles:
		return fmt.Errorf("%d files: want 1 to %d", c.Files, MaxFiles)
	case c.Size < MinSize:
		return fmt.Errorf("files of %s: want %d bytes at least", SizeText(c.Size), MinSize)
	case c.Size > MaxTotal/int64(c.Files):
		return fmt.Errorf("%d files of %s: want %s at most together", c.Files, SizeText(c.Size), SizeText(MaxTotal))
	}
	return nil
}

// CheckPipeline says why a text is no pipeline's id.
func CheckPipeline(id string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	if id == "" || len(id) > maxPipeline || strings.Trim(id, letters) != "" {
		return fmt.Errorf("%s is not the id of a pipeline", short(id))
	}
	return nil
}

// CheckFleet says why a text cannot name a fleet. Tags are data here: any
// printable text will do.
func CheckFleet(tags string) error {
	switch {
	case strings.TrimSpace(tags) == "":
		return errors.New("the fleet has no tag")
	case len(tags) > maxFleet:
		return fmt.Errorf("the fleet's tags have %d bytes: want %d at most", len(tags), maxFleet)
	case !utf8.ValidString(tags):
		return fmt.Errorf("the fleet's tags %s are not UTF-8", short(tags))
	}
	return nil
}

// fileName is the name of the file of that number, which counts from 1.
func fileName(n int) string { return fmt.Sprintf("%04d.bin", n) }

// open gives the bytes of the file of that number: AES-256 in counter mode, with
// a key of its own for each file.
func (c Content) open(n int) io.Reader {
	sum := sha256.New()
	for _, field := range []string{"ci-aws smoke content v1", c.Pipeline, c.Fleet} {
		_ = binary.Write(sum, binary.BigEndian, uint64(len(field))) // a hash takes everything
		_, _ = io.WriteString(sum, field)
	}
	_ = binary.Write(sum, binary.BigEndian, []int64{c.Size, int64(c.Files), int64(n)})
	block, err := aes.NewCipher(sum.Sum(nil))
	if err != nil {
		return failing{err}
	}
	return &stream{cipher.NewCTR(block, make([]byte, aes.BlockSize)), c.Size} //nolint:gosec // no secret is kept: the key serves once, and anybody can make it
}

type stream struct {
	keys cipher.Stream
	left int64
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.left)]
	clear(p)
	s.keys.XORKeyStream(p, p)
	s.left -= int64(len(p))
	return len(p), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
