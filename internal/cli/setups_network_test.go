package cli_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// network is the way from a pod to AWS's own endpoint: an HTTP proxy that leads
// to a TLS server with a certificate for STS's name, and behind it the cloud.
type network struct {
	host   string         // that the certificate is for
	status int            // with which the proxy answers a CONNECT; 0 is 200
	serve  func(net.Conn) // what the proxy's tunnel leads to, in place of that server
}

// network puts the pod behind that proxy, and takes the endpoint's override away.
func (p *place) network(n network) {
	p.t.Helper()
	u, err := url.Parse(p.cloud.STSURL())
	check(p.t, err)
	if n.host == "" {
		n.host = "sts.eu-central-1.amazonaws.com"
	}
	if n.serve == nil {
		n.serve = p.behindTLS(n.host, func(conn net.Conn) { pipe(conn, u.Host) })
	}
	p.unset("AWS_ENDPOINT_URL_STS")
	p.env["HTTPS_PROXY"] = "http://" + listen(p.t, n.proxy)
}

// proxy answers one CONNECT.
func (n network) proxy(conn net.Conn) {
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	status := n.status
	if r.Method != http.MethodConnect || r.Host != n.host+":443" {
		status = http.StatusMisdirectedRequest
	}
	if status != 0 {
		_, _ = io.WriteString(conn, "HTTP/1.1 "+strconv.Itoa(status)+" No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err == nil {
		n.serve(conn)
	}
}

// listen hands each connection on loopback to serve, and closes it after. It
// gives its address.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the test
	check(t, err)
	var open sync.WaitGroup
	var mu sync.Mutex
	all := []net.Conn{}
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range all {
			_ = conn.Close()
		}
		mu.Unlock()
		open.Wait()
	})
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			all = append(all, conn)
			mu.Unlock()
			open.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
	return listener.Addr().String()
}

// closed is an address of loopback where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	check(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// pipe copies both ways until one side has ended.
func pipe(conn net.Conn, to string) {
	other, err := net.Dial("tcp", to) //nolint:noctx // ends with conn
	if err != nil {
		return
	}
	defer func() { _ = other.Close() }()
	go func() {
		_, _ = io.Copy(other, conn) // either side may go at any time
		_ = other.Close()
	}()
	_, _ = io.Copy(conn, other)
	_ = conn.Close()
}

// ignore takes what is sent and never answers.
func ignore(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// page answers each call with a page, whoever asks.
func page(status string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); !errors.Is(err, io.EOF) { // a server answers a broken call too
			_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n<html>log in</html>\r\n")
		}
	}
}

// behindTLS answers behind a certificate for STS's name that the pod trusts.
func (p *place) behindTLS(host string, serve func(net.Conn)) func(net.Conn) {
	p.t.Helper()
	leaf, ca := certificate(p.t, host)
	p.env["AWS_CA_BUNDLE"] = p.file("etc/ca.pem", ca)
	return func(conn net.Conn) {
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS12})
		defer func() { _ = secure.Close() }()
		if secure.Handshake() == nil { //nolint:noctx // ends with conn
			serve(secure)
		}
	}
}

// socks is a SOCKS5 proxy that lets nobody through, and says why by a code of
// RFC 1928: 4 is host unreachable, 5 is connection refused.
func socks(reason byte) func(net.Conn) {
	return func(conn net.Conn) {
		greeting := make([]byte, 2)
		if _, err := io.ReadFull(conn, greeting); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(greeting[1])); err != nil {
			return
		}
		_, _ = conn.Write([]byte{5, 0})
		asked := make([]byte, 5)
		if _, err := io.ReadFull(conn, asked); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, int64(asked[4])+2)
		_, _ = conn.Write([]byte{5, reason, 0, 1, 0, 0, 0, 0, 0, 0})
	}
}

// certificate is one for a host, and the CA that signed it as PEM.
func certificate(t *testing.T, host string) (leaf tls.Certificate, ca string) {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	now := time.Now()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a CA of the test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &caKey.PublicKey, caKey)
	check(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	own := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		DNSNames: []string{host}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, own, root, &key.PublicKey, caKey)
	check(t, err)
	var text strings.Builder
	check(t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: rootDER}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, text.String()
}
