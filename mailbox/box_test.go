package mailbox_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/mailbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// msg is a message that says in which lane it waits.
type msg struct {
	lane mailbox.Lane
	n    int
}

func laneOf(m msg) mailbox.Lane { return m.lane }

// lanes is a configuration with these bounds: Reports blocks, the others reject.
func lanes(control, reports, commands, data int) mailbox.Config {
	c := mailbox.Config{Class: "test"}
	for i, n := range []int{control, reports, commands, data} {
		c.Lanes[i] = mailbox.LaneConfig{Cap: n, Policy: mailbox.Reject}
	}
	c.Lanes[mailbox.Reports-1].Policy = mailbox.Block
	return c
}

// of is a box of one lane of two places.
func of(l mailbox.Lane, p mailbox.Policy) mailbox.Config {
	c := mailbox.Config{Class: "test"}
	c.Lanes[l-1] = mailbox.LaneConfig{Cap: 2, Policy: p}
	return c
}

func newBox(t testing.TB, cfg mailbox.Config, opts ...mailbox.Option[msg]) *mailbox.Box[msg] {
	t.Helper()
	b, err := mailbox.New(cfg, append([]mailbox.Option[msg]{mailbox.ByLane(laneOf)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func takeAll(b *mailbox.Box[msg]) []msg {
	var out []msg
	var item [1]mailbox.Item[msg]
	for b.Take(item[:]) == 1 {
		out = append(out, item[0].Message)
	}
	return out
}

func checkBalance(t testing.TB, b *mailbox.Box[msg]) {
	t.Helper()
	for i, l := range b.Stats().Lanes {
		if !l.Balanced() {
			t.Fatalf("lane %s does not balance: %+v", mailbox.Lane(i+1), l)
		}
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	ttl := mailbox.One(1, mailbox.Reject)
	ttl.Lanes[mailbox.Data-1].TTL = time.Second
	never := lanes(1, 1, 1, 1)
	never.Lanes[mailbox.Reports-1].TTL = time.Second
	keys := mailbox.One(1, mailbox.Reject)
	keys.MaxKeys = 7
	waitingCommands := lanes(1, 1, 1, 1)
	waitingCommands.Lanes[mailbox.Commands-1].Policy = mailbox.Block
	two := lanes(-1, -2, 1, 1)
	narrow := mailbox.One(7, mailbox.Conflate)
	narrow.MaxKeys = 7
	wide := mailbox.One(math.MaxInt32+1, mailbox.Conflate)
	wide.MaxKeys = 7
	tests := map[string]struct {
		cfg  mailbox.Config
		says []string
	}{
		"no lane":              {mailbox.Config{}, []string{"no lane"}},
		"negative bounds, all": {two, []string{"control: cap = -1", "reports: cap = -2"}},
		"no policy":            {mailbox.One(1, 0), []string{"policy = invalid(0)"}},
		"unknown policy":       {mailbox.One(1, 99), []string{"policy = invalid(99)"}},
		"losing cancels":       {of(mailbox.Control, mailbox.DropNewest), []string{"control: policy = drop_newest", "[reject]"}},
		"waiting to cancel":    {of(mailbox.Control, mailbox.Block), []string{"control: policy = block"}},
		"losing evidence":      {of(mailbox.Reports, mailbox.DropOldest), []string{"reports: policy = drop_oldest", "[reject block]"}},
		"losing a command":     {of(mailbox.Commands, mailbox.DropOldest), []string{"commands: policy = drop_oldest", "[reject drop_newest]"}},
		"conflate":             {mailbox.One(1, mailbox.Conflate), []string{"max keys = 0, want at least 1"}},
		"keys have all":        {narrow, []string{"data: cap = 7, want more than max keys = 7"}},
		"places without names": {wide, []string{"data: cap = 2147483648, want at most 2147483647"}},
		"conflating evidence":  {of(mailbox.Reports, mailbox.Conflate), []string{"reports: policy = conflate, want one of [reject block]"}},
		"ttl without a clock":  {ttl, []string{"ttl = 1s and no Now"}},
		"ttl on reports":       {never, []string{"reports: ttl = 1s, want none"}},
		"keys":                 {keys, []string{"max keys = 7 and no lane conflates, want 0"}},
		"waiting for commands": {waitingCommands, []string{"commands: policy = block"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := mailbox.New(tt.cfg, mailbox.ByLane(laneOf))
			if !errors.Is(err, mailbox.ErrConfig) {
				t.Fatalf("New() error = %v, want ErrConfig", err)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("New() error = %q, want it to say %q", err, s)
				}
			}
		})
	}
	if _, err := mailbox.New[msg](lanes(1, 1, 1, 1)); !errors.Is(err, mailbox.ErrConfig) {
		t.Errorf("four lanes without ByLane: error = %v, want ErrConfig", err)
	}
}

// The engine's bounded mailbox rounds its size up to a power of two, and senders that find it full spin.
func TestT02BoundIsExact(t *testing.T) {
	for _, bound := range []int{1, 10, 63, 64, 65, 1000} {
		b := newBox(t, lanes(0, 0, 0, bound))
		for i := range bound {
			if err := b.Offer(msg{lane: mailbox.Data, n: i}); err != nil {
				t.Fatalf("bound %d: offer %d: %v", bound, i, err)
			}
		}
		if err := b.Offer(msg{lane: mailbox.Data}); !errors.Is(err, mailbox.ErrFull) {
			t.Fatalf("bound %d: offer to a full lane = %v, want ErrFull", bound, err)
		}
		if got := len(takeAll(b)); got != bound {
			t.Fatalf("bound %d: took %d", bound, got)
		}
		checkBalance(t, b)
	}
}

func TestLanesDoNotBorrowRoomAndUnknownLanesAreRefused(t *testing.T) {
	b := newBox(t, lanes(1, 1, 0, 1))
	for _, l := range []mailbox.Lane{mailbox.Control, mailbox.Reports, mailbox.Data} {
		if err := b.Offer(msg{lane: l}); err != nil {
			t.Fatal(err)
		}
		if err := b.Offer(msg{lane: l}); !errors.Is(err, mailbox.ErrFull) {
			t.Errorf("second offer on %s = %v, want ErrFull", l, err)
		}
	}
	for _, l := range []mailbox.Lane{0, mailbox.Commands, 5, 255} {
		if err := b.Offer(msg{lane: l}); !errors.Is(err, mailbox.ErrPolicy) {
			t.Errorf("offer on lane %d = %v, want ErrPolicy", l, err)
		}
	}
	if n := b.Stats().Astray; n != 4 {
		t.Errorf("astray = %d, want 4", n)
	}
}

func TestHigherLanesAreServedFirstAndLookedAtBeforeEveryMessage(t *testing.T) {
	b := newBox(t, lanes(10, 10, 10, 10))
	for _, m := range []msg{{mailbox.Data, 1}, {mailbox.Commands, 2}, {mailbox.Data, 3}, {mailbox.Reports, 4}} {
		if err := b.Offer(m); err != nil {
			t.Fatal(err)
		}
	}
	var item [1]mailbox.Item[msg]
	var got []int
	for b.Take(item[:]) == 1 {
		got = append(got, item[0].Message.n)
		if item[0].Lane != item[0].Message.lane {
			t.Errorf("message %d came out of lane %s", item[0].Message.n, item[0].Lane)
		}
		if item[0].Message.n == 1 { // while Data is being served
			if err := b.Offer(msg{mailbox.Control, 5}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := "[4 2 1 5 3]"; fmt.Sprint(got) != want {
		t.Fatalf("order = %v, want %s", got, want)
	}
}

func TestSignalsAreLatches(t *testing.T) {
	b := newBox(t, lanes(1, 0, 0, 0))
	b.Close(mailbox.Stopped)
	b.Raise(1)
	b.Raise(4)
	b.Raise(1)
	if !b.Pending() {
		t.Error("a raised signal is not pending")
	}
	if s := b.Signals(); s != 5 {
		t.Errorf("Signals() = %b, want 101", s)
	}
	if s := b.Signals(); s != 0 {
		t.Errorf("second Signals() = %b, want 0", s)
	}
}

func TestASuspendedBoxTakesOnlyControlAndHandsOutNothing(t *testing.T) {
	b := newBox(t, lanes(2, 2, 2, 2))
	if err := b.Offer(msg{mailbox.Data, 1}); err != nil {
		t.Fatal(err)
	}
	b.Suspend()
	for _, l := range []mailbox.Lane{mailbox.Reports, mailbox.Commands, mailbox.Data} {
		if err := b.Offer(msg{lane: l}); !errors.Is(err, mailbox.ErrSuspended) {
			t.Errorf("offer on %s = %v, want ErrSuspended", l, err)
		}
	}
	if err := b.Offer(msg{mailbox.Control, 2}); err != nil {
		t.Errorf("offer on control = %v, want nil", err)
	}
	if got := takeAll(b); got != nil || b.Pending() || b.Next() != 0 {
		t.Errorf("a suspended box handed out %v", got)
	}
	b.Resume()
	if got := fmt.Sprint(takeAll(b)); got != "[{1 2} {4 1}]" {
		t.Errorf("after Resume: %s", got)
	}
	checkBalance(t, b)
}

// The engine discards the queue of a stopped actor without a word.
func TestT06CloseAccountsForEveryQueuedMessage(t *testing.T) {
	var letters []mailbox.Letter[msg]
	var dropped int
	cfg := lanes(0, 0, 500, 500)
	cfg.Events.Dropped = func(_ string, _ mailbox.Lane, r mailbox.Reason, n int) {
		if r == mailbox.Restarted {
			dropped += n
		}
	}
	b := newBox(t, cfg, mailbox.Sink(func(l mailbox.Letter[msg]) { letters = append(letters, l) }))
	for i := range 1000 {
		l := mailbox.Data
		if i%2 == 0 {
			l = mailbox.Commands
		}
		if err := b.Offer(msg{l, i}); err != nil {
			t.Fatal(err)
		}
	}
	var ten [10]mailbox.Item[msg]
	handled := b.Take(ten[:])
	if n := b.Close(mailbox.Restarted).Total(); n+handled != 1000 || n != len(letters) || n != dropped {
		t.Fatalf("handled %d, drained %d, letters %d, told %d, want 1000 in all", handled, n, len(letters), dropped)
	}
	for i, l := range letters {
		if l.Reason != mailbox.Restarted || i > 0 && l.Lane < letters[i-1].Lane {
			t.Fatalf("letter %d = %+v, want restarted and lane order", i, l)
		}
	}
	if err := b.Offer(msg{lane: mailbox.Data}); !errors.Is(err, mailbox.ErrClosed) {
		t.Errorf("offer to a closed box = %v, want ErrClosed", err)
	}
	if n := b.Close(mailbox.Stopped).Total(); n != 0 {
		t.Errorf("second Close drained %d", n)
	}
	checkBalance(t, b)
}

func TestTheLaneIsDecidedOnceAtOffer(t *testing.T) {
	asked := 0
	b := newBox(t, lanes(2, 2, 2, 2), mailbox.ByLane(func(m msg) mailbox.Lane { asked++; return m.lane }))
	for i := range 3 { // the third finds the lane full
		_ = b.Offer(msg{mailbox.Data, i})
	}
	b.Next()
	b.Pending()
	takeAll(b)
	if err := b.OfferWait(t.Context(), msg{lane: mailbox.Reports}); err != nil {
		t.Fatal(err)
	}
	b.Close(mailbox.Stopped)
	if asked != 4 {
		t.Fatalf("asked for the lane of 4 offers %d times", asked)
	}
}

func TestTwoConsumersPanic(t *testing.T) {
	b := newBox(t, lanes(0, 0, 0, 4))
	release := mailbox.HoldConsumer(b)
	defer release()
	defer func() {
		if recover() == nil {
			t.Fatal("a second consumer was let in")
		}
	}()
	b.Take(make([]mailbox.Item[msg], 1))
}

func TestAHookThatPanicsIsSwitchedOff(t *testing.T) {
	cfg := lanes(0, 0, 0, 1)
	calls := 0
	cfg.Events.Refused = func(string, mailbox.Lane, mailbox.Reason) { calls++; panic("hook") }
	b := newBox(t, cfg)
	for range 4 {
		_ = b.Offer(msg{lane: mailbox.Data})
	}
	if calls != 1 || b.Stats().Lanes[mailbox.Data-1].Refused.Of(mailbox.Full) != 3 {
		t.Fatalf("hook called %d times, want once; stats %+v", calls, b.Stats())
	}
}
