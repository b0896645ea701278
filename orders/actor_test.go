package orders_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/orders"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCancelsGoAheadOfReportsAndThoseAheadOfOrders(t *testing.T) {
	for _, c := range []struct {
		m    orders.Message
		want mailbox.Lane
	}{
		{orders.CancelOrder{}, mailbox.Control},
		{orders.CancelAll{}, mailbox.Control},
		{orders.Received{}, mailbox.Reports},
		{orders.Durable{}, mailbox.Reports},
		{orders.Tick{}, mailbox.Reports},
		{orders.Place{}, mailbox.Commands},
		{orders.Recall{}, mailbox.Commands}, // behind the orders that it is to know
		{orders.ReplaceOrder{}, mailbox.Commands},
		{orders.Release{}, mailbox.Commands},
	} {
		if got := orders.LaneOf(c.m); got != c.want {
			t.Errorf("LaneOf(%T) = %v, want %v", c.m, got, c.want)
		}
	}
}

func TestRoundsAskWithGrowingJitterAndStopWhenAllIsKnown(t *testing.T) {
	doubt := orders.AccountStatus{Session: "open", ListWhole: true, Unknown: 1}
	var r orders.Rounds
	now, asked := int64(0), 0
	for range 200 {
		m, wait := r.Next(now, doubt, 1<<63)
		if wait <= 0 || wait > 30*time.Second {
			t.Fatalf("wait %v, want above 0 and at most 30 s", wait)
		}
		if _, ok := m.(orders.AskUnknown); ok {
			asked++
		} else if m != nil {
			t.Fatalf("got %T, want AskUnknown", m)
		}
		now += int64(wait)
	}
	if asked < 190 {
		t.Fatalf("asked %d times in 200 rounds", asked)
	}
	if m, _ := r.Next(now, orders.AccountStatus{Session: "open", ListWhole: true}, 0); m != nil {
		t.Fatalf("asked %T when all is known", m)
	}
	if m, _ := r.Next(now, orders.AccountStatus{Session: "down", Unknown: 9}, 0); m != nil {
		t.Fatalf("asked %T over a link that is down", m)
	}
	r.Next(now, orders.AccountStatus{Session: "reconciling", Unknown: 1}, 0)
	if m, _ := r.Next(now+int64(time.Second), orders.AccountStatus{Session: "reconciling", Unknown: 1}, 0); m != (orders.Reconcile{}) {
		t.Fatalf("got %T for a list that did not come, want Reconcile", m)
	}
}
