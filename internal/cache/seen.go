package cache

import (
	"net/http"
	"sync"
)

// watch remembers the last try of a call: when it was signed, and how it was
// answered, of which an error tells only a part.
type watch struct {
	mu   sync.Mutex
	last exchange
}

// exchange is one HTTP call. Without an answer, status is 0.
type exchange struct {
	signed string // the time that stands in the signature
	status int
	header http.Header
	tries  int
}

// forget begins a new call.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = exchange{}
}

func (w *watch) sent(r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = exchange{signed: r.Header.Get("X-Amz-Date"), tries: w.last.tries + 1}
}

func (w *watch) answered(resp *http.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last.status, w.last.header = resp.StatusCode, resp.Header
}

func (w *watch) get() exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}
