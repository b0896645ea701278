package risk_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/risk"
)

// hungTrips is a store whose disk does not answer between a hang and a release.
type hungTrips struct {
	risk.TripStore
	back atomic.Pointer[chan struct{}]
}

func (h *hungTrips) hang() {
	back := make(chan struct{})
	h.back.Store(&back)
}

func (h *hungTrips) release() { close(*h.back.Swap(nil)) }

func (h *hungTrips) wait() {
	if back := h.back.Load(); back != nil {
		<-*back
	}
}

func (h *hungTrips) Write(name string, body []byte) error {
	h.wait()
	return h.TripStore.Write(name, body)
}

func (h *hungTrips) Remove(name string) error {
	h.wait()
	return h.TripStore.Remove(name)
}

// onHungDisk gives a world whose trips are kept on a disk that can hang. What the holder has done beside it is done on one goroutine.
func onHungDisk(t *testing.T) (*world, *hungTrips) {
	w := newWorld(t, nil)
	disk := &hungTrips{TripStore: w.trips}
	d, err := risk.NewDesk(exampleConfig(), risk.Parts{Nonce: 2, Catalogue: exampleCatalogue(), Prices: w.quotes, Trips: disk})
	if err != nil {
		t.Fatal(err)
	}
	w.desk, w.log, w.queue = d, risk.NewMemoryLog(d.Machine(), 1), nil
	w.holder = risk.NewHolder(d, w.log, "test")
	d.Post(func(m risk.Message) error { w.queue = append(w.queue, m); return nil })
	work := make(chan func(), 16)
	go func() {
		for f := range work {
			f()
		}
	}()
	t.Cleanup(func() { close(work) })
	d.FileBy(func(f func()) error { work <- f; return nil })
	w.open(2)
	return w, disk
}

func (w *world) files(want int) {
	w.t.Helper()
	if names, err := w.trips.Names(); err != nil || len(names) != want {
		w.t.Errorf("files %v, %v, want %d", names, err, want)
	}
}

// Whoever trips waits until the trip is kept. The holder, which keeps the permission and carries the trip to the others, does not.
func TestAHolderGoesOnWhileTheDiskOfTheTripsHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, disk := onHungDisk(t)
		disk.hang()
		tripped := make(chan risk.Latch, 1)
		go func() {
			l, err := w.desk.Trip(risk.TripRequest{Scope: risk.AccountScope("A1"), By: "ann", Reason: "test"}, w.now)
			if err != nil {
				t.Errorf("Trip() error = %v", err)
			}
			tripped <- l
		}()
		synctest.Wait()
		w.pass(time.Second)
		if s := w.desk.Status(); len(s.Logged) != 1 {
			t.Errorf("%d trips are in the log, want the one that is not kept yet", len(s.Logged))
		}
		if body := w.desk.Gatez(w.now, "A2/*/*"); !body.Open {
			t.Errorf("the other account is %s for %+v", body.Mode, body.Why)
		}
		w.files(0)
		disk.release()
		<-tripped
		w.files(1)
	})
}

func TestAHolderGoesOnWhileTheDiskHangsAtAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, disk := onHungDisk(t)
		l := w.trip("A1/*/*", risk.Closed)
		w.pass(time.Second)
		w.files(1)
		disk.hang()
		if r := w.reset("A1/*/*", l.ID); r.Err != nil {
			t.Fatal(r.Err)
		}
		w.pass(time.Second)
		if body := w.desk.Gatez(w.now, ""); !body.Open {
			t.Errorf("the gate is %s for %+v", body.Mode, body.Why)
		}
		w.files(1)
		disk.release()
		synctest.Wait()
		w.files(0)
	})
}

// A trip that another node set comes by the log, and is kept beside the holder too.
func TestAHolderGoesOnWhileTheDiskHangsAtATripOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, disk := onHungDisk(t)
		other := opened(t, nil)
		other.trip("A1/*/*", risk.Closed)
		other.pass(time.Second)
		disk.hang()
		if err := w.desk.Machine().Restore(bytes.NewReader(other.snapshot())); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.files(0)
		disk.release()
		synctest.Wait()
		w.files(1)
	})
}
