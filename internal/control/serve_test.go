package control_test

import (
	"context"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/control"
)

func TestTheDoorClosesOnWhoeverStillWaits(t *testing.T) {
	n := &node{entered: make(chan struct{}, 1), left: make(chan struct{}, 1)}
	l, err := control.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- control.New(config(), n).Serve(ctx, l, time.Millisecond) }()
	c, err := control.Dial("http://"+l.Addr().String(), "all-token")
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _, _ = c.Post(t.Context(), "/api/v1/trips", "k", control.TripRequest{Mode: "slow", Reason: "x", WaitMS: time.Minute.Milliseconds()})
	}()
	<-n.entered
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve() = %v, want nil after its context ended", err)
	}
	if len(n.left) != 1 {
		t.Error("Serve returned while a trip still waited for its confirmation")
	}
	<-answered
}
