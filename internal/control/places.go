package control

import (
	"net/http"
	"sync"
)

// placed is a handler that holds a place while it works.
type placed func(w http.ResponseWriter, r *http.Request, p *place)

// place is one of a bounded number of requests under way.
type place struct {
	mu sync.Mutex
	in chan struct{}
}

// move takes the place to another room, or stays where it is and says no when that is full.
func (p *place) move(to chan struct{}) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case to <- struct{}{}:
		<-p.in
		p.in = to
		return true
	default:
		return false
	}
}

func (p *place) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	<-p.in
}

// within bounds how many requests are under way; a full house is an answer, not a wait.
func (s *Server) within(room chan struct{}, next placed) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			p := &place{in: room}
			defer p.leave()
			next(w, r, p)
		default:
			w.Header().Set("Retry-After", "1")
			s.fail(w, &Problem{http.StatusTooManyRequests, "busy", "too many requests at once", 1})
		}
	}
}

// still is a handler that does not care where it is.
func still(next http.HandlerFunc) placed {
	return func(w http.ResponseWriter, r *http.Request, _ *place) { next(w, r) }
}
