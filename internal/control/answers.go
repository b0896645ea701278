package control

import (
	"encoding/json"
	"io"
	"net/http"
)

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (s *Server) write(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"schema":"failshut.error/1","code":"failure","message":"the answer could not be encoded","exit":1}`)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

func (s *Server) fail(w http.ResponseWriter, p *Problem) {
	s.write(w, p.Status, struct {
		Schema       string  `json:"schema"`
		Code         string  `json:"code"`
		Message      string  `json:"message"`
		Exit         int     `json:"exit"`
		Where        *string `json:"where"`
		RetryAfterMS *int64  `json:"retry_after_ms"`
	}{Schema: "failshut.error/1", Code: p.Code, Message: p.Message, Exit: p.Exit})
}
