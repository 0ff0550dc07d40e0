package identity

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Reach goes the way that the exchange will go, without a call: the name, the
// connection and, for https, the certificate. It says what it found, also before
// an error. An identity that calls nobody has nothing to reach.
func (id *Identity) Reach(ctx context.Context) ([]report.Value, error) {
	s, err := id.newSDK()
	if err != nil {
		return nil, err
	}
	op, at := webIdentityOp, cmp.Or(id.Endpoint.Text, "https://"+defaultHost(ctx, id.Region.Text))
	if id.Source == PodIdentity {
		op, at = catalogue.AgentOp, id.agent().Text
	}
	target, what := parseEndpoint(at)
	if what != "" {
		return nil, nil // the check of the endpoint has said so
	}
	s.last.forget()
	w := way{sdk: s, target: target}
	if err := w.walk(ctx); err != nil {
		e := id.failed(ctx, call{op: op, doing: "reaching " + target.Hostname(), sdk: s, facts: w.facts()}, err)
		return w.seen, e
	}
	return w.seen, nil
}

const webIdentityOp = "AssumeRoleWithWebIdentity"

// way is the way to a host, by the environment's proxy where it has one.
type way struct {
	sdk     sdk
	target  *url.URL
	proxy   *url.URL
	seen    []report.Value
	private bool // the name resolves to addresses of the network's own
	public  bool
}

func (w *way) walk(ctx context.Context) error {
	proxy, err := proxy(&http.Request{URL: w.target})
	if err != nil {
		return &net.OpError{Op: "proxyconnect", Err: err}
	}
	w.proxy = proxy
	first := w.target
	if proxy != nil {
		first = proxy
	}
	if err := w.resolve(ctx, first.Hostname()); err != nil {
		return w.ofProxy(err)
	}
	tcp, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(first.Hostname(), port(first)))
	if err != nil {
		return w.ofProxy(err)
	}
	defer func() { _ = tcp.Close() }() // nothing was sent that could be lost
	stop := context.AfterFunc(ctx, func() { _ = tcp.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	w.see(tcp.RemoteAddr().String()+" takes connections", "TCP")
	conn := tcp
	if proxy != nil {
		if conn, err = w.tunnel(ctx, conn); err != nil || conn == nil {
			return w.ofProxy(err)
		}
	}
	if w.target.Scheme != "https" {
		return nil
	}
	return w.handshake(ctx, conn)
}

func (w *way) see(text, from string) {
	w.seen = append(w.seen, report.Value{Text: text, From: from})
}

// resolve looks a name up; an address needs none.
func (w *way) resolve(ctx context.Context, host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	shown := ""
	for _, a := range addresses {
		a = a.Unmap()
		w.private = w.private || a.IsPrivate()
		w.public = w.public || !a.IsPrivate() && !a.IsLoopback()
		if shown != "" {
			shown += ", "
		}
		shown += a.String()
	}
	w.see(host+" resolves to "+shown, "DNS")
	return nil
}

// tunnel asks an HTTP proxy for the way to the target. Another kind of proxy
// gives no connection: the exchange itself will tell.
func (w *way) tunnel(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if w.proxy.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{ServerName: w.proxy.Hostname(), RootCAs: w.sdk.cas, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	if w.proxy.Scheme != "https" && w.proxy.Scheme != "http" || w.target.Scheme != "https" {
		return nil, nil
	}
	host := net.JoinHostPort(w.target.Hostname(), port(w.target))
	ask := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: host}, Host: host, Header: http.Header{}}
	if user := w.proxy.User; user != nil {
		password, _ := user.Password()
		ask.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := ask.Write(conn); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(io.LimitReader(conn, maxConnect), 1), ask)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, proxyRefusal(answer.StatusCode)
	}
	w.see("the proxy opens the way", "CONNECT "+host)
	return conn, nil
}

// maxConnect bounds what a proxy may answer, in bytes.
const maxConnect = 64 << 10

func (w *way) handshake(ctx context.Context, conn net.Conn) error {
	secure := tls.Client(conn, &tls.Config{ServerName: w.target.Hostname(), RootCAs: w.sdk.cas, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	w.see(tls.VersionName(secure.ConnectionState().Version)+", and the certificate is trusted", w.target.Hostname())
	return nil
}

// ofProxy says that an error is the proxy's, where there is one.
func (w *way) ofProxy(err error) error {
	if _, refused := err.(proxyRefusal); w.proxy == nil || err == nil || refused { //nolint:errorlint // made here
		return err
	}
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
}

func (w *way) facts() catalogue.Facts {
	f := catalogue.Facts{}
	f.Say("private-address", w.private)
	f.Say("public-address", w.public && !w.private)
	return f
}

func port(u *url.URL) string {
	if u.Port() != "" {
		return u.Port()
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
