package credstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// An entry file is a header in the clear and the payload sealed by AES-256-GCM, with the header and the file's name
// as associated data. The key is HKDF-SHA256 of the token, with the header's salt.
//
//	0   magic
//	16  salt
//	48  nonce
//	60  created, until: Unix time in ns
//	76  uptime at creation in ns, -1 where it is not known
//	84  ciphertext and tag
const (
	magic      = "ci-aws store v1\n"
	keyInfo    = "ci-aws store v1"
	saltLen    = 32
	nonceLen   = 12
	headerLen  = len(magic) + saltLen + nonceLen + 3*8
	maxPayload = 64 << 10
	maxEntry   = headerLen + maxPayload + 16
)

// tempPrefix begins the name of a file that is being written; one that is older than tempLife was left by a crash.
const (
	tempPrefix = "tmp-"
	tempLife   = time.Hour
)

type header struct {
	salt, nonce    []byte
	created, until time.Time
	uptime         time.Duration // negative where it is not known
}

func (h header) encode() []byte {
	b := make([]byte, 0, maxEntry)
	b = append(append(append(b, magic...), h.salt...), h.nonce...)
	for _, n := range []int64{h.created.UnixNano(), h.until.UnixNano(), int64(h.uptime)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // the bits are what is kept
	}
	return b
}

// parseHeader reads the header of an entry file; false means that the file is none.
func parseHeader(data []byte) (header, bool) {
	if len(data) < headerLen || string(data[:len(magic)]) != magic {
		return header{}, false
	}
	data = data[len(magic):headerLen]
	n := func(i int) int64 {
		return int64(binary.BigEndian.Uint64(data[saltLen+nonceLen+8*i:])) //nolint:gosec // the bits are what was kept
	}
	return header{
		salt:    data[:saltLen],
		nonce:   data[saltLen : saltLen+nonceLen],
		created: time.Unix(0, n(0)),
		until:   time.Unix(0, n(1)),
		uptime:  time.Duration(n(2)),
	}, true
}

// aead is the cipher of the entry for token.
func (h header) aead(token []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, token, h.salt, keyInfo, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal returns the entry file for payload.
func (h header) seal(name string, token, payload []byte) ([]byte, error) {
	aead, err := h.aead(token)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	b := h.encode()
	return aead.Seal(b, h.nonce, payload, append(bytes.Clone(b), name...)), nil
}

// unseal returns the payload of an entry file; false where the token, the name or a byte of it is another.
func (h header) unseal(name string, token, data []byte) ([]byte, bool) {
	aead, err := h.aead(token)
	if err != nil {
		return nil, false
	}
	payload, err := aead.Open(nil, h.nonce, data[headerLen:], append(bytes.Clone(data[:headerLen]), name...))
	return payload, err == nil
}

// entry is a file of the store and the token that opens it.
type entry struct {
	*Store
	name  string
	token []byte
}

// load returns the payload if there is one that is alive and opens. Content that is not ours is a miss, a file that
// is not ours an *UnusableError.
func (e entry) load() (payload []byte, hit bool, err error) {
	f, err := e.open(e.name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, e.unusable(e.name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(maxEntry)+1))
	if err != nil {
		return nil, false, e.unusable(e.name, err)
	}
	h, ok := parseHeader(data)
	if !ok || !e.alive(h) {
		return nil, false, nil
	}
	payload, hit = h.unseal(e.name, e.token, data)
	return payload, hit, nil
}

// save seals payload and puts it in the entry's place. It does not wait for the disk: what a crash tears is a miss.
func (e entry) save(payload []byte, until time.Time) error {
	now := e.c.Now()
	if !now.Before(until) {
		return nil
	}
	if len(payload) > maxPayload {
		return e.unusable(e.name, fmt.Errorf("the payload has %d bytes, and %d fit", len(payload), maxPayload))
	}
	random := make([]byte, saltLen+nonceLen)
	_, _ = rand.Read(random) // never returns an error
	h := header{random[:saltLen], random[saltLen:], now, until, e.uptime()}
	data, err := h.seal(e.name, e.token, payload)
	if err != nil {
		return e.unusable(e.name, err)
	}
	temp := tempPrefix + rand.Text()
	f, err := e.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return e.unusable(temp, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = e.root.Rename(temp, e.name)
	}
	if err != nil {
		return e.unusable(e.name, errors.Join(err, e.root.Remove(temp)))
	}
	return nil
}

// prune removes what no one can be served from: entries that are dead or torn, and what crashes left. It removes
// nothing that is not ours, and what goes wrong is left for the next one. An entry that is renewed at this very
// moment may go too, which costs a fetch.
func (s *Store) prune() {
	folder, err := s.root.Open(".")
	if err != nil {
		return
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1) // what could be read is enough
	for _, name := range names {
		temp := strings.HasPrefix(name, tempPrefix)
		if (temp || len(name) == len(Name())) && s.dead(name, temp) {
			_ = s.root.Remove(name) // another process may have done so
		}
	}
}

func (s *Store) dead(name string, temp bool) bool {
	f, err := s.open(name, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	if temp {
		fi, err := f.Stat()
		return err == nil && s.c.Now().Sub(fi.ModTime()) > tempLife
	}
	data := make([]byte, headerLen)
	if _, err := io.ReadFull(f, data); err != nil {
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	h, ok := parseHeader(data)
	return !ok || !s.alive(h)
}
