package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// content is noise that a key determines and that can be read from anywhere in
// it, so that neither what is stored nor what is expected back is ever held: the
// key stream of AES in counter mode. No storage can make it smaller.
type content struct{ block cipher.Block }

// newContent takes a key of 16 bytes.
func newContent(key [aes.BlockSize]byte) (content, error) {
	block, err := aes.NewCipher(key[:])
	return content{block}, err
}

// ReadAt is io.ReaderAt's. It never ends.
func (c content) ReadAt(b []byte, at int64) (int, error) {
	if at < 0 {
		return 0, errors.New("a place before the start")
	}
	var counter, skipped [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], uint64(at/aes.BlockSize))
	stream := cipher.NewCTR(c.block, counter[:])
	stream.XORKeyStream(skipped[:at%aes.BlockSize], skipped[:at%aes.BlockSize])
	clear(b)
	stream.XORKeyStream(b, b)
	return len(b), nil
}

func (c content) section(part span) *io.SectionReader {
	return io.NewSectionReader(c, part.From, part.Size)
}

// differs is content that is not what was stored.
type differs struct{ what string }

// Error says where it differs.
func (d *differs) Error() string { return d.what }

// chunk is how much is compared at a time, in bytes.
const chunk = 64 << 10

// compare reads what should be a part of the content. Its error is a *differs,
// or what the reader failed with.
func (c content) compare(r io.Reader, part span) error {
	got, want := make([]byte, chunk), make([]byte, chunk)
	for at, end := part.From, part.From+part.Size; at < end; {
		n, err := fill(r, got[:min(chunk, end-at)])
		_, _ = c.ReadAt(want[:n], at) // a place that is not negative never fails
		if !bytes.Equal(got[:n], want[:n]) {
			return &differs{fmt.Sprintf("byte %d is another", at+int64(firstOther(got[:n], want))+1)}
		}
		switch at += int64(n); {
		case err == io.EOF && at < end: //nolint:errorlint // one that is wrapped is no end in good order
			return &differs{fmt.Sprintf("it ends after %d bytes", at)}
		case err != nil && at < end:
			return err
		}
	}
	if n, _ := fill(r, got[:1]); n > 0 { // what else it says is of no interest
		return &differs{fmt.Sprintf("it goes on after %d bytes", part.From+part.Size)}
	}
	return nil
}

// fill is io.ReadFull but for the error, which is the reader's own: an end in
// good order is io.EOF, a connection that was cut is not.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

func firstOther(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}
