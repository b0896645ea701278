package actorstest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/mailbox"
)

var exploreOrders = flag.Int("actors.orders", 10_000, "orders of events in which control and data are tried")

var exploreSeed = flag.Uint64("actors.seed", uint64(time.Now().UnixNano()), "seed of the random tests")

// outer is a test that is allowed to fail.
type outer struct {
	testing.TB
	said   strings.Builder
	failed bool
}

func (o *outer) Helper()                  {}
func (o *outer) Context() context.Context { return o.TB.Context() }

func (o *outer) Fatal(args ...any) {
	fmt.Fprint(&o.said, args...)
	o.failed = true
	runtime.Goexit()
}

func (o *outer) Fatalf(format string, args ...any) { o.Fatal(fmt.Sprintf(format, args...)) }

// fails runs a function of which a test is expected to fail, and gives what it said; "" if it did not.
func fails(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	o := &outer{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(o)
	}()
	<-done
	if !o.failed {
		return ""
	}
	return o.said.String()
}

// account is the planted bug: a withdrawal is allowed by what was read some messages ago.
type account struct {
	balance int
}

type withdrawal struct {
	amount int
	read   int // the balance that its sender has seen; -1: it asks for it
	from   actors.Ref[withdrawal]
}

func (a *account) Receive(_ *actors.Context[withdrawal], w withdrawal) error {
	if w.read < 0 {
		w.read = a.balance
		return w.from.Tell(w)
	}
	if w.read >= w.amount {
		a.balance -= w.amount
	}
	return nil
}

// overdraw lets two customers take 60 of 100, each after a look at the balance. slack is how many messages must come between
// two others before it goes wrong.
func overdraw(slack int, trace *[]string) func(testing.TB, *actors.System) {
	return func(t testing.TB, s *actors.System) {
		a := &account{balance: 100}
		spawn := func(n actors.Name, r actors.Actor[withdrawal]) actors.Ref[withdrawal] {
			ref, err := actors.Spawn(s, actors.Spec[withdrawal]{Name: n, Box: mailbox.One(16, mailbox.Reject), Actor: r})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Drive(t.Context(), ref.Open); err != nil {
				t.Fatal(err)
			}
			return ref
		}
		bank := spawn("bank", a)
		start := func(n actors.Name, wait int) {
			me := spawn(n, actors.Func[withdrawal](func(c *actors.Context[withdrawal], w withdrawal) error {
				*trace = append(*trace, fmt.Sprint(c.Name(), w.read))
				if w.from == (actors.Ref[withdrawal]{}) && w.amount > 0 { // it waits its turns
					return c.Self().Tell(withdrawal{amount: w.amount - 1})
				}
				if w.from == (actors.Ref[withdrawal]{}) {
					return bank.Tell(withdrawal{amount: 60, read: -1, from: c.Self()})
				}
				return bank.Tell(withdrawal{amount: w.amount, read: w.read})
			}))
			if err := me.Tell(withdrawal{amount: wait}); err != nil {
				t.Fatal(err)
			}
		}
		start("quick", 0)
		start("slow", slack)
		if err := s.Drive(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if a.balance < 0 {
			t.Fatalf("the account is overdrawn: %d", a.balance)
		}
	}
}

func TestExploreFindsAnOrderThatBreaksItAndRepeatsIt(t *testing.T) {
	t.Logf("-actors.seed=%d", *exploreSeed)
	var trace []string
	bug := overdraw(6, &trace)
	if said := fails(t, func(tb testing.TB) {
		bugless := actorstest.NewSystem(t, 0)
		bug(tb, bugless)
	}); said != "" {
		t.Fatalf("order of arrival breaks it, so there is nothing to find: %s", said)
	}
	said := fails(t, func(tb testing.TB) { actorstest.Explore(tb, *exploreSeed, 10_000, bug) })
	if !strings.Contains(said, "overdrawn: -20") {
		t.Fatalf("10,000 orders did not break it: %q", said)
	}
	flags := regexp.MustCompile(`-explore\.seed=(\d+) -explore\.draws=(\d+)`).FindStringSubmatch(said)
	if flags == nil {
		t.Fatalf("no flags to repeat it in %q", said)
	}
	set := func(name, value string) {
		before := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, before) })
	}
	set("explore.seed", flags[1])
	set("explore.draws", flags[2])
	var traces [2]string
	for i := range traces {
		trace = nil
		if said := fails(t, func(tb testing.TB) { actorstest.Explore(tb, 1, 1, bug) }); !strings.Contains(said, "overdrawn: -20") {
			t.Fatalf("the flags do not repeat it: %q", said)
		}
		traces[i] = strings.Join(trace, " ")
	}
	if traces[0] != traces[1] {
		t.Fatalf("the same flags give two traces:\n%s\n%s", traces[0], traces[1])
	}
}

// A timeout that is longer than everything it waits for together is safe only while timers wait for messages.
func TestExploreLetsTimersOvertakeMessages(t *testing.T) {
	t.Logf("-actors.seed=%d", *exploreSeed)
	said := fails(t, func(tb testing.TB) {
		actorstest.Explore(tb, *exploreSeed, 1000, func(t testing.TB, s *actors.System) {
			p := actorstest.NewProbe[string](t, s, "probe")
			ref, err := actors.Spawn(s, actors.Spec[string]{
				Name: "a", Box: mailbox.One(16, mailbox.Reject),
				Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
					if m == "go" {
						c.After("timeout", time.Second, "timeout")
						return c.Self().Tell("answer")
					}
					return p.Ref().Tell(m)
				}),
			})
			if err == nil {
				err = s.Drive(t.Context(), ref.Open)
			}
			if err == nil {
				err = ref.Tell("go")
			}
			if err != nil {
				t.Fatal(err)
			}
			if m := p.Next(t); m != "answer" {
				t.Fatalf("%s came first", m)
			}
		})
	})
	if !strings.Contains(said, "timeout came first") {
		t.Fatalf("no order had the timer first: %q", said)
	}
}

func TestExploreTellsOfPanicsOfSystemsThatDoNotStopAndOfNothingElse(t *testing.T) {
	runs := 0
	actorstest.Explore(t, 1, 25, func(t testing.TB, _ *actors.System) {
		runs++
		t.Log("said and not told")
		t.Cleanup(func() { runs++ })
	})
	if runs != 50 {
		t.Errorf("%d runs and cleanups of 25, want 50", runs)
	}
	said := fails(t, func(tb testing.TB) {
		actorstest.Explore(tb, 1, 5, func(testing.TB, *actors.System) { panic(errors.New("boom")) })
	})
	if !strings.Contains(said, "order 1 of 5") || !strings.Contains(said, "boom") || !strings.Contains(said, "-explore.draws=0") {
		t.Errorf("said %q, want the first order, the panic, and that no draw is needed", said)
	}
}

// Data floods the mailbox; a cancel that comes in the middle is handled next, in every order of events.
func TestControlIsNeverPassedByData(t *testing.T) {
	t.Logf("-actors.seed=%d", *exploreSeed)
	orders := *exploreOrders
	if testing.Short() {
		orders = min(orders, 500)
	}
	box := mailbox.Config{}
	box.Lanes[mailbox.Control-1] = mailbox.LaneConfig{Cap: 4, Policy: mailbox.Reject}
	box.Lanes[mailbox.Data-1] = mailbox.LaneConfig{Cap: 100, Policy: mailbox.Reject}
	lane := func(m int) mailbox.Lane {
		if m < 0 {
			return mailbox.Control
		}
		return mailbox.Data
	}
	actorstest.Explore(t, *exploreSeed, orders, func(t testing.TB, s *actors.System) {
		waiting := false // a cancel was told and not handled
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "orders", Box: box, Lane: lane,
			Actor: actors.Func[int](func(_ *actors.Context[int], m int) error {
				if m >= 0 && waiting {
					t.Fatalf("data %d was handled while a cancel waited", m)
				}
				waiting = false
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Drive(t.Context(), ref.Open)
		for i := range 3 {
			sender, err := actors.Spawn(s, actors.Spec[int]{
				Name: actors.Name(fmt.Sprint("sender", i)), Box: mailbox.One(4, mailbox.Reject),
				Actor: actors.Func[int](func(c *actors.Context[int], n int) error {
					m := n
					if n%5 == i {
						m = -1
						waiting = true
					}
					if err := ref.Tell(m); err != nil {
						return err
					}
					if n == 10 {
						return nil
					}
					return c.Self().Tell(n + 1)
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			_ = s.Drive(t.Context(), sender.Open)
			if err := sender.Tell(0); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Drive(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
}
