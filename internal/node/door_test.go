package node_test

import (
	"encoding/json"
	"io"
	"net/http"
)

// get asks the admin listener and returns status and body.
func (h *house) get(path string) (int, []byte) {
	h.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + h.Admin() + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, body
}

func (h *house) answers(path string, want int) {
	h.t.Helper()
	if status, body := h.get(path); status != want {
		h.t.Errorf("%s answers %d, want %d: %s", path, status, want, body)
	}
}

// gatez is the part of the gate's answer that these tests look at.
type gatez struct {
	Open bool   `json:"open"`
	Mode string `json:"mode"`
	Why  []struct {
		Code string `json:"code"`
	} `json:"why"`
	Latches []struct {
		TripID string `json:"trip_id"`
	} `json:"latches"`
}

func (h *house) gatez() (int, gatez) {
	h.t.Helper()
	status, body := h.get("/gatez")
	var g gatez
	if err := json.Unmarshal(body, &g); err != nil {
		h.t.Fatalf("%v: %s", err, body)
	}
	return status, g
}
