package control

import (
	"net/http"
	"slices"
	"strings"
)

func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "ok\n")
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	exclude := r.URL.Query()["exclude"]
	ready := true
	var b strings.Builder
	for _, p := range s.node.Readiness() {
		if slices.Contains(exclude, p.Name) {
			continue
		}
		mark := "[+]"
		if !p.Ready {
			mark, ready = "[-]", false
		}
		b.WriteString(mark + p.Name + " " + p.State + "\n")
	}
	verdict, status := "readyz ok\n", http.StatusOK
	if !ready {
		verdict, status = "readyz failed\n", http.StatusServiceUnavailable
	}
	if !r.URL.Query().Has("verbose") {
		b.Reset()
	}
	plain(w, status, b.String()+verdict)
}

func (s *Server) gatez(w http.ResponseWriter, r *http.Request) {
	var scope *string
	if q := r.URL.Query(); q.Has("scope") {
		one := q.Get("scope")
		scope = &one
	}
	body, open, err := s.node.Gatez(scope)
	if err != nil {
		s.fail(w, usage("%v", err))
		return
	}
	status := http.StatusServiceUnavailable
	if open {
		status = http.StatusOK
	}
	s.write(w, status, body)
}
