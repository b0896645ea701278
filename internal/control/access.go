package control

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// who finds the identity behind a request, or says why there is none.
func (s *Server) who(r *http.Request) (identity, *Problem) {
	for key := range r.URL.Query() {
		if strings.Contains(strings.ToLower(key), "token") {
			return identity{}, forbidden(http.StatusUnauthorized, "a token stands in the query string, want it in the Authorization header")
		}
	}
	p, _ := r.Context().Value(peerKey{}).(peer)
	if header := r.Header.Get("Authorization"); header != "" {
		token, ok := strings.CutPrefix(header, "Bearer ")
		if id, known := s.cfg.byToken(token); ok && known {
			return id, nil
		}
		return identity{}, forbidden(http.StatusUnauthorized, "the token is not known here")
	}
	if p.hasUID {
		return s.cfg.byUID(p.uid), nil
	}
	if s.cfg.Anonymous && p.loopback && ourOwn(r.Host) {
		return identity{"anonymous", []Role{Viewer}}, nil
	}
	return identity{}, forbidden(http.StatusUnauthorized, "no token was shown")
}

func (s *Server) viewer(next func(http.ResponseWriter, *http.Request, identity)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, problem := s.who(r)
		if problem == nil && !id.may(Viewer) {
			problem = forbidden(http.StatusForbidden, "%s has no role here", id.name)
		}
		if problem == nil {
			problem = sameOrigin(r)
		}
		if problem != nil {
			s.fail(w, problem)
			return
		}
		next(w, r, id)
	}
}

// ourOwn says whether a request was meant for this machine by name. A page whose name was bound anew to loopback reaches
// the listener as any local program does; only the Host header still says for whom it was.
func ourOwn(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// sameOrigin refuses what a page of another origin made a browser send.
func sameOrigin(r *http.Request) *Problem {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return forbidden(http.StatusForbidden, "cross-origin requests are refused")
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return forbidden(http.StatusForbidden, "cross-origin requests are refused")
		}
	}
	return nil
}
